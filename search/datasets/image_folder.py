"""A folder of images: a folder for each class, or names that say it."""

from __future__ import annotations

import numpy as np

from search.datasets import options as known
from search.datasets.file_name import Named, named
from search.datasets.folder import IMAGES, kind_of
from search.datasets.images import read_images
from search.datasets.parts import Rows, of_kind
from search.datasets.raw import Array, Place, RawData


class ImageFolder:
    """``[train/]cat/0001.png``: the class is the folder, or a field of the file's name."""

    suffixes: tuple[str, ...] = ()
    uses: frozenset[str] = known.NAMES | known.IMAGES

    def reads(self, place: Place) -> bool:
        """A folder in which most files are images."""
        return not place.options.file and kind_of(place.files) is IMAGES

    def read_file(self, place: Place) -> RawData:
        """All images below a folder."""
        path, options = place.path, place.options
        files, notes = of_kind(place, IMAGES)
        said = named(files, options.file_name, options.group_by)
        pixels, how = read_images([file.path for file in files], options, str(path))
        rows = Rows(
            x=pixels,
            y=np.array([each.label for each in said]),
            part=[each.part for each in said],
            groups=groups_of(said),
            order=order_of(said),
        )
        return RawData(
            name=place.stem,
            source=str(path),
            **rows.parts(str(path), "images", "folders of classes"),
            notes=(*notes, *how),
        )


def groups_of(said: tuple[Named, ...]) -> Array | None:
    """What the names say each file belongs to; None where they say nothing."""
    return np.array([each.group for each in said]) if any(each.group for each in said) else None


def order_of(said: tuple[Named, ...]) -> Array | None:
    """The times that the names say; None where they say none."""
    return np.array([each.time for each in said]) if said and said[0].time is not None else None
