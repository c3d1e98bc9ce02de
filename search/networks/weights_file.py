"""Looks at an HDF5 file before any framework opens it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search.errors import DataError

_MOST_BYTES = 4 << 30  # of all arrays, unpacked


def check_weights_file(path: Path) -> None:
    """Refuse what is no HDF5 file, points to other files, or declares more than 4 GiB.

    Raises
    ------
    DataError
        Saying which.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            total = _bytes_below(file)
    except (OSError, RuntimeError, KeyError) as error:
        raise DataError(f"it is not a whole HDF5 file ({error})") from error
    if total > _MOST_BYTES:
        raise DataError(f"its arrays take {total} bytes unpacked, the most is {_MOST_BYTES}")


def _bytes_below(group: Any) -> int:
    import h5py

    total = 0
    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.ExternalLink | h5py.SoftLink):
            raise DataError(f"its entry {name!r} is a link, which could lead to another file: save the network again")
        item = group[name]
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise DataError(f"its array {name!r} lies in another file: save the network again")
            total += int(item.nbytes)
        else:
            total += _bytes_below(item)
    return total
