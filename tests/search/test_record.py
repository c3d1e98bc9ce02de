"""Records are right from birth."""

from __future__ import annotations

import dataclasses

import pytest
from scipy.stats import binomtest

from search.record import Proportion, Seconds
from tests.search.records import make_record


@pytest.mark.parametrize(("correct", "n"), [(0, 10), (10, 10), (97, 100), (354, 360), (1, 1)])
def test_interval_is_wilsons(correct: int, n: int) -> None:
    """The interval equals scipy's Wilson interval."""
    low, high = Proportion(correct=correct, n=n).interval()
    expected = binomtest(correct, n).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("correct", "n"), [(1, 0), (-1, 3), (4, 3)])
def test_impossible_shares_are_refused(correct: int, n: int) -> None:
    """A share of no samples, or of more than all, is a mistake."""
    with pytest.raises(ValueError, match="is not a proportion"):
        Proportion(correct=correct, n=n)


def test_a_complete_trial_has_a_score_and_no_other_has() -> None:
    """State and score say the same."""
    with pytest.raises(ValueError, match="has no score"):
        dataclasses.replace(make_record(1), score=None)
    with pytest.raises(ValueError, match="has a score"):
        dataclasses.replace(make_record(1), state="failed")


def test_feasible_needs_every_limit() -> None:
    """One broken limit is enough."""
    assert make_record(1).feasible
    assert not dataclasses.replace(make_record(1), excess={"flash_bytes": -5.0, "ram_bytes": 0.1}).feasible


def test_total_adds_every_phase() -> None:
    """No phase is forgotten in the total."""
    phases = {item.name: 1.0 for item in dataclasses.fields(Seconds)}
    assert Seconds(**phases).total == len(phases)


def test_a_proportion_as_figures() -> None:
    """Value, n and interval stand under names that tell what they are of."""
    share = Proportion(correct=90, n=100)
    low, high = share.interval()
    assert share.as_figures("accuracy") == {
        "accuracy": 0.9,
        "accuracy_n": 100,
        "accuracy_low": low,
        "accuracy_high": high,
    }
