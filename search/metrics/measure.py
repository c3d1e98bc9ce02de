"""From the outputs of a network to the metrics of its data's task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from search.metrics import classification, regression
from search.metrics.confusion import Confusion, confusion
from search.metrics.measurement import Measurement

if TYPE_CHECKING:
    from search.datasets.dataset import Dataset

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


def measure(data: Dataset, truth: npt.NDArray[Any], outputs: Outputs) -> Mapping[str, Measurement]:
    """Every metric of the task by name, with intervals.

    Parameters
    ----------
    data
        What the outputs belong to.
    truth
        `Split.y` of the samples.
    outputs
        Real (not stored) outputs (n, outputs) of a network.
    """
    if data.task == "regression":
        return regression.measure(data.in_units(truth), data.in_units(outputs))
    return classification.measure(truth, outputs.argmax(axis=1))


def held_out(data: Dataset, truth: npt.NDArray[Any], outputs: Outputs) -> HeldOut:
    """The metrics, and the classes that are taken for one another; parameters as of `measure`."""
    matrix = confusion(data.labels, truth, outputs.argmax(axis=1)) if data.task == "classification" else None
    return HeldOut(metrics=measure(data, truth, outputs), confusion=matrix)


def figures(data: Dataset, truth: npt.NDArray[Any], outputs: Outputs) -> dict[str, float]:
    """The same without intervals, which take most of the time."""
    if data.task == "regression":
        return regression.figures(data.in_units(truth), data.in_units(outputs))
    return classification.figures(truth, outputs.argmax(axis=1))


def baseline(data: Dataset) -> dict[str, float]:
    """What the trivial answer gets in every metric, on the validation split.

    It is the most frequent class of the training split, or the mean of its
    targets: what can be said without looking at an input.
    """
    n, y = len(data.validation), data.train.y
    outputs = np.zeros((n, data.n_outputs))
    if data.task == "regression":
        outputs += y.mean(axis=0, dtype=np.float64)
    else:
        outputs[:, np.bincount(y, minlength=data.n_outputs).argmax()] = 1.0
    return figures(data, data.validation.y, outputs)
