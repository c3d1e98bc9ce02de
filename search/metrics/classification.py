"""Metrics of classification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from search.metrics.bootstrap import bootstrap
from search.metrics.measurement import Measurement
from search.metrics.metric import Metric

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CLASSIFICATION = (
    Metric(
        name="accuracy",
        task="classification",
        direction="max",
        best=1.0,
        title="accuracy",
        # As it was before there were other metrics: hypervolumes stay comparable.
        reference=0.0,
        percent=True,
        meaning="share of samples classified right; Wilson interval",
    ),
    Metric(
        name="balanced_accuracy",
        task="classification",
        direction="max",
        best=1.0,
        title="balanced accuracy",
        percent=True,
        meaning="mean over the classes of the share of their samples that is found; bootstrap interval",
    ),
    Metric(
        name="macro_f1",
        task="classification",
        direction="max",
        best=1.0,
        title="macro F1",
        percent=True,
        meaning="mean over the classes of the harmonic mean of precision and recall; bootstrap interval",
    ),
)


def figures(truth: npt.NDArray[np.int64], answers: npt.NDArray[np.int64]) -> dict[str, float]:
    """Every metric of `CLASSIFICATION` by name, without intervals.

    As scikit-learn has them: balanced accuracy is the mean over the classes of
    which there are samples, macro F1 over those of which there are samples or answers.

    Parameters
    ----------
    truth, answers
        Class numbers (n,), n >= 1.
    """
    right = truth == answers
    return {"accuracy": float(right.mean()), **_by_class(truth, answers)}


def _by_class(truth: npt.NDArray[np.int64], answers: npt.NDArray[np.int64]) -> dict[str, float]:
    import numpy as np

    size = int(max(truth.max(), answers.max())) + 1
    n, answered = np.bincount(truth, minlength=size), np.bincount(answers, minlength=size)
    hit = np.bincount(truth[truth == answers], minlength=size)
    known, seen = n > 0, n + answered > 0
    return {
        "balanced_accuracy": float((hit[known] / n[known]).mean()),
        "macro_f1": float((2 * hit[seen] / (n + answered)[seen]).mean()),
    }


def measure(truth: npt.NDArray[np.int64], answers: npt.NDArray[np.int64]) -> Mapping[str, Measurement]:
    """Every metric of `CLASSIFICATION` by name with its interval; parameters as of `figures`."""
    n, by_class = len(truth), _by_class(truth, answers)
    intervals = bootstrap(n, lambda which: tuple(_by_class(truth[which], answers[which]).values()))
    return {
        "accuracy": Measurement.share(int((truth == answers).sum()), n),
        **{
            name: Measurement.around(value, n, *interval)
            for (name, value), interval in zip(by_class.items(), intervals, strict=True)
        },
    }
