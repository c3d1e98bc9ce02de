"""How a user's data is to be read and split: the job's ``data_options``."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Literal

from search.errors import JobError

# Options that go together, for loaders to say which they use.
SPLITS = frozenset({"split", "validation_share", "test_share"})
NAMES = frozenset({"file_name", "group_by"})
TABLES = frozenset({"separator", "decimal", "header", "missing", "ignore"})
IMAGES = frozenset({"image_height", "image_width", "image_fit", "channels"})
SOUNDS = frozenset({"sample_rate_hz", "clip_seconds"})
SERIES = frozenset({"window", "overlap", "length", "fit", "sample_rate_hz"})

SplitKind = Literal["auto", "stratified", "group", "time", "time-in-class"]

_COUNTS = ("window", "length", "image_height", "image_width", "sample_rate_hz", "clip_seconds")
_MOST_PIXELS_A_SIDE = 4096
_MOST_SHARE = 0.9  # of samples that are not trained on


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """What cannot be seen from the data themselves; everything has a default.

    A column is named by its name in the header, or by its position from 0 (or
    from -1 backwards).

    Attributes
    ----------
    label
        Column of the target; empty takes the last one.
    targets
        Columns of several targets, in place of `label`.
    columns
        Columns that are inputs; empty takes all that are nothing else.
    ignore
        Columns left out.
    group_by
        What must not be torn apart by the split (person, speaker, machine): a
        column, or a field of `file_name`.
    id, time
        Columns that name the recording of a row and its time, in one long table.
    file
        Column with the files' names, where a table beside images names them.
    file_name
        How names of files are built, such as ``{label}_{speaker}_{time}`` or
        ``{split}/{label}/{_}``: each field runs to the next fixed text.  Empty
        takes the folder as the class.
    separator, decimal
        Of columns, and of decimals (``.`` or ``,``); empty finds them out.
    header
        Whether the first row of a table holds names; None finds it out.
    missing
        Texts that stand for a missing value.
    categories
        How columns of texts become numbers: a column for each value, or its number.
    window, overlap
        Rows of a time series that make one sample, and the share of it that
        the next one repeats (0 to below 1).  For sounds, an overlap cuts long
        ones into clips.
    length, fit
        Rows that every recording without windows is brought to, None for the
        longest of the training part, and how: ``pad`` repeats the last row
        and cuts, ``resample`` stretches.
    image_height, image_width, image_fit
        Pixels, None for those of the images where they are equal and small, else 96; and how
        another shape is brought to it: ``stretch``, or ``crop`` its middle.
    channels
        1 (grey) or 3 (colour); None for 3 unless all images are grey.
    sample_rate_hz
        Of sounds, which are resampled to it, None for the lowest that occurs;
        of other recordings, None where it is unknown.
    clip_seconds
        Length of a sound, None for the one all have, else 1 second.
    split
        ``stratified``, by ``group``, by ``time``, ``time-in-class`` (each class
        by its own times, for classes that were recorded one after the other),
        or ``auto``: by group where there are groups, else stratified.
    validation_share, test_share
        Of all samples, where the data have no such split of their own.
    """

    label: str = ""
    targets: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    group_by: str = ""
    id: str = ""
    time: str = ""
    file: str = ""
    file_name: str = ""
    separator: str = ""
    decimal: Literal["", ".", ","] = ""
    header: bool | None = None
    missing: tuple[str, ...] = ("", "NA", "N/A", "NaN", "nan", "null", "None", "?")
    categories: Literal["one-hot", "ordinal"] = "one-hot"
    window: int | None = None
    overlap: float = 0.0
    length: int | None = None
    fit: Literal["pad", "resample"] = "pad"
    image_height: int | None = None
    image_width: int | None = None
    image_fit: Literal["stretch", "crop"] = "stretch"
    channels: int | None = None
    sample_rate_hz: int | None = None
    clip_seconds: float | None = None
    split: SplitKind = "auto"
    validation_share: float = 0.2
    test_share: float = 0.2

    def __post_init__(self) -> None:
        for key in _COUNTS:
            value = getattr(self, key)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise _wrong(key, value, "it must be above zero and finite")
        self._check_shares()
        self._check_image()
        self._check_text()

    def _check_shares(self) -> None:
        if not 0 <= self.overlap < 1:
            raise _wrong("overlap", self.overlap, "it is a share of a window, 0 to below 1")
        for key in ("validation_share", "test_share"):
            if not 0 < getattr(self, key) < 1:
                raise _wrong(key, getattr(self, key), "it is a share of all samples, between 0 and 1")
        if self.validation_share + self.test_share > _MOST_SHARE:
            raise _wrong("test_share", self.test_share, "with validation_share it leaves less than 0.1 to train on")

    def _check_image(self) -> None:
        if self.channels not in (None, 1, 3):
            raise _wrong("channels", self.channels, "1 is grey, 3 is colour")
        for key in ("image_height", "image_width"):
            if (getattr(self, key) or 1) > _MOST_PIXELS_A_SIDE:
                raise _wrong(key, getattr(self, key), f"the most is {_MOST_PIXELS_A_SIDE} pixels")

    def _check_text(self) -> None:
        separator = self.separator
        if separator and (len(separator) != 1 or separator in "\"'\r\n" or separator.isalnum()):
            raise _wrong("separator", separator, "it is one character such as ; or a tabulator")
        if separator and separator == self.decimal:
            raise _wrong("decimal", self.decimal, "it is the separator as well: one of them must differ")
        if self.label and self.targets:
            raise _wrong("label", self.label, "targets are named too: leave one out")

    def of_reading(self) -> DataOptions:
        """Those that matter when files are read: the options without the split's."""
        default = DataOptions()
        return replace(
            self, split=default.split, validation_share=default.validation_share, test_share=default.test_share
        )

    def changed(self) -> tuple[str, ...]:
        """Names of the options that are not as they are by default."""
        default = DataOptions()
        return tuple(item.name for item in fields(self) if getattr(self, item.name) != getattr(default, item.name))


def _wrong(key: str, value: object, rule: str) -> JobError:
    return JobError(f"data_options.{key} is {value!r}: {rule}")
