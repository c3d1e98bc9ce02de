"""A folder of recordings: a CSV or Parquet file each, a row for every point in time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.datasets import options as known
from search.datasets.file_name import Named, named
from search.datasets.folder import TABLES, kind_of
from search.datasets.frame import Frame, read_frame
from search.datasets.options import DataOptions
from search.datasets.parts import of_kind
from search.datasets.raw import Array, Place, RawData
from search.datasets.reading import read_each
from search.datasets.recordings import Recording, samples_of
from search.datasets.table import is_split
from search.errors import DataError

_TIMES = frozenset({"time", "timestamp", "t", "date", "datetime"})


class RecordingFolder:
    """``[train/]walking/0001.csv``: the class is the folder, or a field of the file's name."""

    suffixes: tuple[str, ...] = ()
    uses: frozenset[str] = known.NAMES | known.TABLES | known.SERIES | {"columns", "time"}

    def reads(self, place: Place) -> bool:
        """A folder in which most files are tables that are no parts of one table."""
        return not place.options.file and kind_of(place.files) is TABLES and not is_split(place.files)

    def read_file(self, place: Place) -> RawData:
        """All recordings below a folder."""
        path, options = place.path, place.options
        files, notes = of_kind(place, TABLES)
        said = named(files, options.file_name, options.group_by)
        first = read_frame(files[0].path, options)
        columns, left_out = channels_of(first, options)
        names = first.names

        def read(each: Named) -> tuple[Recording, tuple[str, ...]]:
            return _recording(each, columns, names, options)

        read_all = list(read_each(said, read, "recordings"))
        parts, how = samples_of([each for each, _ in read_all], options, str(path), "classes of the files")
        return RawData(
            name=place.stem,
            source=str(path),
            **parts,
            sample_rate_hz=options.sample_rate_hz,
            channel_names=columns,
            notes=(*notes, *left_out, *(note for _, said_of in read_all for note in said_of), *how),
        )


def channels_of(
    frame: Frame, options: DataOptions, others: Sequence[str] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns that are channels, and a note where a column of times was left out because of its name.

    Raises
    ------
    DataError
        When a column does not exist or none is left.
    """
    if options.columns:
        return tuple(frame.find(name, "columns") for name in options.columns), ()
    ignored = {frame.find(name, "ignore") for name in options.ignore}
    if options.time:
        ignored.add(frame.find(options.time, "time"))
    left = [name for name in frame.names if name not in ignored and name not in others and name != frame.unnamed]
    times = [name for name in left if name.lower() in _TIMES]
    channels = tuple(name for name in left if name not in times)
    if not channels:
        raise DataError(f"data file {str(frame.path)!r} has no column left that is a channel: add some")
    return channels, ((f"column {times[0]!r} is taken for the time and left out",) if times else ())


def values_of(frame: Frame, columns: Sequence[str]) -> Array:
    """Channels float64 (rows, channels), NaN where a value is missing.

    Raises
    ------
    DataError
        When a channel holds texts.
    """
    made = []
    for name in columns:
        values = frame.numbers(name)
        if values is None:
            raise DataError(
                f"data file {str(frame.path)!r}, column {name!r} holds texts, such as {str(frame.texts(name)[0])!r}: "
                "leave it out (data_options.ignore)"
            )
        made.append(values)
    return np.stack(made, axis=1)


def _recording(
    each: Named, columns: tuple[str, ...], names: tuple[str, ...], options: DataOptions
) -> tuple[Recording, tuple[str, ...]]:
    frame = read_frame(each.file.path, options)
    if frame.names != names:
        raise DataError(
            f"data file {str(each.file.path)!r} has the columns {', '.join(frame.names)[:200]}, the first file has "
            f"{', '.join(names)[:200]}: make them alike"
        )
    values = values_of(frame, columns)
    recording = Recording(
        name=str(each.file.path),
        values=values,
        label=each.label,
        part=each.part,
        group=each.group,
        times=None if each.time is None else np.full(len(values), each.time),
    )
    return recording, frame.notes
