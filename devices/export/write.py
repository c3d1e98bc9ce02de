"""Writing an exported folder: whole or absent."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from devices.export.bundle import Bundle
from devices.export.records import ExportError
from devices.export.target import ExportTarget


def export(
    bundle: Bundle, target: ExportTarget, folder: Path, beside: Mapping[str, bytes] | None = None
) -> tuple[Path, ...]:
    """Write what `target` makes of `bundle` into `folder`.

    A folder that is not there, or is there and empty, becomes the exported
    one by a single rename; whatever happens before, `folder` is untouched.

    Parameters
    ----------
    folder
        Where the files go; parents are made.
    beside
        Files that go with the model whatever the target, by name.

    Returns
    -------
    tuple of Path
        The files written, in order of path.

    Raises
    ------
    ExportError
        Where `folder` holds something already or is no folder, where it cannot
        be written, or where the target cannot carry the network.
    """
    _refuse_occupied(folder)
    contents = {**(beside or {}), **target.files(bundle)}
    for name in contents:
        _refuse_outside(target.name, name)
    try:
        return _write_whole(contents, folder)
    except OSError as error:
        raise ExportError(f"cannot write {folder}: {error.strerror or error}; give another --out") from error


def _refuse_occupied(folder: Path) -> None:
    if folder.absolute() == Path.cwd() or not folder.name:
        raise ExportError(f"{folder} is the current folder and cannot be replaced as a whole; give another --out")
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ExportError(f"{folder} is there already and is not a folder; give another --out")
    if folder.is_dir() and any(folder.iterdir()):
        raise ExportError(f"{folder} is not empty, and nothing in it is overwritten; give another --out, or empty it")


def _refuse_outside(target: str, name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\\" in name:
        raise ExportError(f"target {target!r} names a file {name!r}; paths must be relative, posix and without '..'")


def _write_whole(contents: Mapping[str, bytes], folder: Path) -> tuple[Path, ...]:
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = folder.parent / f".{folder.name}.{secrets.token_hex(6)}"
    staging.mkdir()
    try:
        for name, content in contents.items():
            _write_synced(staging / name, content)
        for path in (*(p for p in staging.rglob("*") if p.is_dir()), staging):
            _sync_folder(path)
        staging.rename(folder)  # replaces an empty folder, fails on one filled meanwhile
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    _sync_folder(folder.parent)
    return tuple(sorted(folder / name for name in contents))


def _write_synced(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
