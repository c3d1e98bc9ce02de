"""Which classes are taken for which, and how well each is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_CLASSES = 100
"""Of more classes no matrix is kept: it would be larger than the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFigures:
    """One class of a classifier's answers.

    Attributes
    ----------
    label
        The class.
    n
        Samples of it.
    precision
        Share of the answers with this class that are right; 0 where it was never answered.
    recall
        Share of its samples that are found; 0 where there are none.
    f1
        Harmonic mean of both; 0 where both are 0.
    """

    label: str
    n: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """A confusion matrix.

    Attributes
    ----------
    labels
        Classes in the order of rows and columns.
    counts
        Samples by true class (row) and answer (column).

    Raises
    ------
    ValueError
        When the counts are no square of the labels' size, or one is negative.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        size = len(self.labels)
        if [len(row) for row in self.counts] != [size] * size or any(min(row) < 0 for row in self.counts):
            raise ValueError(f"{len(self.counts)} rows of counts for {size} classes are no confusion matrix")

    def classes(self) -> tuple[ClassFigures, ...]:
        """Every class's figures, in order."""
        answered = [sum(column) for column in zip(*self.counts, strict=True)]
        return tuple(
            _figures(label, row[index], sum(row), answered[index])
            for index, (label, row) in enumerate(zip(self.labels, self.counts, strict=True))
        )

    def mistakes(self) -> tuple[tuple[str, str, int], ...]:
        """(true class, answer, samples) of every mistake that was made, the most frequent first."""
        found = [
            (self.labels[truth], self.labels[answer], count)
            for truth, row in enumerate(self.counts)
            for answer, count in enumerate(row)
            if truth != answer and count
        ]
        return tuple(sorted(found, key=lambda each: -each[2]))


def _figures(label: str, right: int, n: int, answered: int) -> ClassFigures:
    return ClassFigures(
        label=label,
        n=n,
        precision=right / answered if answered else 0.0,
        recall=right / n if n else 0.0,
        f1=2 * right / (n + answered) if n + answered else 0.0,
    )


def confusion(
    labels: tuple[str, ...], truth: npt.NDArray[np.int64], answers: npt.NDArray[np.int64]
) -> Confusion | None:
    """The matrix of class numbers (n,); None of more than `MOST_CLASSES` classes."""
    import numpy as np

    size = len(labels)
    if size > MOST_CLASSES:
        return None
    counts = np.bincount(truth * size + answers, minlength=size * size).reshape(size, size)
    return Confusion(labels=labels, counts=tuple(tuple(int(count) for count in row) for row in counts))
