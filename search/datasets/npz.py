"""A user's own arrays: in one ``.npz``, or as ``.npy`` files in a folder."""

from __future__ import annotations

from collections.abc import Mapping

from search.datasets.archive import read_array, read_arrays
from search.datasets.raw import Array, Place, RawData, RawPart
from search.errors import DataError

REQUIRED = ("x_train", "y_train")
OPTIONAL = ("x_val", "y_val", "x_test", "y_test", "groups_train")
_ARRAY = ".npy"


class Npz:
    """Files of ``x_train y_train [groups_train] [x_val y_val] [x_test y_test]``.

    ``groups_train`` names the person or recording of each training sample,
    which no split that is made from them tears apart.
    """

    suffixes: tuple[str, ...] = (".npz",)
    uses: frozenset[str] = frozenset()

    def reads(self, place: Place) -> bool:
        """A file of this ending, or a folder of ``x_train.npy`` and the like."""
        if place.files is None:
            return place.suffix in self.suffixes
        return {f"{name}{_ARRAY}" for name in REQUIRED} <= {file.name for file in place.files}

    def read_file(self, place: Place) -> RawData:
        """The arrays of `path`; DataError as `search.datasets.archive.read_arrays` raises."""
        path = place.path
        if place.files is None:
            return parts_of(read_arrays(path, REQUIRED, OPTIONAL), name=place.stem, source=str(path))
        wanted = {f"{name}{_ARRAY}": name for name in (*REQUIRED, *OPTIONAL)}
        arrays = {wanted[file.name]: read_array(file.path) for file in place.files if file.name in wanted}
        return parts_of(arrays, name=place.stem, source=str(path))


def parts_of(arrays: Mapping[str, Array], *, name: str, source: str) -> RawData:
    """The parts that arrays of these keys are.

    Raises
    ------
    DataError
        When inputs are there without labels, or labels without inputs.
    """

    def part(split: str) -> RawPart | None:
        x_name, y_name = f"x_{split}", f"y_{split}"
        if (x_name in arrays) is not (y_name in arrays):
            missing, there = (y_name, x_name) if x_name in arrays else (x_name, y_name)
            raise DataError(f"data file {source!r}: {there!r} is there without {missing!r}: add or remove one")
        return RawPart(x=arrays[x_name], y=arrays[y_name], x_name=x_name, y_name=y_name) if x_name in arrays else None

    groups = arrays.get("groups_train")
    if groups is not None and (groups.shape != arrays["y_train"].shape[:1] or groups.dtype.kind not in "iuU"):
        raise DataError(
            f"data file {source!r}: 'groups_train' is of shape {groups.shape} and type {groups.dtype}: "
            "give one text or whole number for each sample"
        )
    train = RawPart(x=arrays["x_train"], y=arrays["y_train"], x_name="x_train", y_name="y_train", groups=groups)
    return RawData(name=name, source=source, train=train, validation=part("val"), test=part("test"))
