"""Percentile intervals by drawing samples again."""

from __future__ import annotations

import numpy as np
import pytest

from search.metrics.bootstrap import bootstrap


def test_the_interval_of_a_mean() -> None:
    """For a mean the normal approximation is known: 1.96 standard errors either way, here within a tenth of that."""
    values = np.random.default_rng(3).normal(5.0, 2.0, 400)
    ((low, high),) = bootstrap(len(values), lambda which: (float(values[which].mean()),))
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_equal_answers_have_equal_intervals() -> None:
    values = np.arange(30.0)
    first, second = (bootstrap(30, lambda which: (values[which].mean(), values[which].max())) for _ in range(2))
    assert first == second


def test_what_is_not_finite_is_left_out() -> None:
    """A resample may hold one class alone, of which some figures do not exist."""
    drawn = bootstrap(2, lambda which: (float("nan") if which[0] == which[1] else 1.0, float("nan")), resamples=50)
    assert drawn == ((1.0, 1.0), (float("inf"), float("-inf")))
