"""What the names of files say: class, part of the data set, speaker.

A template such as ``{label}_{speaker}_{take}`` is fixed text and fields.  It is
no regular expression: a field runs to the first place where the next fixed text
stands, so reading a name takes one pass and nothing a user writes can make it slow.
``{label}`` is the class, ``{split}`` the part, ``{time}`` a number to split by; the
other names are the user's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from search.datasets.folder import FoundFile
from search.errors import DataError, JobError

PARTS: Mapping[str, str] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
}
_FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LABEL, _SPLIT, _TIME, _NOTHING = "label", "split", "time", "_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Fixed texts and fields in turn: ``texts[0] fields[0] texts[1] ... fields[-1] texts[-1]``."""

    pattern: str
    texts: tuple[str, ...]
    fields: tuple[str, ...]

    @classmethod
    def of(cls, pattern: str) -> Template:
        """The template that `pattern` writes.

        Raises
        ------
        JobError
            When a brace is left over, a field stands twice, or two fields have nothing between them.
        """
        pieces = _FIELD.split(pattern)
        texts, names = tuple(pieces[::2]), tuple(pieces[1::2])
        named = [name for name in names if name != _NOTHING]
        if not names or any("{" in text or "}" in text for text in texts):
            raise _wrong(pattern, "write fields in braces, such as {label}_{speaker}_{take}")
        if len(set(named)) != len(named):
            raise _wrong(pattern, "each field stands once; call what you do not need {_}")
        if any(not text for text in texts[1:-1]):
            raise _wrong(pattern, "two fields need a text between them")
        return cls(pattern=pattern, texts=texts, fields=names)

    def read(self, name: str) -> dict[str, str] | None:
        """Fields of `name`; None where it is not built so, a field would be empty, or would reach over a folder."""
        if not name.startswith(self.texts[0]):
            return None
        place = len(self.texts[0])
        values: dict[str, str] = {}
        for field, text in zip(self.fields[:-1], self.texts[1:-1], strict=True):
            end = name.find(text, place + 1)
            if end < 0:
                return None
            values[field] = name[place:end]
            place = end + len(text)
        last = self.texts[-1]
        end = len(name) - len(last)
        if end <= place or not name.endswith(last):
            return None
        values[self.fields[-1]] = name[place:end]
        return None if any("/" in value for value in values.values()) else values


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a file's name says.

    Attributes
    ----------
    file
        The file.
    part
        ``train``, ``validation`` or ``test``; empty where the name does not say.
    label
        Its class.
    group
        What `group_by` names; empty where it names nothing.
    time
        Its ``{time}``; None where the name does not say.
    """

    file: FoundFile
    part: str
    label: str
    group: str
    time: float | None = None


def named(files: tuple[FoundFile, ...], template: str, group_by: str) -> tuple[Named, ...]:
    """What each name says: by the template, or by its folders, ``[train/]class/...``.

    Raises
    ------
    JobError
        When the template is wrong, has no ``{label}``, or not the field that `group_by` names.
    DataError
        When a name is not built so; it names the file.
    """
    if template:
        return _by_template(files, Template.of(template), group_by)
    if group_by:
        raise JobError(
            f"group_by is {group_by!r}: say where it stands in the files' names, such as "
            f"data_options.file_name={{label}}_{{{group_by}}}_{{_}}"
        )
    return _by_folder(files)


def _by_template(files: tuple[FoundFile, ...], template: Template, group_by: str) -> tuple[Named, ...]:
    for field in (_LABEL, *([group_by] if group_by else [])):
        if field not in template.fields:
            raise _wrong(template.pattern, f"it has no field {{{field}}}")
    out = []
    for file in files:
        values = template.read(file.stem)
        if values is None:
            raise DataError(
                f"data file {str(file.path)!r}: its name {file.stem!r} is not built as {template.pattern!r} says: "
                "rename it, or set data_options.file_name"
            )
        part = PARTS.get(values.get(_SPLIT, "").lower(), "")
        if _SPLIT in values and not part:
            raise DataError(
                f"data file {str(file.path)!r}: its {{split}} is {values[_SPLIT]!r}: known are {', '.join(PARTS)}"
            )
        time = _number(file, values[_TIME]) if _TIME in values else None
        out.append(Named(file=file, part=part, label=values[_LABEL], group=values.get(group_by, ""), time=time))
    return tuple(out)


def _number(file: FoundFile, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"data file {str(file.path)!r}: its {{time}} is {text!r}, which is no number: rename it")
    return number


def _by_folder(files: tuple[FoundFile, ...]) -> tuple[Named, ...]:
    folders = [file.name.split("/")[:-1] for file in files]
    tops = {path[0] if path else "" for path in folders}
    in_parts = all(top.lower() in PARTS for top in tops)
    strange = sorted(top for top in tops if top.lower() not in PARTS)
    if strange and {"train", "training"} & {top.lower() for top in tops}:
        raise DataError(
            f"data file {str(files[0].path)!r} lies beside a folder for training and {strange[0] or 'files'!r}, which "
            f"is no part of the data: keep the folders {', '.join(PARTS)} alone"
        )
    depth = 1 if in_parts else 0
    out = []
    for file, path in zip(files, folders, strict=True):
        if len(path) <= depth:
            raise DataError(
                f"data file {str(file.path)!r} lies in no folder of a class: put it in one, or say what names mean, "
                "such as data_options.file_name={label}_{_}"
            )
        out.append(Named(file=file, part=PARTS[path[0].lower()] if in_parts else "", label=path[depth], group=""))
    return tuple(out)


def _wrong(pattern: str, rule: str) -> JobError:
    return JobError(f"data_options.file_name is {pattern!r}: {rule}")
