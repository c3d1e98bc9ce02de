"""What inputs and labels must be: each rule with a sentence that names the place and the remedy."""

from __future__ import annotations

import numpy as np

from search.datasets.raw import Array
from search.errors import DataError

MOST_TARGETS = 64
_TOO_LARGE = 2.0**63
_WRONG_INPUTS = {
    "b": "truth values: save them as numbers (x.astype('uint8'))",
    "c": "complex numbers: save their magnitude, or both parts as channels",
    "U": "texts: turn them into numbers",
    "S": "texts: turn them into numbers",
    "M": "dates: turn them into numbers",
    "m": "durations: turn them into numbers",
}


def check_inputs(where: str, x: Array) -> Array:
    """Inputs that a network can take, images with a channel axis: (n, features) or (n, height, width, channels).

    Parameters
    ----------
    where
        What the message begins with: the data and the array.
    x
        Raw inputs.

    Raises
    ------
    DataError
        When their type, rank or a value breaks a rule.
    """
    if x.dtype.kind not in "uif":
        raise DataError(f"{where} holds {_WRONG_INPUTS.get(x.dtype.kind, f'{x.dtype}: save plain numbers')}")
    if x.ndim not in (2, 3, 4):
        raise DataError(
            f"{where} has shape {x.shape}, expected (samples, features), (samples, height, width) or "
            "(samples, height, width, channels): reshape it"
        )
    if x.size == 0:
        raise DataError(f"{where} has shape {x.shape}, which holds no values: give at least one sample")
    if x.dtype.kind == "f":
        _check_finite(where, x)
    return x[..., np.newaxis] if x.ndim == 3 else x


def _check_finite(where: str, x: Array) -> None:
    finite = np.isfinite(x)
    if finite.all():
        return
    place = np.unravel_index(int(np.argmin(finite)), x.shape)
    spot = ", ".join(str(int(index)) for index in place)
    raise DataError(
        f"{where} holds {x[place]} at [{spot}] and is not finite in {int((~finite).sum())} places: "
        "replace or remove these samples"
    )


def label_values(where: str, y: Array) -> Array:
    """Class numbers as int64 (n,) or class names as text (n,); a column (n, 1) is taken as (n,).

    Parameters
    ----------
    where
        What the message begins with: the data and the array.
    y
        Raw labels.

    Raises
    ------
    DataError
        When their shape, type or a value breaks a rule.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        remedy = "take the greatest of each row (y.argmax(axis=1))" if y.ndim == 2 else "give one label a sample"
        raise DataError(f"{where} has shape {y.shape}, expected (samples,): {remedy}")
    if len(y) == 0:
        raise DataError(f"{where} is empty: give at least one sample")
    if y.dtype.kind in "US":
        return _texts(where, y)
    if y.dtype.kind not in "uifb":
        raise DataError(f"{where} is of type {y.dtype}: labels are whole numbers or texts")
    return _numbers(where, y)


def target_values(where: str, y: Array) -> Array:
    """Values to be predicted, float64 (n, targets); (n,) is one target.

    Parameters
    ----------
    where
        What the message begins with: the data and the array.
    y
        Raw targets: numbers.

    Raises
    ------
    DataError
        When their shape, type or a value breaks a rule.
    """
    if y.dtype.kind not in "uif":
        kind = "texts" if y.dtype.kind in "US" else str(y.dtype)
        raise DataError(
            f"{where} holds {kind}: values to be predicted are numbers; classes are another task, --task classification"
        )
    if y.ndim not in (1, 2) or y.size == 0:
        raise DataError(f"{where} has shape {y.shape}, expected (samples,) or (samples, targets): reshape it")
    if y.ndim == 2 and y.shape[1] > MOST_TARGETS:
        raise DataError(f"{where} has {y.shape[1]} targets, the most is {MOST_TARGETS}: predict fewer at once")
    if y.dtype.kind == "f":
        _check_finite(where, y)
    return y.reshape(len(y), -1).astype(np.float64)


def _texts(where: str, y: Array) -> Array:
    if y.dtype.kind == "S":
        try:
            y = np.char.decode(y, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{where} is not UTF-8 ({error}): save the labels as texts") from error
    for label in np.unique(y):
        # Labels are shown in tables and written into source code.
        if not str(label).strip() or not str(label).isprintable():
            raise DataError(f"{where} has the label {str(label)!r}: a class name is one line of visible characters")
    return y


def _numbers(where: str, y: Array) -> Array:
    if y.dtype.kind == "f":
        broken = np.flatnonzero(~np.isfinite(y) | (y != np.floor(y)))
        if len(broken):
            raise DataError(
                f"{where} holds {y[broken[0]]} at [{int(broken[0])}]: classes are whole numbers or texts. "
                "Values to be predicted are another task: --task regression."
            )
    if y.min() < 0:
        place = int(np.argmin(y))
        raise DataError(
            f"{where} holds {y[place]} at [{place}]: number the classes from 0, or use texts; values to "
            "be predicted are another task: --task regression"
        )
    if float(y.max()) >= _TOO_LARGE:
        raise DataError(f"{where} holds {y.max()}, which is too large for a class: number the classes from 0")
    return y.astype(np.int64)
