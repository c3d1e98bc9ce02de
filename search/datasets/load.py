"""Data by name or path, and the prepared data as one file for the workers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np

from devices.artifact import Normalization, Target
from devices.frontend.table_encoding import TableEncoding
from devices.suggestion import suggestion
from search import codec
from search.datasets.archive import check_file, read_arrays
from search.datasets.cache import kept_or_read
from search.datasets.dataset import Dataset, Split
from search.datasets.diabetes import Diabetes
from search.datasets.digits import Digits
from search.datasets.file_table import FileTable
from search.datasets.folder import files_in
from search.datasets.frontend import KEYS, from_arrays, to_arrays
from search.datasets.image_folder import ImageFolder
from search.datasets.keras_cache import KerasCache
from search.datasets.long_table import LongTable
from search.datasets.npz import Npz
from search.datasets.options import SPLITS, DataOptions
from search.datasets.prepare import Prepared, prepared
from search.datasets.raw import BuiltIn, Loader, Place, RawData
from search.datasets.recording_folder import RecordingFolder
from search.datasets.sound_folder import SoundFolder
from search.datasets.table import Table
from search.datasets.ts_file import TsFile
from search.datasets.user_function import call, is_function
from search.errors import DataError, JobError
from search.files import write_whole
from search.metrics.catalog import TASKS
from search.metrics.metric import Task

BUILT_IN: tuple[BuiltIn, ...] = (Digits(), Diabetes(), KerasCache())
# The first that reads a place has it.
LOADERS: tuple[Loader, ...] = (
    Npz(),
    TsFile(),
    FileTable(),
    LongTable(),
    Table(),
    ImageFolder(),
    SoundFolder(),
    RecordingFolder(),
)

_SPLITS = ("train", "validation", "test")


def load(reference: str, options: DataOptions | None = None, task: Task | None = None, normal: str = "") -> Dataset:
    """The data set of `inspect`, without what is to be said about it."""
    return inspect(reference, options, task, normal).data


def inspect(reference: str, options: DataOptions | None = None, task: Task | None = None, normal: str = "") -> Prepared:
    """The data set of a name (``digits``), a path or ``module:function``, ready to train on, and how it came to be.

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
    JobError
        When the options do not go with it.
    """
    options = options or DataOptions()
    return prepared(_raw(reference, options), options, task, normal)


def _raw(reference: str, options: DataOptions) -> RawData:
    for built_in in BUILT_IN:
        if reference in built_in.names:
            _check_used(reference, options, frozenset())
            return built_in.read_name(reference)
    path = _path(reference)
    if is_function(reference) and not path.exists():
        _check_used(reference, options, frozenset())
        return call(reference)
    place = Place(path=path, files=files_in(path) if path.is_dir() else None, options=options)
    for loader in LOADERS:
        if loader.reads(place):
            _check_used(reference, options, loader.uses)
            return kept_or_read(place, loader.read_file)
    raise DataError(_unknown(reference, place))


def _check_used(reference: str, options: DataOptions, used: frozenset[str]) -> None:
    """An option that would change nothing was meant to change something."""
    for name in options.changed():
        if name not in used | SPLITS:
            known = ", ".join(sorted(used | SPLITS))
            raise JobError(
                f"data_options.{name} means nothing to data {reference!r}: leave it out; known there: {known}"
            )


def _path(reference: str) -> Path:
    try:
        path = Path(reference).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # a name too long, a home folder that nobody has, a zero byte
        raise DataError(f"data {reference[:80]!r} is neither a known name nor a path ({error})") from error
    return path


def _unknown(reference: str, place: Place) -> str:
    path, files = place.path, place.files
    names = [name for built_in in BUILT_IN for name in built_in.names]
    suffixes = ", ".join(suffix for loader in LOADERS for suffix in loader.suffixes)
    if files is not None:
        held = f"{len(files)} files, none of them" if files else "no"
        return (
            f"data folder {reference!r} holds {held} images, sounds or tables: name a folder of them, "
            f"or a file that ends in {suffixes}"
        )
    if path.suffix or len(path.parts) > 1 or path.exists():
        check_file(path)
        return f"data file {reference!r} is of an unknown kind: files that can be read end in {suffixes}"
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
        table=np.array("" if dataset.table is None else codec.to_json(dataset.table)),
        rows=np.array(json.dumps(dataset.rows)),
        **to_arrays(dataset),
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
    # what data of earlier versions have not
    arrays = read_arrays(path, keys, ("task", "targets", "target_scales", "table", "rows", *KEYS))
    splits = {name: Split(x=arrays[f"x_{name}"], y=arrays[f"y_{name}"]) for name in _SPLITS}
    try:
        offset, factor = (float(value) for value in arrays["normalization"])
        labels = tuple(str(label) for label in arrays["labels"])
        task = _task(str(arrays.get("task", "classification")))
        targets = tuple(
            Target(name=str(name), mean=float(mean), deviation=float(deviation))
            for name, (mean, deviation) in zip(arrays.get("targets", ()), arrays.get("target_scales", ()), strict=True)
        )
        table = str(arrays.get("table", ""))
        encoding = codec.from_json(table, TableEncoding) if table else None
        rows = tuple(map(tuple, json.loads(str(arrays.get("rows", "[]")))))
    except (TypeError, ValueError) as error:
        raise DataError(f"data file {str(path)!r} is not prepared data ({error}): start the run anew") from error
    data = Dataset(
        name=str(arrays["name"]),
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        labels=labels,
        normalization=Normalization(offset=offset, factor=factor),
        task=task,
        targets=targets,
        table=encoding,
        rows=rows,
    )
    try:
        return from_arrays(data, arrays)
    except (TypeError, ValueError) as error:
        raise DataError(f"data file {str(path)!r} is not prepared data ({error}): start the run anew") from error


def _task(name: str) -> Task:
    for task in TASKS:
        if task == name:
            return task
    raise ValueError(f"unknown task {name!r}")
