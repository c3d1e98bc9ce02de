"""Where the three parts of a data set came from, and what they share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from search.datasets.options import DataOptions
from search.datasets.raw import Array, RawData
from search.datasets.splitting import Samples, split_kind
from search.errors import DataError

# A test part of the user's own that repeats more of the training part than this is a copy of it.
_MOST_REPEATED_SHARE = 0.5
_HOW = {
    "stratified": "class by class",
    "group": "by group",
    "time": "by time",
    "time-in-class": "by time in each class",
    "given": "as given",
}
_FEW = 20  # samples, of which as many may well be equal by chance


class _Part(Protocol):
    """A part as `search.datasets.prepare` holds it."""

    @property
    def x(self) -> Array: ...
    @property
    def y(self) -> Array: ...
    @property
    def groups(self) -> Array | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSummary:
    """One part.

    Attributes
    ----------
    name
        ``train``, ``validation`` or ``test``.
    n
        Samples.
    is_given
        True where the data say that they are this part, False where they were taken from the training part.
    counts
        Samples of each class, or normal ones and others; empty for measured targets.
    n_groups
        Persons, files or recordings; None where they are not known.
    n_repeated
        Samples whose inputs equal those of a sample in a part before it.
    n_shared_groups
        Groups that are in a part before it too.
    """

    name: str
    n: int
    is_given: bool
    counts: tuple[int, ...]
    n_groups: int | None
    n_repeated: int
    n_shared_groups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSummary:
    """A whole split.

    Attributes
    ----------
    kind
        How parts that were not given were chosen: one of `search.datasets.options.SplitKind`; ``given`` where all were.
    labels
        Classes that `PartSummary.counts` count; empty for measured targets.
    parts
        Training, validation, test.
    finds_anomalies
        True where the labels are those of normal samples and of others, and training has normal ones alone.
    """

    kind: str
    labels: tuple[str, ...]
    parts: tuple[PartSummary, ...]
    finds_anomalies: bool = False

    def text(self) -> str:
        """One line for people."""
        how = _HOW[self.kind]
        if self.kind == "stratified" and (self.finds_anomalies or not self.labels):
            how = f"{self.labels[0]} and others apart" if self.finds_anomalies else "evenly over the values"
        return f"split {how}: " + ", ".join(_part_text(part, self._counts_text(part)) for part in self.parts)

    def _counts_text(self, part: PartSummary) -> str:
        if self.finds_anomalies:
            return " and ".join(f"{n} {name}" for n, name in zip(part.counts, self.labels, strict=True) if n)
        return f"{min(part.counts)} to {max(part.counts)} a class" if part.counts else ""

    def notes(self) -> tuple[str, ...]:
        """What makes scores look better than they are, a sentence each."""
        said = []
        for part in self.parts[1:]:
            before = "training or validation" if part.name == "test" else "training"
            if part.n_repeated:
                said.append(f"{part.n_repeated} of {part.n} {part.name} samples have the inputs of a {before} sample")
            if part.n_shared_groups:
                said.append(
                    f"{part.n_shared_groups} of {part.n_groups} groups of the {part.name} samples are in {before} too: "
                    "scores may be better than on new ones"
                )
            absent = [label for label, count in zip(self.labels, part.counts, strict=True) if not count]
            if absent:
                said.append(f"no {part.name} sample is of class {', '.join(absent[:5])}")
        return tuple(said)


def _part_text(part: PartSummary, counts: str) -> str:
    origin = ["as given"] if part.is_given and part.name != "train" else []
    groups = [] if part.n_groups is None else [f"{part.n_groups} group{'s' * (part.n_groups != 1)}"]
    inner = ", ".join([*origin, *groups, *([counts] if counts else [])])
    return f"{part.name} {part.n} ({inner})" if inner else f"{part.name} {part.n}"


def summarise(
    raw: RawData, parts: Mapping[str, _Part], labels: Array, options: DataOptions, anomalies: tuple[str, ...] = ()
) -> SplitSummary:
    """What became of the data; `labels` is empty for measured targets and anomalies, which `anomalies` names.

    Raises
    ------
    DataError
        When most of a part that the user gave repeats training samples: it
        would measure memory.  Fewer, and rows of a table, may be equal by
        chance and are only counted.
    """
    given, counted = raw.parts(), np.arange(len(anomalies)) if anomalies else labels
    train = parts["train"]
    known: set[bytes] = set()
    known_groups: set[object] = set()
    out = []
    for name in ("train", "validation", "test"):
        part = parts[name]
        digests = _digests(part.x)
        repeated = 0 if part is train else sum(digest in known for digest in digests)
        known.update(digests)
        groups = set() if part.groups is None else set(part.groups.tolist())
        shared = len(groups & known_groups)
        known_groups |= groups
        if name in given and not raw.columns:
            _check_repeated(raw.source, name, repeated, len(part.x))
        out.append(
            PartSummary(
                name=name,
                n=len(part.x),
                is_given=name in given,
                counts=tuple(int((part.y == label).sum()) for label in counted),
                n_groups=None if part.groups is None else len(groups),
                n_repeated=repeated,
                n_shared_groups=shared,
            )
        )
    kind = "given" if len(given) == 3 else split_kind(Samples(y=train.y, groups=train.groups), options)
    names = anomalies or tuple(map(str, labels))
    return SplitSummary(kind=kind, labels=names, parts=tuple(out), finds_anomalies=bool(anomalies))


def _digests(x: Array) -> list[bytes]:
    return [hashlib.blake2b(np.ascontiguousarray(row).tobytes(), digest_size=16).digest() for row in x]


def _check_repeated(source: str, name: str, repeated: int, n: int) -> None:
    if n >= _FEW and repeated > _MOST_REPEATED_SHARE * n:
        raise DataError(
            f"data {source!r}: {repeated} of {n} {name} samples are in the parts before it as well, which would "
            f"measure what was learnt by heart: remove them from one, or leave the {name} part to be split off"
        )
