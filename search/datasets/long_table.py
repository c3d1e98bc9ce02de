"""One long table of recordings: a row for every point in time, with columns that say what it belongs to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from search.datasets import options as known
from search.datasets.frame import Frame, read_frame
from search.datasets.options import DataOptions
from search.datasets.raw import Array, Place, RawData
from search.datasets.recording_folder import channels_of, values_of
from search.datasets.recordings import Recording, samples_of
from search.datasets.table import Table, is_split, table_files
from search.datasets.target_columns import target_names, targets_of, times_of
from search.errors import JobError


class LongTable:
    """``data.csv`` whose rows are points in time: options name its ``id`` or a ``window``."""

    suffixes: tuple[str, ...] = ()  # those of `Table`
    uses: frozenset[str] = known.TABLES | known.SERIES | {"id", "time", "label", "columns", "group_by"}

    def reads(self, place: Place) -> bool:
        """A table, or a folder of train and test, where the options name recordings or windows."""
        options = place.options
        if options.file or not (options.window or options.id):
            return False
        return place.suffix in Table.suffixes if place.files is None else is_split(place.files)

    def read_file(self, place: Place) -> RawData:
        """Rows of one id, sorted by time, are one recording; it ends where the label or the group changes."""
        path, options = place.path, place.options
        if options.targets:
            raise JobError("data_options.targets: recordings have one target, name it as data_options.label")
        recordings: list[Recording] = []
        notes: list[str] = []
        columns: tuple[str, ...] = ()
        for part, file in table_files(place):
            frame = read_frame(file, options)
            columns, left_out = _add(frame, part, options, recordings)
            notes += [*frame.notes, *left_out]
        parts, how = samples_of(recordings, options, str(path), "label column")
        return RawData(
            name=place.stem,
            source=str(path),
            **parts,
            sample_rate_hz=options.sample_rate_hz,
            channel_names=columns,
            notes=(*notes, *how),
        )


def _add(
    frame: Frame, part: str, options: DataOptions, recordings: list[Recording]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Append the table's recordings; the channels' names, and what was left out."""
    identity = frame.find(options.id, "id")
    group = frame.find(options.group_by, "group_by")
    time = frame.find(options.time, "time")
    ignored = [frame.find(name, "ignore") for name in options.ignore]
    others = [name for name in (identity, group, time, *ignored) if name]
    (label,) = target_names(frame, options, others)
    columns, left_out = channels_of(frame, options, (*others, label))
    values, labels = values_of(frame, columns), targets_of([frame], (label,), several=False)
    groups = frame.texts(group) if group else None
    times = times_of(frame, time) if time else None
    owners = frame.texts(identity) if identity else np.zeros(frame.table.height, np.int8)
    for rows in _runs(owners, times, labels, groups):
        first = int(rows[0])
        recordings.append(
            Recording(
                name=f"{frame.path}, data row {first + 1}",
                values=values[rows],
                label=labels[first].item(),
                part=part,
                group="" if groups is None else str(groups[first]),
                times=None if times is None else times[rows],
            )
        )
    return columns, left_out


def _runs(owners: Array, times: Array | None, labels: Array, groups: Array | None) -> list[npt.NDArray[np.intp]]:
    """Rows of each recording: of one owner in order of time, up to where label or group changes."""
    _, owner = np.unique(owners, return_inverse=True)
    order = np.lexsort((np.arange(len(owner)) if times is None else times, owner))
    changes = (np.diff(owner[order]) != 0) | (labels[order][1:] != labels[order][:-1])
    if groups is not None:
        changes |= groups[order][1:] != groups[order][:-1]
    return np.split(order, np.flatnonzero(changes) + 1)
