"""From the outputs of a network to the metrics of its data's task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from search.metrics import anomaly, classification, regression
from search.metrics.confusion import Confusion, confusion
from search.metrics.measurement import Measurement

if TYPE_CHECKING:
    from search.datasets.dataset import Dataset, Split

Outputs = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """What the test split says of one artifact.

    Attributes
    ----------
    metrics
        Every metric of the task by name.
    confusion
        Of a classifier of no more than `search.metrics.confusion.MOST_CLASSES` classes; else None.
    """

    metrics: Mapping[str, Measurement]
    confusion: Confusion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the validation split says of one artifact.

    Attributes
    ----------
    metrics
        Every metric of the task by name.
    threshold
        Of anomaly detection: the score above which a sample is an anomaly; else None.
    """

    metrics: Mapping[str, Measurement]
    threshold: float | None = None


def measure(data: Dataset, split: Split, outputs: Outputs) -> Mapping[str, Measurement]:
    """Every metric of the task by name, with intervals.

    Parameters
    ----------
    data, split
        What the outputs belong to.
    outputs
        Real (not stored) outputs (n, outputs) of a network, one row a sample of the split.
    """
    if data.task == "regression":
        return regression.measure(data.in_units(split.y), data.in_units(outputs))
    if data.task == "anomaly_detection":
        return anomaly.measure(split.y, strangeness(split, outputs))
    return classification.measure(split.y, outputs)


def figures(data: Dataset, split: Split, outputs: Outputs) -> dict[str, float]:
    """The same without intervals, which take most of the time."""
    if data.task == "regression":
        return regression.figures(data.in_units(split.y), data.in_units(outputs))
    if data.task == "anomaly_detection":
        return anomaly.figures(split.y, strangeness(split, outputs))
    return classification.figures(split.y, outputs)


def not_finite(outputs: Outputs, split: str) -> str:
    """On how many of its samples outputs are no numbers, which have no error; empty where all are."""
    wrong = int((~np.isfinite(outputs.reshape(len(outputs), -1)).all(axis=1)).sum())
    if not wrong:
        return ""
    return (
        f"its outputs are not finite on {wrong} of {len(outputs)} {split} samples: train it again, more slowly, or "
        "give inputs on the scale that it was trained on"
    )


def in_units(data: Dataset, outputs: Outputs) -> bool:
    """True where a foreign network's outputs for the validation split are values in the targets' unit.

    A file does not say whether they are that or standardised, as networks here
    give them: what errs less on that split holds.
    """
    standardised, values = (
        figures(data, data.validation, each)["rmse"] for each in (outputs, data.standardised(outputs))
    )
    return values < standardised


def held_out(data: Dataset, outputs: Outputs) -> HeldOut:
    """What outputs for the test split amount to: the metrics, and the classes that are taken for one another."""
    truth = data.test.y
    matrix = confusion(data.labels, truth, outputs.argmax(axis=1)) if data.task == "classification" else None
    return HeldOut(metrics=measure(data, data.test, outputs), confusion=matrix)


def strangeness(split: Split, outputs: Outputs) -> npt.NDArray[np.float64]:
    """How strange each sample is to a network that gives its input back, (n,).

    It is the mean squared difference of outputs and inputs, both as the network
    has them: normalised, not stored.
    """
    difference = outputs.reshape(len(split), -1) - split.x.reshape(len(split), -1)
    found: npt.NDArray[np.float64] = np.square(difference, dtype=np.float64).mean(axis=1)
    return found


def judged(data: Dataset, outputs: Outputs) -> Judged:
    """What outputs for the validation split amount to."""
    split, limit = data.validation, None
    if data.task == "anomaly_detection":
        limit = anomaly.threshold(split.y, strangeness(split, outputs))
    return Judged(metrics=measure(data, split, outputs), threshold=limit)


def baseline(data: Dataset) -> dict[str, float]:
    """What the trivial answer gets in every metric, on the validation split; see `trivial_outputs`."""
    return figures(data, data.validation, trivial_outputs(data))


def trivial_outputs(data: Dataset) -> Outputs:
    """Outputs (n, outputs) for the validation split that say what can be said without looking at an input.

    That is each class's share of the training split, of which the most frequent
    is the answer, the mean of its targets, or that every sample is as strange as any other.
    """
    n, y = len(data.validation), data.train.y
    if data.task == "anomaly_detection":
        return data.validation.x.reshape(n, -1)
    if data.task == "regression":
        return np.tile(y.mean(axis=0, dtype=np.float64), (n, 1))
    return np.tile(np.bincount(y, minlength=data.n_classes) / len(y), (n, 1))
