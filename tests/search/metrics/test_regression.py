"""Errors of predicted values, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from search.metrics.regression import REGRESSION, figures, measure


@pytest.fixture(params=[1, 3])
def answers(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """Truth and answers (120, targets), the targets of different sizes."""
    rng = np.random.default_rng(5)
    truth = rng.normal(size=(120, request.param)) * np.array([1.0, 10.0, 100.0][: request.param])
    return truth, truth + rng.normal(size=truth.shape) * 0.5


def test_they_are_scikit_learns(answers: tuple[np.ndarray, np.ndarray]) -> None:
    """One target or several, of which the plain mean is taken."""
    truth, found = answers
    assert figures(truth, found) == pytest.approx(
        {
            "rmse": metrics.root_mean_squared_error(truth, found),
            "mae": metrics.mean_absolute_error(truth, found),
            "r2": metrics.r2_score(truth, found),
        }
    )
    assert list(figures(truth, found)) == [metric.name for metric in REGRESSION]


def test_every_figure_has_an_interval(answers: tuple[np.ndarray, np.ndarray]) -> None:
    """N is that of the samples, and more samples make the interval narrower."""
    truth, found = answers
    few, many = measure(truth[:30], found[:30]), measure(truth, found)
    for name, value in figures(truth, found).items():
        assert many[name].value == value
        assert many[name].n == 120
        assert many[name].low < value < many[name].high
        if name != "r2":
            assert many[name].high - many[name].low < few[name].high - few[name].low


def test_a_target_that_never_changes_has_no_r2() -> None:
    assert np.isnan(figures(np.ones((5, 1)), np.zeros((5, 1)))["r2"])
    with pytest.raises(ValueError, match="is none"):
        measure(np.ones((5, 1)), np.zeros((5, 1)))
