"""Time series in the ``.ts`` format of sktime, aeon and the UCR/UEA archive.

Lines that begin with ``@`` say what follows, ``#`` is a comment.  After
``@data`` each line is a case: channels separated by ``:``, their values by
``,``, at the end the class or target.
Format: https://www.sktime.net/en/stable/api_reference/file_specifications/ts.html
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from search.datasets import options as known
from search.datasets.archive import check_file
from search.datasets.raw import Place, RawData
from search.datasets.recordings import Recording, samples_of
from search.errors import DataError

_SUFFIX = ".ts"
_MOST_BYTES = 1 << 30
_TRAIN, _TEST = "_train", "_test"


class TsFile:
    """``NAME.ts``, or ``NAME_TRAIN.ts`` with ``NAME_TEST.ts`` beside it, or the folder of both."""

    suffixes: tuple[str, ...] = (_SUFFIX,)
    uses: frozenset[str] = known.SERIES

    def reads(self, place: Place) -> bool:
        """A file of this ending, or a folder that holds a training file of it."""
        return place.suffix == _SUFFIX if place.files is None else any(file.suffix == _SUFFIX for file in place.files)

    def read_file(self, place: Place) -> RawData:
        """All cases of a training file, and of its test file where there is one."""
        path, options = place.path, place.options
        train, test = _pair(place)
        recordings = [*_cases(train, "train" if test else ""), *(_cases(test, "test") if test else ())]
        if not recordings:
            raise DataError(f"data file {str(train)!r} has no cases after @data: write it again")
        parts, notes = samples_of(recordings, options, str(path), "classes of the cases")
        return RawData(
            name=train.stem[: -len(_TRAIN)] if test else train.stem,
            source=str(path),
            **parts,
            sample_rate_hz=options.sample_rate_hz,
            notes=(*notes, f"the test part is {test.name}") if test and place.files is None else notes,
        )


def _pair(place: Place) -> tuple[Path, Path | None]:
    """The file of training cases, and that of test cases."""
    path = place.path
    if place.files is not None:
        files = [file.path for file in place.files if file.suffix == _SUFFIX]
        trains = [file for file in files if file.stem.lower().endswith(_TRAIN)]
        if len(files) == 1:
            return files[0], None
        if len(trains) != 1:
            raise DataError(f"data folder {str(path)!r} holds {len(files)} .ts files: name the one to use")
        path = trains[0]
    if not path.stem.lower().endswith(_TRAIN):
        return path, None
    stem = path.stem[: -len(_TRAIN)].lower()
    beside = [other for other in path.parent.iterdir() if other.name.lower() == f"{stem}{_TEST}{_SUFFIX}"]
    return path, beside[0] if beside else None


def _cases(path: Path, part: str) -> Iterator[Recording]:
    check_file(path)
    if path.stat().st_size > _MOST_BYTES:
        raise DataError(f"data file {str(path)!r} is larger than {_MOST_BYTES} bytes: use fewer cases")
    tags: dict[str, list[str]] = {}
    in_data = False
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                text = line.strip()
                if not text or text.startswith("#"):
                    continue
                if in_data:
                    yield _case(path, number, text, tags, part)
                elif text.startswith("@"):
                    name, *values = text[1:].split()
                    in_data = name.lower() == "data"
                    tags[name.lower()] = values
                    if in_data:
                        _check_tags(path, tags)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"data file {str(path)!r} cannot be read as text ({error}): write it again") from error
    if not in_data:
        raise DataError(f"data file {str(path)!r} has no line @data: is it a .ts file of time series?")


def _is(tags: dict[str, list[str]], name: str) -> bool:
    return [value.lower() for value in tags.get(name, [])[:1]] == ["true"]


def _check_tags(path: Path, tags: dict[str, list[str]]) -> None:
    if _is(tags, "timestamps"):
        raise DataError(f"data file {str(path)!r} holds a time with each value (@timeStamps true): save values alone")
    if not _is(tags, "classlabel") and not _is(tags, "targetlabel"):
        raise DataError(f"data file {str(path)!r} has neither @classLabel true nor @targetLabel true: add the label")


def _case(path: Path, number: int, text: str, tags: dict[str, list[str]], part: str) -> Recording:
    where = f"{path}, line {number}"
    *channels, label = text.split(":")
    known = tags.get("classlabel", [])[1:]
    if known and label.strip() not in known:
        raise DataError(
            f"data {where!r}: class {label.strip()[:80]!r} is none of {', '.join(known)[:200]}: mend the line"
        )
    try:
        values = [np.array(channel.split(","), np.float64) for channel in channels]
        target = float(label) if _is(tags, "targetlabel") else label.strip()
    except ValueError as error:
        raise DataError(f"data {where!r} holds what is no number ({error}): mend the line") from error
    if not values or len({len(each) for each in values}) > 1:
        lengths = ", ".join(str(len(each)) for each in values) or "no"
        raise DataError(f"data {where!r}: its channels have {lengths} values: give each as many")
    return Recording(name=where, values=np.stack(values, axis=1), label=target, part=part)
