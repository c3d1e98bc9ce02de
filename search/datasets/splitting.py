"""Splits that do not leak: by class, by group, by time, or as the data give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from search.datasets.options import DataOptions
from search.datasets.raw import Array
from search.errors import DataError

_SPLIT_SEED = 0  # fixed: the split is a function of the data, never of a job's seed
_BINS, _LEAST_IN_BIN = 10, 5  # of measured targets: each bin is shared out like a class

Assignment = npt.NDArray[np.int8]  # (n,): 0 stays in train, i + 1 goes to the i-th missing part


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What a split looks at, of the training part that parts are taken from.

    Attributes
    ----------
    y
        Labels (n,), or targets (n,) or (n, targets).
    groups, order
        As in `search.datasets.raw.RawPart`.
    names
        What people call the labels 0, 1, ...; empty where `y` says it.
    """

    y: Array
    groups: Array | None = None
    order: Array | None = None
    names: tuple[str, ...] = ()

    @property
    def is_measured(self) -> bool:
        """True for targets that are measured values, not classes."""
        return self.y.ndim > 1 or self.y.dtype.kind == "f"

    def called(self, label: object) -> str:
        """A label as people know it."""
        return self.names[int(str(label))] if self.names else str(label)

    def strata(self) -> Array:
        """What is shared out evenly: the classes, or for measured values equally many samples each, by the first."""
        if not self.is_measured:
            return self.y
        first = self.y if self.y.ndim == 1 else self.y[:, 0]
        strata = np.empty(len(first), np.intp)
        strata[np.argsort(first, kind="stable")] = np.arange(len(first)) * _bins(len(first)) // max(len(first), 1)
        return strata


def _bins(samples: int) -> int:
    return max(1, min(_BINS, samples // _LEAST_IN_BIN))


def split_kind(samples: Samples, options: DataOptions) -> str:
    """``stratified``, ``group``, ``time`` or ``time-in-class``: as asked for, else by group where there are groups."""
    if options.split == "auto":
        return "stratified" if samples.groups is None else "group"
    return options.split


def assign(source: str, samples: Samples, missing: Sequence[str], options: DataOptions) -> Assignment:
    """Which samples leave the training part for the `missing` ones of ``validation`` and ``test``.

    Parameters
    ----------
    source
        What messages call the data.

    Raises
    ------
    DataError
        When there are no groups or times to split by, too few samples or
        groups of a class, or a split by time leaves a class out of training.
    """
    if not missing:
        return np.zeros(len(samples.y), np.int8)
    shares = [options.validation_share if name == "validation" else options.test_share for name in missing]
    kind = split_kind(samples, options)
    if kind == "group":
        return _by_group(source, samples, missing, shares)
    if kind in ("time", "time-in-class"):
        return _by_time(source, samples, missing, shares, in_class=kind == "time-in-class")
    return _stratified(source, samples, missing, shares)


def _stratified(source: str, samples: Samples, missing: Sequence[str], shares: Sequence[float]) -> Assignment:
    """Each part gets its share of every class, at least one sample of it; of measured values, of every tenth."""
    strata = samples.strata()
    rng = np.random.Generator(np.random.PCG64(_SPLIT_SEED))
    taken = np.zeros(len(strata), np.int8)
    before = 0
    for label in np.unique(strata):
        members = np.flatnonzero(strata == label)
        if len(members) < len(missing) + 1:
            what = "there are" if samples.is_measured else f"class {samples.called(label)!r} has"
            raise DataError(
                f"data {source!r}: {what} {len(members)} samples, at least {len(missing) + 1} are needed to split off "
                f"{' and '.join(missing)}: add samples, {'or' if samples.is_measured else 'remove the class or'} give "
                "the splits"
            )
        members = rng.permutation(members)
        start = 0
        for index, share in enumerate(shares):
            size = max(1, round(share * (before + len(members))) - round(share * before))
            taken[members[start : start + size]] = index + 1
            start += size
        # Rounding what was taken of all bins so far keeps the shares of the whole exact; classes stand for themselves.
        before += len(members) if samples.is_measured else 0
    return taken


def _by_group(source: str, samples: Samples, missing: Sequence[str], shares: Sequence[float]) -> Assignment:
    """Whole groups go to one part each, so that classes are shared out as evenly as the groups allow.

    Greedy, the group with most samples first: it goes where the counts of the
    classes come nearest to their shares (squared difference, each class scaled
    by its count), unless as few groups of a class are left as parts that have none of it.
    """
    if samples.groups is None:
        raise DataError(
            f"data {source!r}: there are no groups to split by: name the column or field (--group-by), "
            "or set data_options.split=stratified"
        )
    _, member = np.unique(samples.groups, return_inverse=True)
    labels, stratum = np.unique(samples.strata(), return_inverse=True)
    counts = np.zeros((int(member.max()) + 1, len(labels)))
    np.add.at(counts, (member, stratum), 1)
    _check_groups(source, samples, labels, counts, missing)
    wanted = np.array([1 - sum(shares), *shares])[:, np.newaxis] * counts.sum(axis=0)
    # What every part needs some of: each class, or of measured targets any sample.
    present = np.ones((len(counts), 1), np.bool_) if samples.is_measured else counts > 0
    home = _homes(counts, wanted, present)
    held = np.stack([counts[home == part].sum(axis=0) for part in range(len(wanted))])
    _check_homes(source, samples, labels, held, missing)
    return home[member]


def _homes(
    counts: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64], present: npt.NDArray[np.bool_]
) -> Assignment:
    """The part of each group: the nearest to its shares, or one that would else go without a class."""
    rng = np.random.Generator(np.random.PCG64(_SPLIT_SEED))
    shuffled = rng.permutation(len(counts))
    home = np.zeros(len(counts), np.int8)
    held = np.zeros_like(wanted)
    has = np.zeros((len(wanted), present.shape[1]), np.bool_)
    left = present.sum(axis=0)
    for group in shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]:
        scarce = present[group] & (left <= (~has).sum(axis=0))
        needy = ~has[:, scarce]
        allowed = needy.all(axis=1) if needy.all(axis=1).any() else needy.any(axis=1)
        home[group] = np.argmin(np.where(allowed, _farther(held, wanted, counts[group]), np.inf))
        held[home[group]] += counts[group]
        has[home[group]] |= present[group]
        left -= present[group]
    return home


def _farther(
    held: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64], group: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """How much farther from its shares each part would be with the group; below zero is nearer."""
    scale = wanted.sum(axis=0)
    before = (((wanted - held) / scale) ** 2).sum(axis=1)
    after = (((wanted - held - group) / scale) ** 2).sum(axis=1)
    return np.asarray(after - before)


def _check_groups(
    source: str, samples: Samples, labels: Array, counts: npt.NDArray[np.float64], missing: Sequence[str]
) -> None:
    needed = len(missing) + 1
    if len(counts) < needed:
        raise DataError(
            f"data {source!r}: there are {len(counts)} groups, at least {needed} are needed to split off "
            f"{' and '.join(missing)}: record more, or set data_options.split=stratified"
        )
    if samples.is_measured:
        return  # a bin of measured values may well lie within one group
    for label, spread in zip(labels, (counts > 0).sum(axis=0), strict=True):
        if spread < needed:
            raise DataError(
                f"data {source!r}: class {samples.called(label)!r} is in {spread} of {len(counts)} groups, at least "
                f"{needed} are needed for one in each split: record more of it, or set data_options.split=stratified"
            )


def _check_homes(
    source: str, samples: Samples, labels: Array, held: npt.NDArray[np.float64], missing: Sequence[str]
) -> None:
    """Every part has samples, and training has every class."""
    for name, total in zip(("train", *missing), held.sum(axis=1), strict=True):
        if not total:
            raise DataError(
                f"data {source!r}: the groups are too unequal to leave any for {name}: record more groups, "
                "or set data_options.split=stratified"
            )
    if not samples.is_measured and not held[0].all():
        label = labels[int(np.argmin(held[0]))]
        raise DataError(
            f"data {source!r}: a split by group leaves class {samples.called(label)!r} out of training: record it in "
            "more groups, or set data_options.split=stratified"
        )


def _by_time(
    source: str, samples: Samples, missing: Sequence[str], shares: Sequence[float], *, in_class: bool
) -> Assignment:
    """The last share is the test part, that before it validation, of all samples or of each class by itself."""
    if samples.order is None:
        raise DataError(
            f"data {source!r}: there are no times to split by: name the column (data_options.time), or a field "
            "{time} of the files' names, or set data_options.split=stratified"
        )
    strata = samples.strata()
    taken = np.zeros(len(samples.order), np.int8)
    for label in np.unique(strata) if in_class else [None]:
        members = np.flatnonzero(strata == label) if in_class else np.arange(len(taken))
        taken[members] = _cut(samples.order[members], shares)
        for index, name in enumerate(("train", *missing)):
            if not (taken[members] == index).any():
                what = f" of class {samples.called(label)!r}" if in_class else ""
                raise DataError(
                    f"data {source!r}: too few different times{what} to leave any for {name}: split otherwise"
                )
    lost = np.setdiff1d(strata, strata[taken == 0])
    if len(lost) and not samples.is_measured:
        raise DataError(
            f"data {source!r}: a split by time leaves class {samples.called(lost[0])!r} out of training: record for "
            "longer, or set data_options.split=time-in-class, which splits each class by its own times"
        )
    return taken


def _cut(order: Array, shares: Sequence[float]) -> Assignment:
    """Parts of samples in order of time; equal times stay together, in the earlier part."""
    times = np.sort(order)
    taken = np.zeros(len(order), np.int8)
    rest = 1.0
    for index in reversed(range(len(shares))):  # the test part, which is the last, first
        rest -= shares[index]
        boundary = times[max(round(rest * len(times)), 1) - 1]
        taken[(order > boundary) & (taken == 0)] = index + 1
    return taken
