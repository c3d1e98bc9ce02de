"""Makes a data set of raw arrays: checked, labelled, split and normalised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.artifact import Normalization
from search.datasets.checks import check_inputs
from search.datasets.columns import fit_columns, kept_rows
from search.datasets.dataset import Dataset, Split
from search.datasets.options import DataOptions
from search.datasets.raw import Array, RawData, RawPart
from search.datasets.split_summary import SplitSummary, summarise
from search.datasets.splitting import Samples, assign
from search.datasets.targets import (
    anomaly_labels,
    as_anomalies,
    as_classes,
    as_values,
    checked,
    classes_of,
    strange,
    task_of,
)
from search.errors import DataError
from search.metrics.metric import Task

_SMALLEST, _LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A checked part: inputs of one sample shape, labels of one kind."""

    name: str
    x: Array
    y: Array
    groups: Array | None = None
    order: Array | None = None

    def take(self, which: npt.NDArray[np.intp]) -> _Part:
        return _Part(
            name=self.name,
            x=self.x[which],
            y=self.y[which],
            groups=None if self.groups is None else self.groups[which],
            order=None if self.order is None else self.order[which],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A data set, and what is to be said about how it came to be.

    Attributes
    ----------
    data
        Ready to train on.
    split
        Where its parts came from.
    notes
        What was done, left out or is doubtful, a sentence each.
    """

    data: Dataset
    split: SplitSummary
    notes: tuple[str, ...]


def prepare(raw: RawData, options: DataOptions | None = None, task: Task | None = None, normal: str = "") -> Dataset:
    """The data set of `prepared`, without what is to be said about it."""
    return prepared(raw, options, task, normal).data


def prepared(raw: RawData, options: DataOptions | None = None, task: Task | None = None, normal: str = "") -> Prepared:
    """Check, split and normalise.

    Inputs (n, features), (n, height, width) and (n, height, width, channels)
    of numbers; an image without channels gets one.  Labels are class numbers
    or texts, each kind sorted and mapped to 0..k-1; values to be predicted are
    standardised.  Given splits are kept; a missing one is taken from the
    training part as the options say: by default a fifth, of every class or in
    whole groups.  Columns of a table are encoded by what the training rows hold.

    Parameters
    ----------
    raw
        Arrays as they were found.
    options
        How parts that are not given are split off; None for the defaults.
    task
        What is to be learnt; None takes floats for values and all else for classes.
    normal
        Label of the normal samples, which alone are trained on, for anomaly detection.

    Raises
    ------
    DataError
        When the data break a rule; the message names the source, the place and the remedy.
    """
    options, task = options or DataOptions(), task_of(raw, task, normal)
    names: tuple[str, ...] = ()  # of labels that are numbers here and were not in the data
    train = _checked(raw, raw.train, task)
    given = {
        name: _checked(raw, part, task)
        for name, part in (("validation", raw.validation), ("test", raw.test))
        if part is not None
    }
    _check_alike(raw, train, given)
    if task == "anomaly_detection":
        names = anomaly_labels(normal)
        train = replace(train, y=strange(raw, train.y, normal, must_be_there=True))
        given = {
            name: replace(part, y=strange(raw, part.y, normal, must_be_there=False)) for name, part in given.items()
        }
    labels = classes_of(raw, train.y) if task == "classification" else None
    if labels is not None:
        for part in given.values():
            _check_known(raw, part, labels)
    parts = _split(raw, train, given, options, names)
    if task == "anomaly_detection":
        parts = _normal_alone(parts, drawn="validation" not in given)
    summary = summarise(raw, parts, np.array([]) if labels is None else labels, options, names)
    table = fit_columns(parts["train"].x, raw.columns, options.categories) if raw.columns else None
    rows = () if table is None else kept_rows(parts["validation"].x, parts["train"].x, raw.columns, table)
    if table is not None:
        parts = {name: replace(part, x=table.encode(part.x, raw.columns)) for name, part in parts.items()}
    normalization = _normalization(raw, parts["train"])
    answers = {name: part.y for name, part in parts.items()}
    if labels is not None:
        targets = as_classes(labels, answers)
    else:
        targets = as_values(raw, answers) if task == "regression" else as_anomalies(raw, normal, answers)
    splits = {name: Split(x=_normalized(part.x, normalization), y=targets.y[name]) for name, part in parts.items()}
    data = Dataset(
        name=raw.name,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        labels=targets.labels,
        normalization=normalization,
        task=task,
        targets=targets.targets,
        table=table,
        sample_rate_hz=raw.sample_rate_hz,
        rows=rows,
    )
    encoded = () if table is None else table.notes()
    return Prepared(data=data, split=summary, notes=(*raw.notes, *encoded, *summary.notes()))


def _checked(raw: RawData, part: RawPart, task: Task) -> _Part:
    x = part.x if raw.columns else check_inputs(f"data {raw.source!r}: {part.x_name}", part.x)
    y = checked(task, f"data {raw.source!r}: {part.y_name}", part.y)
    if len(x) != len(y):
        raise DataError(
            f"data {raw.source!r}: {part.x_name} has {len(x)} samples and {part.y_name} has {len(y)} labels: "
            "give one label for each sample"
        )
    return _Part(name=part.y_name, x=x, y=y, groups=part.groups, order=part.order)


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


def _split(
    raw: RawData, train: _Part, given: dict[str, _Part], options: DataOptions, names: tuple[str, ...]
) -> dict[str, _Part]:
    """The three parts; those not given are taken from `train`."""
    missing = [name for name in ("validation", "test") if name not in given]
    if not missing:
        return {"train": train, **given}
    samples = Samples(y=train.y, groups=train.groups, order=train.order, names=names)
    taken = assign(raw.source, samples, missing, options)
    drawn = {name: train.take(np.flatnonzero(taken == index + 1)) for index, name in enumerate(missing)}
    return {"train": train.take(np.flatnonzero(taken == 0)), **given, **drawn}


def _normal_alone(parts: dict[str, _Part], *, drawn: bool) -> dict[str, _Part]:
    """The parts with normal samples alone to train on; a validation part that was drawn gets the others as well.

    Where samples have groups or times, which must not be torn apart, the others are left out.
    """
    train, validation = parts["train"], parts["validation"]
    others = train.take(np.flatnonzero(train.y == 1))
    if drawn and train.groups is None and train.order is None:
        validation = replace(
            validation,
            x=np.concatenate([validation.x, others.x]),
            y=np.concatenate([validation.y, others.y]),
        )
    return parts | {"train": train.take(np.flatnonzero(train.y == 0)), "validation": validation}


def _normalization(raw: RawData, train: _Part) -> Normalization:
    """Fitted on the training split: unsigned integers by their greatest value, others from least..greatest to 0..1.

    A table's inputs are encoded to 0..1 already: they stay, so that a front-end starts from the very bits.
    """
    least, most = float(train.x.min()), float(train.x.max())
    if least == most:
        raise DataError(f"data {raw.source!r}: every training input is {least:g}: nothing can be learnt from that")
    if raw.columns:
        return Normalization(offset=0.0, factor=1.0)
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
