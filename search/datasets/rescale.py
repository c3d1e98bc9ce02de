"""Inputs on the scale that a network was trained on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from devices.artifact import Normalization
from search.datasets.dataset import Dataset, Split
from search.errors import JobError

FITTED = "fitted"
_REMEDY = "write 'fitted' (0..1), 'none' (values as they are in the data) or OFFSET,FACTOR such as 127.5,0.00784"


def normalization_of(text: str) -> Normalization | None:
    """What a job's ``normalization`` says: network inputs are (value - offset) x factor; None for ``fitted``.

    Raises
    ------
    JobError
        When it says neither that nor two finite numbers, the second not 0.
    """
    if text == FITTED:
        return None
    if text == "none":
        return Normalization(offset=0.0, factor=1.0)
    try:
        offset, factor = (float(part) for part in text.split(","))
    except ValueError:
        raise JobError(f"normalization is {text!r}: {_REMEDY}") from None
    if not (math.isfinite(offset) and math.isfinite(factor) and factor != 0):
        raise JobError(f"normalization is {text!r}, its factor is 0 or a number is not finite: {_REMEDY}")
    return Normalization(offset=offset, factor=factor)


def rescaled(data: Dataset, normalization: Normalization | None) -> Dataset:
    """The same data set on another scale; itself where that is None or the one it has."""
    if normalization is None or normalization == data.normalization:
        return data
    old = data.normalization
    return replace(
        data,
        train=_split(data.train, old, normalization),
        validation=_split(data.validation, old, normalization),
        test=_split(data.test, old, normalization),
        normalization=normalization,
    )


def _split(split: Split, old: Normalization, new: Normalization) -> Split:
    values = split.x.astype(np.float64) / old.factor + old.offset
    return Split(x=np.ascontiguousarray((values - new.offset) * new.factor, np.float32), y=split.y)


def usual_normalizations(data: Dataset) -> dict[str, Normalization]:
    """Scales that networks are often trained on, by what a job calls them: as found, -1..1, mean 0 and deviation 1."""
    x, own = data.train.x.astype(np.float64) / data.normalization.factor + data.normalization.offset, data.normalization
    deviation = float(x.std()) or 1.0
    pairs = {
        "none": (0.0, 1.0),
        "-1..1": (own.offset + 0.5 / own.factor, 2 * own.factor),
        "standard": (float(x.mean()), 1 / deviation),
    }
    named = {"none": Normalization(offset=0.0, factor=1.0)}
    for key in ("-1..1", "standard"):
        text = ",".join(f"{value:.6g}" for value in pairs[key])
        made = normalization_of(text)
        assert made is not None
        named[text] = made
    return named
