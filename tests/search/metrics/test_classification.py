"""Shares of right answers, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from search.metrics.classification import CLASSIFICATION, figures, measure
from search.metrics.measurement import wilson

RNG = np.random.default_rng(2)
# Class 0 is nine times as frequent, and often answered wrongly.
TRUTH = np.where(RNG.random(300) < 0.9, 0, RNG.integers(1, 4, 300))
ANSWERS = np.where(RNG.random(300) < 0.7, TRUTH, RNG.integers(0, 4, 300))


@pytest.mark.parametrize(
    ("truth", "answers"),
    [
        (TRUTH, ANSWERS),
        (TRUTH, np.zeros_like(TRUTH)),
        (np.array([0, 2, 2]), np.array([0, 2, 3])),
    ],
    ids=["mistakes", "one answer", "answers without samples"],
)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_they_are_scikit_learns(truth: np.ndarray, answers: np.ndarray) -> None:
    found = figures(truth, answers)
    assert found == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truth, answers),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, answers),
            "macro_f1": metrics.f1_score(truth, answers, average="macro", zero_division=0.0),
        }
    )
    assert list(found) == [metric.name for metric in CLASSIFICATION]


def test_every_metric_has_an_interval() -> None:
    """Wilson's for the accuracy; those of few samples a class are wider."""
    found = measure(TRUTH, ANSWERS)
    right = int((TRUTH == ANSWERS).sum())
    assert found["accuracy"].interval() == wilson(right, 300)
    assert {name: each.value for name, each in found.items()} == pytest.approx(figures(TRUTH, ANSWERS))
    for each in found.values():
        assert each.n == 300
        assert each.low < each.value < each.high
    widths = {name: each.high - each.low for name, each in found.items()}
    assert widths["balanced_accuracy"] > widths["accuracy"]


def test_a_perfect_answer_is_certain_but_for_the_accuracy() -> None:
    """No resample has a mistake; Wilson's interval knows that n is finite."""
    found = measure(TRUTH, TRUTH)
    assert found["balanced_accuracy"].interval() == (1.0, 1.0)
    assert found["accuracy"].low < 1.0
