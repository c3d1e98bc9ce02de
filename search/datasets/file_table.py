"""A table that names files: images or sounds, and the class or target of each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from search.datasets import options as known
from search.datasets.folder import IMAGES, SOUNDS, TABLES, FoundFile, files_in
from search.datasets.frame import Frame, read_frame
from search.datasets.images import read_images
from search.datasets.parts import Rows
from search.datasets.raw import Array, Place, RawData
from search.datasets.sounds import read_sounds
from search.datasets.table import Table
from search.datasets.target_columns import target_names, targets_of
from search.errors import DataError


class FileTable:
    """``targets.csv`` beside or above the files that its column ``data_options.file`` names."""

    suffixes: tuple[str, ...] = ()
    uses: frozenset[str] = known.TABLES | known.IMAGES | known.SOUNDS | {"file", "label", "targets", "group_by"}

    def reads(self, place: Place) -> bool:
        """A table or a folder, where the options name the column of files."""
        return bool(place.options.file) and (place.files is not None or place.suffix in Table.suffixes)

    def read_file(self, place: Place) -> RawData:
        """The files that the table names, each with its target."""
        options = place.options
        frame = read_frame(_table(place), options)
        column = frame.find(options.file, "file")
        group = frame.find(options.group_by, "group_by")
        ignored = [frame.find(name, "ignore") for name in options.ignore]
        targets = target_names(frame, options, [column, group, *ignored])
        paths = _paths(frame, column)
        suffixes = {each.suffix.lower() for each in paths}
        source = str(frame.path)
        x: Array
        rate = None
        if suffixes <= IMAGES:
            x, notes = read_images(paths, options, source)
        elif suffixes <= SOUNDS:
            sounds = read_sounds(paths, options, source)
            x, notes, rate = sounds.x, sounds.notes, sounds.sample_rate_hz
        else:
            raise DataError(
                f"data file {source!r}, column {column!r} names files that end in {', '.join(sorted(suffixes))[:200]}: "
                "it must name images alone, or sounds alone"
            )
        rows = Rows(
            x=x,
            y=targets_of([frame], targets, several=bool(options.targets)),
            part=[""] * len(paths),
            groups=frame.texts(group) if group else None,
        )
        y_name = f"column {', '.join(map(repr, targets))}"
        return RawData(
            name=place.stem,
            source=source,
            **rows.parts(source, f"files of column {column!r}", y_name),
            target_names=targets,
            sample_rate_hz=rate,
            notes=(*frame.notes, *notes),
        )


def _table(place: Place) -> Path:
    path = place.path
    if place.files is None:
        return path
    tables = [file.path for file in place.files if file.suffix in TABLES]
    if len(tables) != 1:
        raise DataError(f"data folder {str(path)!r} holds {len(tables)} tables: name the one that lists the files")
    return tables[0]


def _paths(frame: Frame, column: str) -> list[Path]:
    """The file of each row.

    Names are looked up among the files that lie below the table's folder, by
    their place there or, where that is unique, their name alone: no text of
    the table is ever opened as a path.
    """
    files = files_in(frame.path.parent)
    places = {file.name: file for file in files}
    alone = _alone(files)
    out = []
    for row, text in enumerate(frame.texts(column)):
        found = places.get(str(text)) or alone.get(str(text))
        if found is None:
            raise DataError(
                f"data file {str(frame.path)!r}, column {column!r} names {str(text)!r} in data row {row + 1}, but "
                "there is no such file below its folder: put it there, or remove the row"
            )
        if not found.size_bytes:
            raise DataError(f"data file {str(found.path)!r} is empty: remove it and its row, or write it again")
        out.append(found.path)
    return out


def _alone(files: tuple[FoundFile, ...]) -> Mapping[str, FoundFile]:
    """Files by their name without folders, where no two are called so."""
    names, counts = np.unique([file.path.name for file in files], return_counts=True)
    unique = set(names[counts == 1].tolist())
    return {file.path.name: file for file in files if file.path.name in unique}
