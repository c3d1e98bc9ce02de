"""What was read from many files, kept as one: the second time it takes a second.

The key is everything that what was read depends on: each file's name, size and
time of change, and the options.  Files lie in ``$TINYFRONT_CACHE_DIR``, else in
``tinyfront`` of ``$XDG_CACHE_HOME`` or ``~/.cache``; the oldest go when they
take more than 8 GiB.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from devices.frontend.table_encoding import TableColumn
from search import codec
from search.datasets.archive import read_arrays
from search.datasets.folder import FoundFile
from search.datasets.options import DataOptions
from search.datasets.raw import Array, Place, RawData, RawPart
from search.errors import DataError, StorageError
from search.files import write_whole

_FORMAT = 1  # of what is kept: another number finds nothing that was kept before
_MOST_BYTES = 8 << 30
_MOST_FILE_BYTES = 1 << 30
_PARTS = ("train", "validation", "test")
_AXES = ("x", "y", "groups", "order")


@dataclass(frozen=True, slots=True, kw_only=True)
class _PartNames:
    part: str
    x_name: str
    y_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """All of a `RawData` that is no array."""

    name: str
    source: str
    parts: tuple[_PartNames, ...]
    target_names: tuple[str, ...]
    sample_rate_hz: int | None
    channel_names: tuple[str, ...]
    columns: tuple[TableColumn, ...]
    notes: tuple[str, ...]


def kept_or_read(where: Place, read: Callable[[Place], RawData]) -> RawData:
    """What was kept of a folder as it is now, else what `read` gives, which is kept; files are always read.

    A cache that cannot be read or written costs the time of reading again, and a note says so.
    """
    if where.files is None:
        return read(where)
    try:
        place = _folder() / f"{_key(where.path, where.files, where.options)}.npz"
    except RuntimeError as error:  # there is no home folder
        return _not_kept(read(where), error)
    with contextlib.suppress(DataError, codec.CodecError, OSError):
        if place.exists():
            kept = _read(place)
            with contextlib.suppress(OSError):
                place.touch()  # the oldest go first
            return kept
    raw = read(where)
    try:
        _write(place, raw)
    except (StorageError, OSError) as error:
        return _not_kept(raw, error)
    return raw


def _not_kept(raw: RawData, error: Exception) -> RawData:
    return replace(raw, notes=(*raw.notes, f"what was read is not kept for the next time: {error}"))


def _folder() -> Path:
    named = os.environ.get("TINYFRONT_CACHE_DIR")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tinyfront"


def _key(path: Path, files: tuple[FoundFile, ...], options: DataOptions) -> str:
    document = [_FORMAT, str(path), str(path.resolve()), codec.unstructure(options.of_reading())]
    digest = hashlib.sha256(codec.canonical(document).encode())
    for file in files:
        entry = f"{file.name}\0{file.size_bytes}\0{file.changed_ns}\n"
        digest.update(entry.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _write(place: Path, raw: RawData) -> None:
    arrays: dict[str, Array] = {}
    for name, part in raw.parts().items():
        for axis in _AXES:
            array = getattr(part, axis)
            if array is not None:
                arrays[f"{axis}_{name}"] = array
    n_bytes = sum(array.nbytes for array in arrays.values())
    if n_bytes > _MOST_FILE_BYTES:
        raise StorageError(f"{n_bytes} bytes are more than the cache takes of one data set")
    kept = _Kept(
        name=raw.name,
        source=raw.source,
        parts=tuple(_PartNames(part=n, x_name=p.x_name, y_name=p.y_name) for n, p in raw.parts().items()),
        target_names=raw.target_names,
        sample_rate_hz=raw.sample_rate_hz,
        channel_names=raw.channel_names,
        columns=raw.columns,
        notes=raw.notes,
    )
    text = codec.to_json(kept).encode("utf-8", "surrogateescape")
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, kept=np.frombuffer(text, np.uint8), **arrays)
    place.parent.mkdir(parents=True, exist_ok=True)
    _make_room(place.parent, n_bytes)
    write_whole(place, buffer.getvalue())


def _make_room(folder: Path, n_bytes: int) -> None:
    """Remove the files that were not used for longest, until all take less than the most."""
    files = sorted(((path.stat(), path) for path in folder.glob("*.npz")), key=lambda each: each[0].st_mtime)
    total = n_bytes + sum(status.st_size for status, _ in files)
    for status, path in files:
        if total <= _MOST_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= status.st_size


def _read(place: Path) -> RawData:
    arrays = read_arrays(place, ("kept",), tuple(f"{axis}_{part}" for axis in _AXES for part in _PARTS))
    kept = codec.from_json(arrays["kept"].tobytes().decode("utf-8", "surrogateescape"), _Kept)
    parts = {
        each.part: RawPart(
            x=arrays[f"x_{each.part}"],
            y=arrays[f"y_{each.part}"],
            x_name=each.x_name,
            y_name=each.y_name,
            groups=arrays.get(f"groups_{each.part}"),
            order=arrays.get(f"order_{each.part}"),
        )
        for each in kept.parts
    }
    return RawData(
        name=kept.name,
        source=kept.source,
        train=parts["train"],
        validation=parts.get("validation"),
        test=parts.get("test"),
        target_names=kept.target_names,
        sample_rate_hz=kept.sample_rate_hz,
        channel_names=kept.channel_names,
        columns=kept.columns,
        notes=kept.notes,
    )
