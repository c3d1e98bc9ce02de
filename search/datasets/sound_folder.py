"""A folder of sounds: a folder for each class, or names that say it."""

from __future__ import annotations

import numpy as np

from search.datasets import options as known
from search.datasets.file_name import named
from search.datasets.folder import SOUNDS, kind_of
from search.datasets.image_folder import groups_of, order_of
from search.datasets.parts import Rows, of_kind
from search.datasets.raw import Place, RawData
from search.datasets.sounds import read_sounds


class SoundFolder:
    """``[train/]yes/0001.wav`` or ``{label}_{speaker}_{take}.wav``, also FLAC and Ogg."""

    suffixes: tuple[str, ...] = ()
    uses: frozenset[str] = known.NAMES | known.SOUNDS | {"overlap"}

    def reads(self, place: Place) -> bool:
        """A folder in which most files are sounds."""
        return not place.options.file and kind_of(place.files) is SOUNDS

    def read_file(self, place: Place) -> RawData:
        """All sounds below a folder; clips of one file stay together where nothing else is named."""
        path, options = place.path, place.options
        files, notes = of_kind(place, SOUNDS)
        said = named(files, options.file_name, options.group_by)
        sounds = read_sounds([file.path for file in files], options, str(path))
        groups, order = groups_of(said), order_of(said)
        if groups is None and len(sounds.owner) > len(files):
            groups = np.array([file.name for file in files])
        rows = Rows(
            x=sounds.x,
            y=np.array([each.label for each in said])[sounds.owner],
            part=[said[index].part for index in sounds.owner],
            groups=None if groups is None else groups[sounds.owner],
            order=None if order is None else order[sounds.owner],
        )
        return RawData(
            name=place.stem,
            source=str(path),
            **rows.parts(str(path), "sounds", "classes of the files"),
            sample_rate_hz=sounds.sample_rate_hz,
            notes=(*notes, *sounds.notes),
        )
