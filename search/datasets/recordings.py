"""Recordings of sensors, cut into windows or brought to one length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from search.datasets.options import DataOptions
from search.datasets.parts import Parts, Rows, check_bytes
from search.datasets.raw import Array
from search.errors import DataError, JobError

Values = npt.NDArray[np.float64]

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One stretch of measurements.

    Attributes
    ----------
    name
        What messages call it: file and line, or id.
    values
        Float64 (rows, channels), finite.
    label
        Its class or target.
    part
        ``train``, ``validation`` or ``test``; empty where the data does not say.
    group
        Person or machine it belongs to; empty where that is not known.
    times
        Of its rows; None where they are not known.
    """

    name: str
    values: Values
    label: str | int | float
    part: str = ""
    group: str = ""
    times: Array | None = None

    def __post_init__(self) -> None:
        if not len(self.values):
            raise DataError(f"data {self.name!r} has no rows: remove it, or write it again")
        wrong = ~(np.abs(self.values) <= _LARGEST)  # NaN compares as false
        if wrong.any():
            row, channel = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
            what = "no value" if np.isnan(self.values[row, channel]) else f"{self.values[row, channel]:g}"
            raise DataError(
                f"data {self.name!r} has {what} in row {int(row) + 1}, channel {int(channel)}: "
                "fill it in, or remove the recording"
            )


def samples_of(
    recordings: Sequence[Recording], options: DataOptions, source: str, y_name: str
) -> tuple[Parts, tuple[str, ...]]:
    """Parts of samples float32 (n, rows, 1, channels), and what was cut, filled up or left out.

    Windows of one recording are one group, so that no split tears it apart,
    where the options do not name another.

    Raises
    ------
    DataError
        When recordings differ in channels, none is as long as a window, or all together need more than 4 GiB.
    JobError
        When options contradict each other, such as windows that overlap and a
        split by time, which would put equal rows into two parts.
    """
    widths = {recording.values.shape[1] for recording in recordings}
    if len(widths) > 1:
        odd = next(each for each in recordings if each.values.shape[1] != recordings[0].values.shape[1])
        raise DataError(
            f"data {odd.name!r} has {odd.values.shape[1]} channels and {recordings[0].name!r} has "
            f"{recordings[0].values.shape[1]}: make them alike"
        )
    if options.overlap and not options.window:
        raise JobError(f"data_options.overlap is {options.overlap:g}: it is of windows, set data_options.window too")
    if options.window and options.length:
        raise JobError("data_options.window and length both say how long a sample is: leave one out")
    if options.overlap and options.split.startswith("time"):
        raise JobError("data_options.overlap: windows that overlap cannot be split by time: set data_options.overlap=0")
    if options.window:
        rows, notes = _windows(recordings, options.window, options, source)
    else:
        rows, notes = _whole(recordings, options, source)
    return rows.parts(source, "recordings", y_name), notes


def _windows(
    recordings: Sequence[Recording], window: int, options: DataOptions, source: str
) -> tuple[Rows, tuple[str, ...]]:
    step = max(1, round(window * (1 - options.overlap)))
    starts = [range(0, len(each.values) - window + 1, step) for each in recordings]
    total = sum(map(len, starts))
    if not total:
        longest = max(recordings, key=lambda each: len(each.values))
        raise DataError(
            f"data {source!r}: no recording has {window} rows, the longest, {longest.name!r}, has "
            f"{len(longest.values)}: set data_options.window to fewer"
        )
    channels = recordings[0].values.shape[1]
    check_bytes(source, total, window * channels, 4, "use shorter windows (data_options.window)")
    x = np.empty((total, window, 1, channels), np.float32)
    place = 0
    for recording, begins in zip(recordings, starts, strict=True):
        for start in begins:
            x[place, :, 0] = recording.values[start : start + window]
            place += 1
    short = sum(not len(begins) for begins in starts)
    notes = (f"{short} recordings are shorter than {window} rows and are left out",) if short else ()
    return _rows(x, recordings, starts), notes


def _whole(recordings: Sequence[Recording], options: DataOptions, source: str) -> tuple[Rows, tuple[str, ...]]:
    training = [each for each in recordings if each.part in ("", "train")] or list(recordings)
    length = options.length or max(len(each.values) for each in training)
    channels = recordings[0].values.shape[1]
    check_bytes(source, len(recordings), length * channels, 4, "cut windows (data_options.window)")
    x = np.empty((len(recordings), length, 1, channels), np.float32)
    for place, recording in enumerate(recordings):
        x[place, :, 0] = _fitted(recording.values, length, options.fit)
    other = sum(len(each.values) != length for each in recordings)
    how = "stretched" if options.fit == "resample" else "filled up with their last row or cut"
    notes = (f"{other} of {len(recordings)} recordings are not {length} rows long and are {how}",) if other else ()
    return _rows(x, recordings, [range(1)] * len(recordings)), notes


def _fitted(values: Values, length: int, fit: str) -> Values:
    """`length` rows: the last one repeated or the end cut off, or all of them stretched linearly."""
    if len(values) == length:
        return values
    if fit == "pad":
        return values[np.minimum(np.arange(length), len(values) - 1)]
    places = np.linspace(0, len(values) - 1, length)
    stretched = [np.interp(places, np.arange(len(values)), channel) for channel in values.T]
    return np.stack(stretched, axis=1)


def _rows(x: Array, recordings: Sequence[Recording], starts: Sequence[range]) -> Rows:
    counts = [len(begins) for begins in starts]
    owner = np.repeat(np.arange(len(recordings)), counts)
    groups = None
    if any(each.group for each in recordings):
        groups = np.array([each.group for each in recordings])[owner]
    elif max(counts) > 1:
        groups = np.array([f"{index} {each.name}" for index, each in enumerate(recordings)])[owner]
    order = None
    if all(each.times is not None for each in recordings):
        times = [each.times[begins] for each, begins in zip(recordings, map(list, starts), strict=True) if begins]  # type: ignore[index]  # none is None
        order = np.concatenate(times)
    return Rows(
        x=x,
        y=np.array([each.label for each in recordings])[owner],
        part=[recordings[int(index)].part for index in owner],
        groups=groups,
        order=order,
    )
