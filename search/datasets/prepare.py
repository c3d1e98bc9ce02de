"""Makes a data set of raw arrays: checked, labelled, split and normalised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.artifact import Normalization
from search.datasets.checks import check_inputs
from search.datasets.dataset import Dataset, Split
from search.datasets.raw import Array, RawData, RawPart
from search.datasets.targets import as_anomalies, as_classes, as_values, checked, classes_of, strange, strata, task_of
from search.errors import DataError
from search.metrics.metric import Task

_SMALLEST, _LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
_SHARE = 0.2  # of all samples, for the validation and for the test split
_SPLIT_SEED = 0  # fixed: the split is a function of the data, never of a job's seed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A checked part: inputs of one sample shape, labels of one kind."""

    name: str
    x: Array
    y: Array

    def take(self, which: npt.NDArray[np.intp]) -> _Part:
        return _Part(name=self.name, x=self.x[which], y=self.y[which])


def prepare(raw: RawData, task: Task | None = None, normal: str = "") -> Dataset:
    """Check, split and normalise.

    Inputs (n, features), (n, height, width) and (n, height, width, channels)
    of numbers; an image without channels gets one.  Labels are class numbers
    or texts, each kind sorted and mapped to 0..k-1; values to be predicted are
    standardised.  Given splits are kept; a missing one is a fifth of the
    samples (of every class), taken from the training part.

    Parameters
    ----------
    raw
        Arrays as they were found.
    task
        What is to be learnt; None takes floats for values and all else for classes.
    normal
        Label of the normal samples, which alone are trained on, for anomaly detection.

    Raises
    ------
    DataError
        When the data break a rule; the message names the source, the place and the remedy.
    """
    task = task_of(raw, task, normal)
    train = _checked(raw, raw.train, task)
    given = {
        name: _checked(raw, part, task)
        for name, part in (("validation", raw.validation), ("test", raw.test))
        if part is not None
    }
    _check_alike(raw, train, given)
    if task == "anomaly_detection":
        train = replace(train, y=strange(raw, train.y, normal, must_be_there=True))
        given = {
            name: replace(part, y=strange(raw, part.y, normal, must_be_there=False)) for name, part in given.items()
        }
    labels = classes_of(raw, train.y) if task == "classification" else None
    if labels is not None:
        for part in given.values():
            _check_known(raw, part, labels)
    parts = _split(raw, train, given, task)
    if task == "anomaly_detection":
        parts = _normal_alone(parts, drawn="validation" not in given)
    normalization = _normalization(raw, parts["train"])
    answers = {name: part.y for name, part in parts.items()}
    if labels is not None:
        targets = as_classes(labels, answers)
    else:
        targets = as_values(raw, answers) if task == "regression" else as_anomalies(raw, normal, answers)
    splits = {name: Split(x=_normalized(part.x, normalization), y=targets.y[name]) for name, part in parts.items()}
    return Dataset(
        name=raw.name,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        labels=targets.labels,
        normalization=normalization,
        task=task,
        targets=targets.targets,
    )


def _checked(raw: RawData, part: RawPart, task: Task) -> _Part:
    x = check_inputs(f"data {raw.source!r}: {part.x_name}", part.x)
    y = checked(task, f"data {raw.source!r}: {part.y_name}", part.y)
    if len(x) != len(y):
        raise DataError(
            f"data {raw.source!r}: {part.x_name} has {len(x)} samples and {part.y_name} has {len(y)} labels: "
            "give one label for each sample"
        )
    return _Part(name=part.y_name, x=x, y=y)


def _check_alike(raw: RawData, train: _Part, given: dict[str, _Part]) -> None:
    for name, part in given.items():
        if part.x.shape[1:] != train.x.shape[1:]:
            raise DataError(
                f"data {raw.source!r}: samples are of shape {train.x.shape[1:]} in the training split and "
                f"{part.x.shape[1:]} in the {name} split: make them equal"
            )
        if part.x.dtype != train.x.dtype:
            raise DataError(
                f"data {raw.source!r}: inputs are {train.x.dtype} in the training split and {part.x.dtype} in the "
                f"{name} split: save both in one type, so that both are scaled alike"
            )
        if part.y.shape[1:] != train.y.shape[1:]:
            raise DataError(
                f"data {raw.source!r}: {train.name} has {train.y.shape[1]} targets and {part.name} has "
                f"{part.y.shape[1]}: make them equal"
            )
        if part.y.dtype.kind != train.y.dtype.kind:
            raise DataError(f"data {raw.source!r}: labels are numbers in one split and texts in another: use one kind")


def _check_known(raw: RawData, part: _Part, labels: Array) -> None:
    strange = np.setdiff1d(part.y, labels)
    if len(strange):
        raise DataError(
            f"data {raw.source!r}: label {str(strange[0])!r} is in {part.name} but not in the training split: "
            "add samples of it there, or remove it"
        )


def _split(raw: RawData, train: _Part, given: dict[str, _Part], task: Task) -> dict[str, _Part]:
    """The three parts; those not given are drawn from `train`, of each class by itself, at least one sample of it."""
    missing = [name for name in ("validation", "test") if name not in given]
    rng = np.random.Generator(np.random.PCG64(_SPLIT_SEED))
    taken = np.zeros(len(train.y), np.int8)  # 0 stays in train, i + 1 goes to missing[i]
    told_apart = strata(task, train.y)
    for label in np.unique(told_apart) if missing else ():
        members = np.flatnonzero(told_apart == label)
        if len(members) < len(missing) + 1:
            what = f"class {str(label)!r}" if task == "classification" else train.name
            raise DataError(
                f"data {raw.source!r}: {what} has {len(members)} samples, at least {len(missing) + 1} "
                f"are needed to split off {' and '.join(missing)}: add samples, remove the class or give the splits"
            )
        size = max(1, round(_SHARE * len(members)))
        members = rng.permutation(members)
        for index in range(len(missing)):
            taken[members[index * size : (index + 1) * size]] = index + 1
    drawn = {name: train.take(np.flatnonzero(taken == index + 1)) for index, name in enumerate(missing)}
    return {"train": train.take(np.flatnonzero(taken == 0)) if missing else train, **given, **drawn}


def _normal_alone(parts: dict[str, _Part], *, drawn: bool) -> dict[str, _Part]:
    """The parts with normal samples alone to train on; a validation part that was drawn gets the others as well."""
    train, validation = parts["train"], parts["validation"]
    others = train.take(np.flatnonzero(train.y == 1))
    if drawn:
        validation = replace(
            validation,
            x=np.concatenate([validation.x, others.x]),
            y=np.concatenate([validation.y, others.y]),
        )
    return parts | {"train": train.take(np.flatnonzero(train.y == 0)), "validation": validation}


def _normalization(raw: RawData, train: _Part) -> Normalization:
    """Fitted on the training split: unsigned integers by their greatest value, others from least..greatest to 0..1."""
    least, most = float(train.x.min()), float(train.x.max())
    if least == most:
        raise DataError(f"data {raw.source!r}: every training input is {least:g}: nothing can be learnt from that")
    if train.x.dtype.kind == "u":
        return Normalization(offset=0.0, factor=1.0 / most)
    factor = 1.0 / max(most - least, 1.0 / _LARGEST)
    if max(-least, most) > _LARGEST or not _SMALLEST <= factor < _LARGEST:
        raise DataError(
            f"data {raw.source!r}: training inputs lie between {least:g} and {most:g}, which single precision cannot "
            "scale: change the unit they are in"
        )
    return Normalization(offset=least, factor=factor)


def _normalized(x: Array, normalization: Normalization) -> npt.NDArray[np.float32]:
    narrow = x.dtype.itemsize <= 2 or x.dtype == np.float32  # exact in single precision
    numbers: npt.NDArray[np.floating[Any]] = x.astype(np.float32 if narrow else np.float64)
    return np.ascontiguousarray((numbers - normalization.offset) * normalization.factor, np.float32)
