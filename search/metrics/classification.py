"""Metrics of classification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from search.metrics.bootstrap import bootstrap
from search.metrics.measurement import Measurement
from search.metrics.metric import Metric

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LEAST_PROBABILITY = 1 / 512
"""Half a step of an 8-bit softmax, whose stored 0 stands for anything up to it: a loss is at most 6.24."""

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
    Metric(
        name="log_loss",
        task="classification",
        direction="min",
        best=0.0,
        title="log loss",
        meaning="mean of -ln of the probability given to the true class, at least 1/512; bootstrap interval",
    ),
)


def figures(truth: npt.NDArray[np.int64], outputs: npt.NDArray[np.floating[Any]]) -> dict[str, float]:
    """Every metric of `CLASSIFICATION` by name, without intervals.

    As scikit-learn has them: balanced accuracy is the mean over the classes of
    which there are samples, macro F1 over those of which there are samples or
    answers.  The answer is the first of the greatest outputs, as on the device.

    Parameters
    ----------
    truth
        Class numbers (n,), n >= 1.
    outputs
        Of a network (n, classes); what they say of probabilities, see `losses`.
    """
    answers = outputs.argmax(axis=1)
    return {
        "accuracy": float((truth == answers).mean()),
        **_by_class(truth, answers),
        "log_loss": float(losses(truth, outputs).mean()),
    }


def losses(truth: npt.NDArray[np.int64], outputs: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """-ln of the probability (n,) that each sample's true class got, 0 to -ln of `LEAST_PROBABILITY`.

    Outputs are divided by their sum, which that of a stored softmax misses by
    its rounding.  A network with a negative output does not end in a softmax:
    all its outputs are taken as what goes into one (logits).  What is not finite counts as 0.
    Parameters as of `figures`.
    """
    import numpy as np

    values = outputs.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        if values.min() < 0:
            values = np.exp(values - values.max(axis=1, keepdims=True))
        given = values[np.arange(len(truth)), truth] / values.sum(axis=1)
    found: npt.NDArray[np.float64] = np.log(1 / np.fmax(given, LEAST_PROBABILITY))  # fmax: of NaN the other
    return found


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


def measure(truth: npt.NDArray[np.int64], outputs: npt.NDArray[np.floating[Any]]) -> Mapping[str, Measurement]:
    """Every metric of `CLASSIFICATION` by name with its interval; parameters as of `figures`."""
    n, answers, lost = len(truth), outputs.argmax(axis=1), losses(truth, outputs)

    def again(which: npt.NDArray[np.intp]) -> tuple[float, ...]:
        return (*_by_class(truth[which], answers[which]).values(), float(lost[which].mean()))

    drawn = {**_by_class(truth, answers), "log_loss": float(lost.mean())}
    intervals = bootstrap(n, again)
    return {
        "accuracy": Measurement.share(int((truth == answers).sum()), n),
        **{
            name: Measurement.around(value, n, *interval)
            for (name, value), interval in zip(drawn.items(), intervals, strict=True)
        },
    }
