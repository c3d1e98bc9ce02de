"""What a loader gives: arrays as they were found, not yet checked or split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPart:
    """Inputs and labels of one part of a data set, of any shape and type.

    Attributes
    ----------
    x, y
        Inputs and labels.
    x_name, y_name
        What messages call them: key or file.
    """

    x: Array
    y: Array
    x_name: str
    y_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RawData:
    """A data set before it is checked, split and normalised.

    Attributes
    ----------
    name
        For people.
    source
        What messages name: the file, or the built-in set.
    train
        The training part; it is split where the others are missing.
    validation, test
        The other parts; None where the data set has none.
    sample_rate_hz
        Of sounds, (n, samples), and of sensors, (n, window, 1, channels); None where it is unknown.
    target_names
        Of values to be predicted, in the order of their columns; empty where they have none.
    """

    name: str
    source: str
    train: RawPart
    validation: RawPart | None = None
    test: RawPart | None = None
    sample_rate_hz: int | None = None
    target_names: tuple[str, ...] = ()


class Loader(Protocol):
    """One kind of data.  Adding one is a file and a line in `search.datasets.load.LOADERS`.

    Attributes
    ----------
    names
        Built-in data sets it knows by name.
    suffixes
        Endings of the files it reads, in lower case with the dot.
    """

    names: tuple[str, ...]
    suffixes: tuple[str, ...]

    def read_name(self, name: str) -> RawData:
        """The built-in data set called `name`, one of `names`.

        Raises
        ------
        DataError
            When it is not on this machine or cannot be used.
        """

    def read_file(self, path: Path) -> RawData:
        """The data in a file whose ending is one of `suffixes`.

        Raises
        ------
        DataError
            When the file cannot be used; the message names it and the remedy.
        """
