"""The column, or columns, of a table that are to be predicted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from search.datasets.frame import Frame
from search.datasets.options import DataOptions
from search.datasets.raw import Array
from search.errors import DataError

_LARGEST_WHOLE = 2.0**53  # up to here every whole number is exact in float64


def target_names(frame: Frame, options: DataOptions, others: Sequence[str] = ()) -> tuple[str, ...]:
    """Columns to predict: as the options name them, else the last that is none of `others`.

    Raises
    ------
    DataError
        When one does not exist or none is left; it names the file.
    """
    if options.targets:
        return tuple(frame.find(name, "targets") for name in options.targets)
    if options.label:
        return (frame.find(options.label, "label"),)
    left = [name for name in frame.names if name not in others and name != frame.unnamed]
    if not left:
        raise DataError(f"data file {str(frame.path)!r} has no column left for the label: add it, or name it (--label)")
    return (left[-1],)


def targets_of(frames: Sequence[Frame], names: tuple[str, ...], *, several: bool) -> Array:
    """Values of the columns, one frame below the other.

    Returns
    -------
    array
        Whole numbers, float64 or texts (n,); float64 (n, targets) where `several`.

    Raises
    ------
    DataError
        When a value is missing, or several targets are no numbers; it names the file and the row.
    """
    columns = [_column(frames, name, several=several) for name in names]
    return np.stack(columns, axis=1) if several else columns[0]


def _column(frames: Sequence[Frame], name: str, *, several: bool) -> Array:
    numbers = [frame.numbers(name) for frame in frames]
    if any(values is None for values in numbers):
        if several:
            raise DataError(f"data file {str(frames[0].path)!r}, column {name!r} holds texts: targets are numbers")
        return np.concatenate([_complete(frame, name, frame.texts(name)) for frame in frames])
    given = [_complete(frame, name, values) for frame, values in zip(frames, numbers, strict=True)]
    joined = np.concatenate(given)
    whole = bool((joined == np.floor(joined)).all() and (np.abs(joined) < _LARGEST_WHOLE).all())
    return joined.astype(np.int64) if whole and not several else joined


def _complete(frame: Frame, name: str, values: Array | None) -> Array:
    assert values is not None
    absent = values == "" if values.dtype.kind == "U" else np.isnan(values)
    if absent.any():
        raise DataError(
            f"data file {str(frame.path)!r}, column {name!r} has no value in data row {int(np.argmax(absent)) + 1}, "
            f"of {int(absent.sum())} such rows: fill them, or remove the rows"
        )
    return values


def times_of(frame: Frame, name: str) -> Array:
    """A column of times (n,): numbers as they are, ISO dates as milliseconds.

    Raises
    ------
    DataError
        When a value is missing or is neither; it names the file.
    """
    numbers = frame.numbers(name)
    if numbers is not None:
        return _complete(frame, name, numbers)
    texts = _complete(frame, name, frame.texts(name))
    try:
        return texts.astype("M8[ms]").astype(np.int64)
    except ValueError as error:
        raise DataError(
            f"data file {str(frame.path)!r}, column {name!r} holds no times ({error}): write numbers, or dates such as "
            "2026-01-31 12:00:00"
        ) from error


def dates_left_out(frame: Frame, names: Iterable[str]) -> tuple[str, ...]:
    """A note for each column of dates among those that a job leaves out, for a split by them may be what is meant."""

    def is_dates(name: str) -> bool:
        try:
            times_of(frame, name)
        except DataError:
            return False
        return frame.numbers(name) is None

    return tuple(
        f"column {name!r} holds times: where rows near to one another in time are nearly equal, a split class by class "
        f"makes figures too good; data_options.time={name} with data_options.split=time does not"
        for name in names
        if is_dates(name)
    )
