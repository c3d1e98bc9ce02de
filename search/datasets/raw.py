"""What a loader gives: arrays as they were found, not yet checked or split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy.typing as npt

from devices.frontend.table_encoding import TableColumn
from search.datasets.folder import FoundFile
from search.datasets.options import DataOptions

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
    groups
        Text or whole number (n,) naming the person, file or recording of each
        sample; None where every sample stands for itself.
    order
        Time (n,) of each sample, for a split by time; None where it is unknown.
    """

    x: Array
    y: Array
    x_name: str
    y_name: str
    groups: Array | None = None
    order: Array | None = None


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
    target_names
        Of values to be predicted, in the order of their columns; empty where they have none.
    sample_rate_hz
        Of sounds, (n, samples), and of sensors, (n, window, 1, channels); None where it is unknown.
    channel_names
        Of the last axis of sensor windows; empty where they have none.
    columns
        What each column of a table is, whose inputs are float64 (n, columns)
        with NaN for a missing value; empty where the data is no table.
    notes
        What was done or left out, a sentence each.
    """

    name: str
    source: str
    train: RawPart
    validation: RawPart | None = None
    test: RawPart | None = None
    target_names: tuple[str, ...] = ()
    sample_rate_hz: int | None = None
    channel_names: tuple[str, ...] = ()
    columns: tuple[TableColumn, ...] = ()
    notes: tuple[str, ...] = ()

    def parts(self) -> dict[str, RawPart]:
        """Those that are there, by name, the training part first."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where data lie and how they are to be read.

    Attributes
    ----------
    path
        A file, or a folder.
    files
        All files below the folder; None for a file.
    options
        The user's.
    """

    path: Path
    files: tuple[FoundFile, ...] | None
    options: DataOptions

    @property
    def suffix(self) -> str:
        """Ending of a file in lower case with the dot; empty for a folder."""
        return self.path.suffix.lower() if self.files is None else ""

    @property
    def stem(self) -> str:
        """What people call it: the name of the folder, or of the file without its ending."""
        return self.path.stem if self.files is None else self.path.resolve().name


class BuiltIn(Protocol):
    """Data known by name.  Adding some is a file and a line in `search.datasets.load.BUILT_IN`.

    Attributes
    ----------
    names
        Of its data sets.
    """

    names: tuple[str, ...]

    def read_name(self, name: str) -> RawData:
        """The data set called `name`, one of `names`.

        Raises
        ------
        DataError
            When it is not on this machine or cannot be used.
        """


class Loader(Protocol):
    """One kind of files or folders.  Adding one is a file and a line in `search.datasets.load.LOADERS`.

    Attributes
    ----------
    suffixes
        Endings of the files it reads, in lower case with the dot; empty where it reads folders, or files of others.
    uses
        Names of the options that mean something to it, beside those of the
        split; others are refused instead of being passed over in silence.
    """

    suffixes: tuple[str, ...]
    uses: frozenset[str]

    def reads(self, place: Place) -> bool:
        """Whether what lies there is for this loader; nothing is opened to find out."""

    def read_file(self, place: Place) -> RawData:
        """The data in a file or folder that `reads` takes.

        Raises
        ------
        DataError
            When it cannot be used; the message names the file and the remedy.
        JobError
            When the options contradict each other or the data.
        """
