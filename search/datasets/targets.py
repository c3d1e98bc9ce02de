"""What is to be learnt of the raw labels or values: the task, and targets as a network gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.artifact import Target
from devices.suggestion import suggestion
from search.datasets.checks import label_values, target_values
from search.datasets.raw import Array, RawData
from search.errors import DataError, JobError
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


def task_of(raw: RawData, wanted: Task | None, normal: str = "") -> Task:
    """The task that is wanted; where none is, texts and whole-number types are classes and floats are values.

    With a label of `normal` samples it is anomaly detection.  Rows of one 1 among
    zeros are classes too, whatever their type: they are refused as such, with what to do.
    """
    y = raw.train.y
    if normal and wanted in (None, "anomaly_detection"):
        return "anomaly_detection"
    if normal or wanted == "anomaly_detection":
        raise JobError(
            f"task is {wanted!r} and normal is {normal!r}: anomaly detection needs the label of normal samples, such "
            "as --set normal=ok, and no other task does"
        )
    return wanted or ("regression" if y.dtype.kind == "f" and not _is_one_hot(y) else "classification")


def _is_one_hot(y: Array) -> bool:
    if y.ndim != 2 or y.shape[1] < 2:
        return False
    return bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())


def checked(task: Task, where: str, y: Array) -> Array:
    """Labels (n,) or values (n, targets) of one part; DataError when they break a rule of the task."""
    return target_values(where, y) if task == "regression" else label_values(where, y)


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


def anomaly_labels(normal: str) -> tuple[str, str]:
    """What normal samples (0) and others (1) are called."""
    return normal, f"not {normal}"


def strange(raw: RawData, y: Array, normal: str, *, must_be_there: bool) -> npt.NDArray[np.int64]:
    """Labels (n,) as 0 for `normal` and 1 for all others.

    Raises
    ------
    DataError
        When a normal sample must be there, and none is.
    """
    found: npt.NDArray[np.int64] = (y.astype(np.str_) != normal).astype(np.int64)
    if must_be_there and found.all():
        known = sorted({str(label) for label in y})
        raise DataError(f"data {raw.source!r}: no sample is labelled {normal!r}: {suggestion(normal, known)}")
    return found


def as_anomalies(raw: RawData, normal: str, parts: Mapping[str, Array]) -> Targets:
    """Normal samples (0) and others (1) of each split.

    Raises
    ------
    DataError
        When the validation or the test split lacks one of them, so that nothing can be measured there.
    """
    for name in ("validation", "test"):
        if parts[name].min() == parts[name].max():
            lacking = "normal samples" if parts[name].min() else f"samples other than {normal!r}"
            raise DataError(
                f"data {raw.source!r}: the {name} split has no {lacking}, and how well anomalies are told cannot be "
                "measured: add some, or leave the split to be drawn"
            )
    return Targets(labels=anomaly_labels(normal), targets=(), y=dict(parts))


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
