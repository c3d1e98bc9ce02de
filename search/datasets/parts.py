"""Samples that were read from files, put together as the parts of a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import numpy as np

from search.datasets.folder import FoundFile
from search.datasets.raw import Array, Place, RawPart
from search.errors import DataError

MOST_BYTES = 4 << 30  # of all inputs of a data set


class Parts(TypedDict):
    """Parts of a data set, as `search.datasets.raw.RawData` takes them."""

    train: RawPart
    validation: NotRequired[RawPart]
    test: NotRequired[RawPart]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """All samples of a data set in one, with what each belongs to.

    Attributes
    ----------
    x, y
        Inputs (n, ...) and labels or targets (n,) or (n, targets).
    part
        ``train``, ``validation``, ``test`` or empty (n,); empty everywhere where the data names no parts.
    groups, order
        As in `search.datasets.raw.RawPart`.
    """

    x: Array
    y: Array
    part: Sequence[str]
    groups: Array | None = None
    order: Array | None = None

    def parts(self, source: str, x_name: str, y_name: str) -> Parts:
        """The parts by name, as `search.datasets.raw.RawData` takes them.

        Raises
        ------
        DataError
            When some samples say their part and others not, or none is for training.
        """
        names = np.array([name or "train" for name in self.part])
        if len({bool(name) for name in self.part}) > 1:
            raise DataError(
                f"data {source!r}: some files say train, validation or test and others not: name them alike"
            )
        if "train" not in names:
            raise DataError(f"data {source!r}: nothing is for training: add a folder 'train', or name no parts")
        parts = Parts(train=self._take(names == "train", x_name, y_name))
        if "validation" in names:
            parts["validation"] = self._take(names == "validation", f"{x_name} (validation)", y_name)
        if "test" in names:
            parts["test"] = self._take(names == "test", f"{x_name} (test)", y_name)
        return parts

    def _take(self, which: Array, x_name: str, y_name: str) -> RawPart:
        everything = bool(which.all())  # spares a copy of what may be gigabytes
        return RawPart(
            x=self.x if everything else self.x[which],
            y=self.y if everything else self.y[which],
            x_name=x_name,
            y_name=y_name,
            groups=None if self.groups is None else self.groups[which],
            order=None if self.order is None else self.order[which],
        )


def check_bytes(
    source: str, samples: int, values: int, bytes_a_value: int, remedy: str, most: int = MOST_BYTES
) -> None:
    """Refuse what would not fit, before it is allocated."""
    needed = samples * values * bytes_a_value
    if needed > most:
        raise DataError(
            f"data {source!r}: {samples} samples of {values} values need {needed} bytes, the most is {most}: {remedy}"
        )


def of_kind(place: Place, kind: frozenset[str]) -> tuple[tuple[FoundFile, ...], tuple[str, ...]]:
    """The files whose endings are in `kind`, and a note of what else lies there.

    Raises
    ------
    DataError
        When there is none, or one of them is empty.
    """
    files, folder = place.files or (), place.path
    wanted = tuple(file for file in files if file.suffix in kind)
    if not wanted:
        raise DataError(f"data folder {str(folder)!r} holds no file that ends in {', '.join(sorted(kind))}: add some")
    for file in wanted:
        if not file.size_bytes:
            raise DataError(f"data file {str(file.path)!r} is empty: remove it, or write it again")
    others = Counter(file.suffix or "no ending" for file in files if file.suffix not in kind)
    listed = ", ".join(f"{count} x {suffix}" for suffix, count in others.most_common(5))
    return wanted, ((f"files of other kinds are left out: {listed}",) if others else ())
