"""A user's own arrays in an ``.npz`` file."""

from __future__ import annotations

from pathlib import Path

from search.datasets.archive import read_arrays
from search.datasets.raw import RawData, RawPart
from search.errors import DataError

_REQUIRED = ("x_train", "y_train")
_OPTIONAL = ("x_val", "y_val", "x_test", "y_test")


class Npz:
    """Files of ``x_train y_train [x_val y_val] [x_test y_test]``."""

    names: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = (".npz",)

    def read_name(self, name: str) -> RawData:
        """Refuse: no data set is known by name here."""
        raise DataError(f"unknown data {name!r}: give the path of an .npz file")

    def read_file(self, path: Path) -> RawData:
        """The arrays of `path`; DataError as `search.datasets.archive.read_arrays` raises."""
        arrays = read_arrays(path, _REQUIRED, _OPTIONAL)

        def part(split: str) -> RawPart | None:
            x_name, y_name = f"x_{split}", f"y_{split}"
            if (x_name in arrays) is not (y_name in arrays):
                missing, there = (y_name, x_name) if x_name in arrays else (x_name, y_name)
                raise DataError(f"data file {str(path)!r}: {there!r} is there without {missing!r}: add or remove one")
            return (
                RawPart(x=arrays[x_name], y=arrays[y_name], x_name=x_name, y_name=y_name) if x_name in arrays else None
            )

        train = RawPart(x=arrays["x_train"], y=arrays["y_train"], x_name="x_train", y_name="y_train")
        return RawData(name=path.stem, source=str(path), train=train, validation=part("val"), test=part("test"))
