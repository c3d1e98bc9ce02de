"""A figure of merit and its interval."""

from __future__ import annotations

import math

import pytest

from search.metrics.measurement import Measurement, wilson
from search.record import Proportion


def test_a_share_has_the_interval_of_a_proportion() -> None:
    """One formula: records, tables and networks of the user's own agree to the last bit."""
    share = Measurement.share(340, 360)
    assert (share.value, share.n) == (340 / 360, 360)
    assert share.interval() == Proportion(correct=340, n=360).interval() == wilson(340, 360)
    assert share.as_figures("accuracy") == {
        "accuracy": 340 / 360,
        "accuracy_n": 360,
        "accuracy_low": share.low,
        "accuracy_high": share.high,
    }


def test_an_interval_always_holds_its_value() -> None:
    """The ends of a bootstrap may miss the value that they were drawn for."""
    assert Measurement.around(3.0, 10, 3.5, 4.0) == Measurement(value=3.0, n=10, low=3.0, high=4.0)
    assert Measurement.around(3.0, 10, math.inf, -math.inf).interval() == (3.0, 3.0)


@pytest.mark.parametrize(
    ("value", "n", "low", "high", "message"),
    [
        (math.nan, 10, 0.0, 1.0, "is none"),
        (0.5, 0, 0.0, 1.0, "is none"),
        (0.5, 10, -math.inf, 1.0, "is none"),
        (0.5, 10, 0.6, 1.0, "does not hold the value"),
    ],
)
def test_what_is_no_measurement(value: float, n: int, low: float, high: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Measurement(value=value, n=n, low=low, high=high)


def test_no_share_of_nothing() -> None:
    with pytest.raises(ValueError, match="3 of 2 samples is not a proportion"):
        Measurement.share(3, 2)
