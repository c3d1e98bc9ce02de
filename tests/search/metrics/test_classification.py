"""Shares of right answers, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from search.metrics.classification import CLASSIFICATION, LEAST_PROBABILITY, figures, losses, measure
from search.metrics.measurement import wilson

RNG = np.random.default_rng(2)
# Class 0 is nine times as frequent, and often answered wrongly.
TRUTH = np.where(RNG.random(300) < 0.9, 0, RNG.integers(1, 4, 300))
ANSWERS = np.where(RNG.random(300) < 0.7, TRUTH, RNG.integers(0, 4, 300))


def sure(answers: np.ndarray, n_classes: int = 4) -> np.ndarray:
    """Outputs (n, n_classes) of a network that is quite sure of these answers."""
    outputs = np.full((len(answers), n_classes), 0.3 / n_classes)
    outputs[np.arange(len(answers)), answers] += 0.7
    return outputs


OUTPUTS = sure(ANSWERS)


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
    outputs = sure(answers)
    found = figures(truth, outputs)
    assert found == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truth, answers),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, answers),
            "macro_f1": metrics.f1_score(truth, answers, average="macro", zero_division=0.0),
            "log_loss": metrics.log_loss(truth, outputs, labels=range(4)),
        }
    )
    assert list(found) == [metric.name for metric in CLASSIFICATION]


def test_the_loss_is_scikit_learns() -> None:
    """Of probabilities of any sharpness, all of them above the least."""
    rng = np.random.default_rng(7)
    outputs = rng.dirichlet([0.5, 1.0, 2.0, 4.0], 500).clip(0.01)
    outputs /= outputs.sum(axis=1, keepdims=True)
    truth = rng.integers(0, 4, 500)
    assert figures(truth, outputs)["log_loss"] == pytest.approx(metrics.log_loss(truth, outputs))
    single = figures(truth, outputs.astype(np.float32))["log_loss"]
    assert single == pytest.approx(metrics.log_loss(truth, outputs), rel=1e-6)


def test_a_stored_zero_is_half_a_step() -> None:
    """It stands for anything up to there: wrong and sure of it costs ln 512, and not infinity."""
    outputs = np.array([[1.0, 0.0], [1.0, 0.0], [0.25, 0.75]])
    assert losses(np.array([1, 0, 0]), outputs) == pytest.approx([np.log(512), 0.0, np.log(4)])
    assert LEAST_PROBABILITY == 1 / 512


def test_outputs_are_divided_by_their_sum() -> None:
    """That of a softmax of 8 bits is not 1: 255 of 256 steps are all there is."""
    outputs = np.array([[255.0, 0.0, 0.0], [64.0, 65.0, 125.0], [0.0, 0.0, 0.0]]) / 256
    assert losses(np.array([0, 1, 2]), outputs) == pytest.approx([0.0, np.log(254 / 65), np.log(512)])


@pytest.mark.filterwarnings("error")
def test_logits_go_through_a_softmax() -> None:
    """A foreign network may end before it; it has negative outputs somewhere."""
    logits = np.array([[2.0, -1.0, 0.5], [900.0, 0.0, 0.0], [0.1, 0.2, 0.3]])
    shares = np.exp(logits[[0, 2]]) / np.exp(logits[[0, 2]]).sum(axis=1, keepdims=True)
    found = losses(np.array([2, 1, 0]), logits)
    assert found == pytest.approx([-np.log(shares[0, 2]), np.log(512), -np.log(shares[1, 0])])


@pytest.mark.filterwarnings("error")
def test_what_is_not_finite_is_no_probability() -> None:
    """A network that went astray is scored, as badly as can be, and does not end its trial."""
    outputs = np.array([[np.nan, np.nan], [np.inf, 0.0], [-np.inf, np.inf]])
    for rows in (outputs, outputs[:2]):
        assert losses(np.zeros(len(rows), int), rows) == pytest.approx([np.log(512)] * len(rows))
    assert measure(np.zeros(3, int), outputs)["log_loss"].value == pytest.approx(np.log(512))


def test_the_loss_tells_apart_what_is_all_right() -> None:
    """The reason for it: both have every answer right, and one is surer."""
    timid, bold = (share * np.eye(4)[TRUTH] + (1 - share) / 4 for share in (0.5, 0.9))
    first, second = measure(TRUTH, timid), measure(TRUTH, bold)
    assert first["accuracy"] == second["accuracy"]
    assert second["log_loss"].value < first["log_loss"].value


def test_every_metric_has_an_interval() -> None:
    """Wilson's for the accuracy; those of few samples a class are wider."""
    found = measure(TRUTH, OUTPUTS)
    right = int((TRUTH == ANSWERS).sum())
    assert found["accuracy"].interval() == wilson(right, 300)
    assert {name: each.value for name, each in found.items()} == pytest.approx(figures(TRUTH, OUTPUTS))
    for each in found.values():
        assert each.n == 300
        assert each.low < each.value < each.high
    widths = {name: each.high - each.low for name, each in found.items()}
    assert widths["balanced_accuracy"] > widths["accuracy"]
    error = losses(TRUTH, OUTPUTS).std() / np.sqrt(300)
    assert widths["log_loss"] == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_a_perfect_answer_is_certain_but_for_the_accuracy() -> None:
    """No resample has a mistake; Wilson's interval knows that n is finite."""
    found = measure(TRUTH, np.eye(4)[TRUTH])
    assert f"{found['log_loss'].value:g} {found['log_loss'].interval()}" == "0 (0.0, 0.0)"  # and not -0
    assert found["balanced_accuracy"].interval() == (1.0, 1.0)
    assert found["accuracy"].low < 1.0
