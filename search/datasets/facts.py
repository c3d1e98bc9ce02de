"""What a data set holds, found by looking at it alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from search.datasets.dataset import Dataset, Split
from search.metrics.measure import measure, trivial_outputs
from search.metrics.measurement import Measurement
from search.metrics.metric import Task

if TYPE_CHECKING:
    import numpy.typing as npt

_SPLITS = ("train", "validation", "test")
_CHUNK = 4096  # samples, so that no copy of a large data set is made


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitFacts:
    """One split.

    Attributes
    ----------
    n
        Samples.
    counts
        Samples of every class, in the order of the labels; empty where values are predicted.
    lowest, highest
        Ends of the raw values, before they were normalised.
    repeated
        Samples whose inputs are those of an earlier sample of the split.
    """

    n: int
    counts: tuple[int, ...]
    lowest: float
    highest: float
    repeated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetFacts:
    """What is predicted, over the training split and in the target's own unit."""

    name: str
    mean: float
    deviation: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """A data set as it was found.

    Attributes
    ----------
    name, task, input_shape, labels
        As in `search.datasets.dataset.Dataset`.
    targets
        What is predicted; empty for classes.
    splits
        By name: train, validation, test.
    shared
        By pair of splits, such as ``train-test``: samples of the second whose inputs are in the first, too.
    contradictions
        Samples of all splits whose inputs stand under several labels, or have several targets.
    constant_inputs
        Indexes, in reading order, of inputs that are the same in every training sample.
    trivial
        What can be answered without a look at the inputs: the class with the
        most training samples, or ``the mean`` of the targets.
    baseline
        What always answering that gets on the validation split, by metric; for a
        log loss each class's share of the training split is given as its probability.
    frontend, raw_shape
        Name of the front-end that made the inputs, and the shape of what it makes
        them of; empty where there is none.
    """

    name: str
    task: Task
    input_shape: tuple[int, ...]
    labels: tuple[str, ...]
    targets: tuple[TargetFacts, ...] = ()
    splits: Mapping[str, SplitFacts]
    shared: Mapping[str, int]
    contradictions: int
    constant_inputs: tuple[int, ...]
    trivial: str
    baseline: Mapping[str, Measurement]
    frontend: str = ""
    raw_shape: tuple[int, ...] = ()

    @property
    def imbalance(self) -> float:
        """Training samples of the largest class over those of the smallest that has any, >= 1; 1 without classes."""
        counts = [count for count in self.splits["train"].counts if count] or [1]
        return max(counts) / min(counts)


def describe(data: Dataset) -> DataFacts:
    """Look at a data set without varied copies; of the test split only inputs and labels are counted."""
    data = replace(data, train=data.originals, copies=0)
    splits = {name: getattr(data, name) for name in _SPLITS}
    digests = {name: tuple(_digests(split.x)) for name, split in splits.items()}
    return DataFacts(
        name=data.name,
        task=data.task,
        input_shape=data.input_shape,
        labels=data.labels,
        targets=_targets(data),
        splits={name: _split_facts(data, split, digests[name]) for name, split in splits.items()},
        shared={
            f"{first}-{second}": sum(digest in known for digest in digests[second])
            for first, second in (("train", "validation"), ("train", "test"), ("validation", "test"))
            for known in (frozenset(digests[first]),)
        },
        contradictions=_contradictions(splits, digests),
        constant_inputs=_constant_inputs(data.train.x),
        trivial=_trivial(data),
        baseline=measure(data, data.validation, trivial_outputs(data)),
        frontend="" if data.frontend is None else data.frontend.frontend.name,
        raw_shape=() if data.frontend is None else data.frontend.input_shape,
    )


def _trivial(data: Dataset) -> str:
    """What is always answered: the most common class, or the mean."""
    if data.targets:
        return "the mean"
    return data.labels[int(np.bincount(data.train.y, minlength=data.n_classes).argmax())]


def _targets(data: Dataset) -> tuple[TargetFacts, ...]:
    if not data.targets:
        return ()
    values = data.in_units(data.train.y)
    return tuple(
        TargetFacts(
            name=target.name,
            mean=target.mean,
            deviation=target.deviation,
            lowest=float(values[:, index].min()),
            highest=float(values[:, index].max()),
        )
        for index, target in enumerate(data.targets)
    )


def _split_facts(data: Dataset, split: Split, digests: tuple[bytes, ...]) -> SplitFacts:
    scale = data.normalization
    ends = sorted(float(value) / scale.factor + scale.offset for value in (split.x.min(), split.x.max()))
    return SplitFacts(
        n=len(split),
        counts=tuple(int(count) for count in np.bincount(split.y, minlength=data.n_classes)) if data.labels else (),
        lowest=ends[0],
        highest=ends[1],
        repeated=len(digests) - len(set(digests)),
    )


def _digests(x: npt.NDArray[np.float32]) -> Iterator[bytes]:
    """A digest a sample, equal for equal inputs; minus zero is zero."""
    for start in range(0, len(x), _CHUNK):
        for sample in np.ascontiguousarray(x[start : start + _CHUNK] + np.float32(0)):
            yield hashlib.blake2b(sample.tobytes(), digest_size=16).digest()


def _contradictions(splits: Mapping[str, Split], digests: Mapping[str, tuple[bytes, ...]]) -> int:
    labelled = [
        (digest, answer.tobytes())
        for name, split in splits.items()
        for digest, answer in zip(digests[name], split.y, strict=True)
    ]
    meanings = Counter(digest for digest, _ in set(labelled))
    return sum(meanings[digest] > 1 for digest, _ in labelled)


def _constant_inputs(x: npt.NDArray[np.float32]) -> tuple[int, ...]:
    flat = x.reshape(len(x), -1)
    return tuple(int(index) for index in np.flatnonzero(flat.min(axis=0) == flat.max(axis=0)))
