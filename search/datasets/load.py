"""Data by name or path, and the prepared data as one file for the workers."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from devices.artifact import Normalization, Target
from devices.suggestion import suggestion
from search.datasets.archive import check_file, read_arrays
from search.datasets.dataset import Dataset, Split
from search.datasets.diabetes import Diabetes
from search.datasets.digits import Digits
from search.datasets.keras_cache import KerasCache
from search.datasets.npz import Npz
from search.datasets.prepare import prepare
from search.datasets.raw import Loader
from search.errors import DataError
from search.files import write_whole
from search.metrics.catalog import TASKS
from search.metrics.metric import Task

LOADERS: tuple[Loader, ...] = (Digits(), Diabetes(), KerasCache(), Npz())

_SPLITS = ("train", "validation", "test")


def load(reference: str, task: Task | None = None, normal: str = "") -> Dataset:
    """The data set of a name (``digits``) or a path (``data.npz``), ready to train on.

    Parameters
    ----------
    reference
        The name or path.
    task
        What is to be learnt; None finds it out, see `search.datasets.targets.task_of`.
    normal
        Label of the normal samples, for anomaly detection.

    Raises
    ------
    DataError
        When it is unknown, missing or cannot be used.
    """
    for loader in LOADERS:
        if reference in loader.names:
            return prepare(loader.read_name(reference), task, normal)
    path = _path(reference)
    for loader in LOADERS:
        if path.suffix.lower() in loader.suffixes:
            return prepare(loader.read_file(path), task, normal)
    raise DataError(_unknown(reference, path))


def _path(reference: str) -> Path:
    try:
        path = Path(reference).expanduser()
        path.exists()
    except (OSError, RuntimeError) as error:  # a name too long, a home folder that nobody has
        raise DataError(f"data {reference[:80]!r} is neither a known name nor a path ({error})") from error
    return path


def _unknown(reference: str, path: Path) -> str:
    names = [name for loader in LOADERS for name in loader.names]
    suffixes = [suffix for loader in LOADERS for suffix in loader.suffixes]
    if path.suffix or len(path.parts) > 1 or path.exists():
        check_file(path)
        return f"data file {reference!r} is of an unknown kind: files that can be read end in {', '.join(suffixes)}"
    return f"unknown data {reference!r}: {suggestion(reference, names)}; a file is named by its path, such as data.npz"


def save(dataset: Dataset, path: Path) -> None:
    """Write prepared data to `path`, whole or not at all; `read` gives it back.

    Raises
    ------
    StorageError
        When the file cannot be written.
    """
    splits = (dataset.train, dataset.validation, dataset.test)
    normalization = dataset.normalization
    buffer = io.BytesIO()
    np.savez(
        buffer,
        allow_pickle=False,
        name=np.array(dataset.name),
        task=np.array(dataset.task),
        labels=np.array(dataset.labels, np.str_),
        targets=np.array([target.name for target in dataset.targets], np.str_),
        target_scales=np.array([(each.mean, each.deviation) for each in dataset.targets]).reshape(-1, 2),
        normalization=np.array([normalization.offset, normalization.factor]),
        **{f"x_{name}": split.x for name, split in zip(_SPLITS, splits, strict=True)},
        **{f"y_{name}": split.y for name, split in zip(_SPLITS, splits, strict=True)},
    )
    write_whole(path, buffer.getvalue())


def read(path: Path) -> Dataset:
    """The data set that `save` wrote.

    Raises
    ------
    DataError
        When the file is missing, damaged or was not written by `save`.
    """
    keys = ("name", "labels", "normalization", *(f"{axis}_{name}" for axis in "xy" for name in _SPLITS))
    arrays = read_arrays(path, keys, ("task", "targets", "target_scales"))  # which data of earlier versions have not
    splits = {name: Split(x=arrays[f"x_{name}"], y=arrays[f"y_{name}"]) for name in _SPLITS}
    try:
        offset, factor = (float(value) for value in arrays["normalization"])
        labels = tuple(str(label) for label in arrays["labels"])
        task = _task(str(arrays.get("task", "classification")))
        targets = tuple(
            Target(name=str(name), mean=float(mean), deviation=float(deviation))
            for name, (mean, deviation) in zip(arrays.get("targets", ()), arrays.get("target_scales", ()), strict=True)
        )
    except (TypeError, ValueError) as error:
        raise DataError(f"data file {str(path)!r} is not prepared data ({error}): start the run anew") from error
    return Dataset(
        name=str(arrays["name"]),
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        labels=labels,
        normalization=Normalization(offset=offset, factor=factor),
        task=task,
        targets=targets,
    )


def _task(name: str) -> Task:
    for task in TASKS:
        if task == name:
            return task
    raise ValueError(f"unknown task {name!r}")
