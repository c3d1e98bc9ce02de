"""Files below a folder, found without following links in circles."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from search.errors import DataError

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff"})
SOUNDS = frozenset({".wav", ".flac", ".ogg"})
TABLES = frozenset({".csv", ".tsv", ".parquet"})
_MOST_FILES = 1_000_000
_MOST_DEPTH = 16
_LITTER = frozenset({"__macosx", "thumbs.db", "desktop.ini"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """One file.

    Attributes
    ----------
    path
        Where it lies.
    name
        Its place below the folder, with ``/`` between folders.
    size_bytes, changed_ns
        From its directory entry.
    """

    path: Path
    name: str
    size_bytes: int
    changed_ns: int

    @property
    def suffix(self) -> str:
        """Ending in lower case, with the dot."""
        return self.path.suffix.lower()

    @property
    def stem(self) -> str:
        """Its place below the folder without the ending."""
        return self.name[: len(self.name) - len(self.path.suffix)]


def files_in(folder: Path) -> tuple[FoundFile, ...]:
    """Every visible regular file below `folder`, sorted by name.

    Raises
    ------
    DataError
        When a folder cannot be read, a link leads back to a folder above it,
        or there are more than a million files or 16 levels.
    """
    found: list[FoundFile] = []
    try:
        _walk(folder, "", (), found)
    except OSError as error:
        raise DataError(f"data folder {str(folder)!r} cannot be read: {error}") from error
    return tuple(sorted(found, key=lambda file: file.name))


def _walk(folder: Path, prefix: str, above: tuple[tuple[int, int], ...], found: list[FoundFile]) -> None:
    status = folder.stat()
    here = (status.st_dev, status.st_ino)
    if here in above:
        raise DataError(f"data folder {str(folder)!r} is a link back to a folder above it: remove the link")
    if len(above) >= _MOST_DEPTH:
        raise DataError(
            f"data folder {str(folder)!r} lies {_MOST_DEPTH} folders deep: name a folder nearer to the data"
        )
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in _LITTER:
                continue
            if entry.is_dir():
                _walk(folder / entry.name, f"{prefix}{entry.name}/", (*above, here), found)
            elif entry.is_file():
                _add(folder, prefix, entry, found)
            elif entry.is_symlink():
                raise DataError(f"data file {entry.path!r} is a link to nothing: remove it, or put the file there")


def _add(folder: Path, prefix: str, entry: os.DirEntry[str], found: list[FoundFile]) -> None:
    if len(found) >= _MOST_FILES:
        raise DataError(f"data folder {str(folder)!r}: there are more than {_MOST_FILES} files: use fewer samples")
    status = entry.stat()
    found.append(
        FoundFile(
            path=folder / entry.name,
            name=prefix + entry.name,
            size_bytes=status.st_size,
            changed_ns=status.st_mtime_ns,
        )
    )


def kind_of(files: tuple[FoundFile, ...] | None) -> frozenset[str] | None:
    """The one of `IMAGES`, `SOUNDS` and `TABLES` that most of a folder's files are; None where none is."""
    counts = Counter(file.suffix for file in files or ())
    totals = {kind: sum(counts[suffix] for suffix in kind) for kind in (IMAGES, SOUNDS, TABLES)}
    most = max(totals, key=lambda kind: totals[kind])
    return most if totals[most] else None
