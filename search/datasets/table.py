"""A table: one row a sample, one column an input, another the label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from devices.frontend.table_encoding import TableColumn
from search.datasets import options as known
from search.datasets.file_name import PARTS
from search.datasets.folder import TABLES, FoundFile
from search.datasets.frame import Frame, read_frame
from search.datasets.options import DataOptions
from search.datasets.parts import Rows
from search.datasets.raw import Array, Place, RawData
from search.datasets.target_columns import dates_left_out, target_names, targets_of, times_of
from search.errors import DataError

_MOST_TEXTS = 100  # different ones in a column that is an input


class Table:
    """``data.csv`` or ``data.parquet``, or a folder of ``train.csv``, ``test.csv`` and perhaps ``validation.csv``."""

    suffixes: tuple[str, ...] = (".csv", ".tsv", ".txt", ".parquet")
    uses: frozenset[str] = known.TABLES | {"label", "targets", "columns", "group_by", "time", "categories"}

    def reads(self, place: Place) -> bool:
        """A table whose rows are samples: the options name no recordings, windows or files."""
        options = place.options
        if options.window or options.id or options.file:
            return False
        return place.suffix in self.suffixes if place.files is None else is_split(place.files)

    def read_file(self, place: Place) -> RawData:
        """Inputs float64 (n, columns), NaN where a value is missing; texts as their place among the column's."""
        path, options = place.path, place.options
        parts, frames = _frames(place)
        _check_alike(frames)
        first = frames[0]
        group = first.find(options.group_by, "group_by")
        time = first.find(options.time, "time")
        left_out = [first.find(name, "ignore") for name in options.ignore]
        others = [name for name in (group, time, *left_out) if name]
        targets = target_names(first, options, others)
        wanted = _inputs(first, options, (*others, *targets))
        x, columns, notes = _encoded(frames, wanted)
        rows = Rows(
            x=x,
            y=targets_of(frames, targets, several=bool(options.targets)),
            part=[part for part, frame in zip(parts, frames, strict=True) for _ in range(frame.table.height)],
            groups=np.concatenate([frame.texts(group) for frame in frames]) if group else None,
            order=np.concatenate([times_of(frame, time) for frame in frames]) if time else None,
        )
        return RawData(
            name=place.stem,
            source=str(path),
            **rows.parts(str(path), "inputs", f"column {', '.join(map(repr, targets))}"),
            target_names=targets,
            columns=columns,
            notes=(
                *(note for frame in frames for note in frame.notes),
                *notes,
                *(() if time or group else dates_left_out(first, left_out)),
            ),
        )


def is_split(files: tuple[FoundFile, ...] | None) -> bool:
    """True where all files of a folder are tables called train, test and the like."""
    return bool(files) and all(file.stem.lower() in PARTS and file.suffix in TABLES for file in files or ())


def _frames(place: Place) -> tuple[list[str], list[Frame]]:
    named = table_files(place)
    return [part for part, _ in named], [read_frame(path, place.options) for _, path in named]


def table_files(place: Place) -> list[tuple[str, Path]]:
    """Each table and the part it is, empty where the place is one file."""
    if place.files is None:
        return [("", place.path)]
    return [(PARTS[file.stem.lower()], file.path) for file in place.files]


def _check_alike(frames: Sequence[Frame]) -> None:
    for frame in frames:
        if frame.names != frames[0].names:
            strange = next((name for name in frame.names if name not in frames[0].names), "in another order")
            raise DataError(
                f"data file {str(frame.path)!r} has other columns than {frames[0].path.name} ({strange}): "
                "make them alike"
            )


def _inputs(frame: Frame, options: DataOptions, others: Sequence[str]) -> tuple[str, ...]:
    chosen = tuple(frame.find(name, "columns") for name in options.columns)
    left = chosen or tuple(name for name in frame.names if name not in others and name != frame.unnamed)
    if not left:
        raise DataError(f"data file {str(frame.path)!r} has no column left that is an input: add some")
    for name in chosen:
        if name in others:
            raise DataError(
                f"data file {str(frame.path)!r}: column {name!r} is an input and something else as well: "
                "leave it out of data_options.columns"
            )
    return left


def _encoded(frames: Sequence[Frame], names: tuple[str, ...]) -> tuple[Array, tuple[TableColumn, ...], tuple[str, ...]]:
    """Numbers of all columns, what each is, and which hold nothing and are left out."""
    values, columns, empty = [], [], []
    for name in names:
        column, made = _column(frames, name)
        if np.isnan(made).all():
            empty.append(name)
            continue
        values.append(made)
        columns.append(column)
    if not values:
        raise DataError(f"data file {str(frames[0].path)!r} has no input column with a value in it: add some")
    notes = (f"columns without any value are left out: {', '.join(empty)}",) if empty else ()
    return np.stack(values, axis=1), tuple(columns), notes


def _column(frames: Sequence[Frame], name: str) -> tuple[TableColumn, Array]:
    numbers = [frame.numbers(name) for frame in frames]
    known = [values for values in numbers if values is not None]
    if len(known) == len(frames):
        return TableColumn(name=name), np.concatenate(known)
    texts = np.concatenate([frame.texts(name) for frame in frames])
    found = np.unique(texts[texts != ""])
    if len(found) > _MOST_TEXTS:
        raise DataError(
            f"data file {str(frames[0].path)!r}, column {name!r} holds {len(found)} different texts, the most is "
            f"{_MOST_TEXTS}: leave it out (data_options.ignore={name}), or say what it is "
            "(data_options.time, --group-by)"
        )
    places = np.searchsorted(found, texts).astype(np.float64)
    return TableColumn(name=name, values=tuple(map(str, found))), np.where(texts == "", np.nan, places)
