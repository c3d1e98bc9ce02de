"""Files that are whole or absent."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from search.errors import StorageError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a crash at any moment leaves the old file or the new one, never a part.

    The bytes go to a temporary file in the same folder, which is flushed to
    the disk and renamed over `path`; then the folder is flushed.  The temporary
    file is removed when anything fails.

    Raises
    ------
    StorageError
        When the folder is missing or cannot be written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        try:
            _write_through(temporary, content)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _flush_folder(path.parent)
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror or error}. {_remedy(path)}") from error


def _write_through(path: Path, content: bytes) -> None:
    # "x" refuses a name that exists, so no link planted there is followed.
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remedy(path: Path) -> str:
    if not path.parent.is_dir():
        return f"Make the folder {path.parent} first, or name another."
    if path.is_dir():
        return "It is a folder; name a file."
    return "Free space there, allow writing, or name another folder."
