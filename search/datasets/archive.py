"""Reads ``.npz`` archives of foreign origin: nothing is unpickled, nothing is allocated before its size is checked."""

from __future__ import annotations

import math
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from devices.suggestion import suggestion
from search.datasets.raw import Array
from search.errors import DataError

_MOST_BYTES = 4 << 30  # of all arrays, unpacked
_MOST_RATIO = 200  # unpacked over packed; an archive of images stays below 20
_RATIO_MATTERS_FROM_BYTES = 64 << 20
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


def check_file(path: Path) -> None:
    """Refuse what is not a regular, readable file with something in it.

    Raises
    ------
    DataError
        Naming the file and what it is.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        reason = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise DataError(f"data file {str(path)!r} {reason}: check the path") from error
    if stat.S_ISDIR(status.st_mode):
        raise DataError(f"data file {str(path)!r} is a folder: name a file, such as data.npz in it")
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"data file {str(path)!r} is not a regular file: copy its content to one")
    if status.st_size == 0:
        raise DataError(f"data file {str(path)!r} is empty: write it again")


def read_arrays(path: Path, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Mapping[str, Array]:
    """All arrays of an ``.npz`` by key.

    Parameters
    ----------
    path
        The archive.
    required, optional
        The keys that must, and that may, be in it; any other is refused.

    Raises
    ------
    DataError
        When it is not such an archive, is damaged, holds objects, or declares
        more than 4 GiB or more than can come out of its bytes.
    """
    check_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive)
            _check_keys(path, members, required, optional)
            _check_sizes(path, members)
            return {key: _array(path, key, archive, info) for key, info in members.items()}
    except _DAMAGED as error:
        raise DataError(_damage(path, error)) from error


def read_array(path: Path) -> Array:
    """The array of an ``.npy`` file.

    Raises
    ------
    DataError
        When it is damaged, holds objects or declares another size than it has.
    """
    check_file(path)
    try:
        with path.open("rb") as stream:
            _check_header(path, path.stem, stream, path.stat().st_size)
            stream.seek(0)
            array: Array = npy.read_array(stream, allow_pickle=False)
    except _DAMAGED as error:
        raise DataError(f"data file {str(path)!r} is damaged or cut short ({error}): write it again") from error
    return array


def _damage(path: Path, error: Exception) -> str:
    start = b""
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError as unreadable:
        return f"data file {str(path)!r} cannot be read: {unreadable.strerror}"
    if start != b"PK\x03\x04":
        return f"data file {str(path)!r} is not an .npz archive: make one with numpy.savez"
    return f"data file {str(path)!r} is damaged or cut short ({error}): copy or write it again"


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        key = info.filename.removesuffix(".npy")
        if key == info.filename or key in members:
            what = "twice" if key in members else "and is no array"
            raise DataError(f"data file {str(path)!r}: {info.filename!r} is in it {what}: write it with numpy.savez")
        members[key] = info
    return members


def _check_keys(
    path: Path, members: Mapping[str, zipfile.ZipInfo], required: tuple[str, ...], optional: tuple[str, ...]
) -> None:
    known = (*required, *optional)
    for key in members:
        if key not in known:
            raise DataError(f"data file {str(path)!r}: unknown array {key!r}: {suggestion(key, known)}")
    for key in required:
        if key not in members:
            held = ", ".join(members) or "no arrays"
            raise DataError(f"data file {str(path)!r}: array {key!r} is missing; it holds {held}. Add it.")


def _check_sizes(path: Path, members: Mapping[str, zipfile.ZipInfo]) -> None:
    packed, declared = path.stat().st_size, sum(info.file_size for info in members.values())
    if declared > _MOST_BYTES:
        raise DataError(
            f"data file {str(path)!r} declares {declared} bytes of arrays, the most is {_MOST_BYTES}: use fewer samples"
        )
    for key, info in members.items():
        stored = info.compress_type == zipfile.ZIP_STORED
        if info.compress_size > packed or (stored and info.file_size != info.compress_size):
            raise DataError(
                f"data file {str(path)!r} of {packed} bytes declares {info.file_size} bytes for {key!r}: write it again"
            )
    if declared > max(_RATIO_MATTERS_FROM_BYTES, _MOST_RATIO * packed):
        raise DataError(
            f"data file {str(path)!r} of {packed} bytes would unpack to {declared}, more than {_MOST_RATIO} times "
            "as much: if that is meant, write it with numpy.savez, not compressed"
        )


def _array(path: Path, key: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    with archive.open(info) as member:
        _check_header(path, key, member, info.file_size)
    with archive.open(info) as member:
        array: Array = npy.read_array(member, allow_pickle=False)
        member.read(1)  # at the end the archive's checksum is compared
    return array


def _check_header(path: Path, key: str, member: IO[bytes], declared: int) -> None:
    where = f"data file {str(path)!r}: array {key!r}"
    shape, dtype, header_bytes = _header(where, member)
    if dtype.hasobject:
        raise DataError(f"{where} holds Python objects, which are never unpickled: save numbers or texts instead")
    if dtype.names is not None or dtype.subdtype is not None or dtype.itemsize == 0:
        raise DataError(f"{where} is of type {dtype}: save plain numbers or texts")
    needed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or needed != declared - header_bytes:
        raise DataError(
            f"{where} declares shape {shape} of {dtype}, {needed} bytes, but holds {declared - header_bytes}: "
            "write it again"
        )


def _header(where: str, member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    try:
        version = npy.read_magic(member)
        if version not in readers:
            raise ValueError(f"format version {version}")
        shape, _, dtype = readers[version](member)
    except Exception as error:  # numpy parses the header as a Python literal: many kinds of error
        raise DataError(f"{where} has no valid .npy header ({error}): write it with numpy.savez") from error
    return shape, dtype, member.tell()
