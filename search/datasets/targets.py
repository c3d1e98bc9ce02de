"""What is to be learnt of the raw labels or values: the task, and targets as a network gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.artifact import Target
from search.datasets.checks import label_values, target_values
from search.datasets.raw import Array, RawData
from search.errors import DataError
from search.metrics.metric import Task

MOST_CLASSES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What the answers mean, and those of each split.

    Attributes
    ----------
    labels, targets
        As in `search.datasets.dataset.Dataset`.
    y
        By split, as in `search.datasets.dataset.Split`.
    """

    labels: tuple[str, ...]
    targets: tuple[Target, ...]
    y: Mapping[str, npt.NDArray[Any]]


def task_of(raw: RawData, wanted: Task | None) -> Task:
    """The task that is wanted; where none is, texts and whole-number types are classes and floats are values.

    Rows of one 1 among zeros are classes too, whatever their type: they are
    refused as such, with what to do.
    """
    y = raw.train.y
    return wanted or ("regression" if y.dtype.kind == "f" and not _is_one_hot(y) else "classification")


def _is_one_hot(y: Array) -> bool:
    if y.ndim != 2 or y.shape[1] < 2:
        return False
    return bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())


def checked(task: Task, where: str, y: Array) -> Array:
    """Labels (n,) or values (n, targets) of one part; DataError when they break a rule of the task."""
    return target_values(where, y) if task == "regression" else label_values(where, y)


def strata(task: Task, y: Array) -> Array:
    """What a split should hold the same share of, (n,): classes; values are not told apart."""
    return np.zeros(len(y), np.int64) if task == "regression" else y


def classes_of(raw: RawData, y: Array) -> Array:
    """The classes of the training part, sorted.

    Raises
    ------
    DataError
        When there is one class only, or too many.
    """
    labels = np.unique(y)
    if len(labels) < 2:
        raise DataError(
            f"data {raw.source!r}: every label of {raw.train.y_name} is {str(labels[0])!r}: "
            "a classifier needs at least two classes"
        )
    if len(labels) > MOST_CLASSES:
        raise DataError(
            f"data {raw.source!r}: {raw.train.y_name} has {len(labels)} classes, the most is {MOST_CLASSES}: "
            "are these measured values rather than classes? Then add --task regression."
        )
    return labels


def as_classes(labels: Array, parts: Mapping[str, Array]) -> Targets:
    """Labels of each split as numbers; every one of them is among `labels`, which are sorted."""
    return Targets(
        labels=tuple(str(label) for label in labels),
        targets=(),
        y={name: np.searchsorted(labels, y).astype(np.int64) for name, y in parts.items()},
    )


def _names(raw: RawData, count: int) -> tuple[str, ...]:
    if len(raw.target_names) == count:
        return raw.target_names
    return (raw.train.y_name,) if count == 1 else tuple(f"{raw.train.y_name}_{index}" for index in range(count))


def as_values(raw: RawData, parts: Mapping[str, Array]) -> Targets:
    """Values of each split, less the mean of the training split and over its deviation.

    Raises
    ------
    DataError
        When a target is the same in all samples of a split, so that nothing can
        be learnt or no R2 told, or lies beyond what single precision scales.
    """
    for name, y in parts.items():
        same = np.flatnonzero(y.min(axis=0) == y.max(axis=0))
        if len(same):
            which = f" {same[0]}" if y.shape[1] > 1 else ""
            raise DataError(
                f"data {raw.source!r}: target{which} is {y[0, same[0]]:g} in all {len(y)} samples of the {name} split: "
                "give samples that differ"
            )
    train = parts["train"]
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = train.mean(axis=0), train.std(axis=0)
        scaled = {name: ((y - mean) / deviation).astype(np.float32) for name, y in parts.items()}
    if not all(np.isfinite(array).all() for array in (mean, deviation, *scaled.values())) or not deviation.all():
        least, most = min(y.min() for y in parts.values()), max(y.max() for y in parts.values())
        raise DataError(
            f"data {raw.source!r}: targets between {least:g} and {most:g} cannot be scaled in single "
            "precision: change the unit they are in"
        )
    targets = (
        Target(name=name, mean=float(m), deviation=float(d))
        for name, m, d in zip(_names(raw, train.shape[1]), mean, deviation, strict=True)
    )
    return Targets(labels=(), targets=tuple(targets), y={name: np.ascontiguousarray(y) for name, y in scaled.items()})
