"""The accuracy down to which `compress` prunes, and what stands for accuracy in each task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from compressors.accuracy_pruning import AccuracyPruning
from compressors.importance import Metric
from search.errors import JobError
from search.metrics.catalog import find_metric, quality_metric
from search.units import named, quality

if TYPE_CHECKING:
    from search.given import Reading
    from search.metrics.metric import Task

_METRIC: Metric = "taylor"  # loses least as a rule, and there is labelled data here


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The accuracy that a pruned network keeps, as its file, on the validation split.

    Where values are predicted R2 stands for it, where anomalies are found ROC AUC.

    Attributes
    ----------
    min_accuracy
        0..1; None for no such limit.
    max_loss
        What may be lost of the float network's accuracy, 0..1; None for no such limit.

    Raises
    ------
    JobError
        When a number is out of its range.
    """

    min_accuracy: float | None = None
    max_loss: float | None = None

    def __post_init__(self) -> None:
        try:
            self.settings()
        except ValueError as error:
            raise JobError(f"--{str(error).replace('_', '-', 1)}") from error

    def settings(self) -> AccuracyPruning:
        """The technique's settings."""
        return AccuracyPruning(min_accuracy=self.min_accuracy, max_loss=self.max_loss, metric=_METRIC)

    def kept_of(self, reading: Reading) -> float:
        """What is to be kept of a network's accuracy, above 0.

        Raises
        ------
        JobError
            When all of it may be lost, or there is none.
        """
        floor = self.settings().floor(reading.quality.value)
        if floor <= 0:
            metric, kept = find_metric(reading.metric), reading.quality.value > 0
            remedy = "let less be lost" if kept else "train it further, or give it the inputs that it was trained on"
            raise JobError(
                f"the network has {named(metric, reading.quality)}, and --max-loss {self.max_loss:g} leaves "
                f"{quality(metric, floor)} of it to be kept, must be above 0: {remedy}"
            )
        return floor


def judged_by(task: Task, said: str) -> str:
    """What a technique said, and what it calls accuracy where it does and that is something else."""
    metric = quality_metric(task)
    if metric == "accuracy" or "accuracy" not in said:
        return said
    return f"{said} (accuracy is {find_metric(metric).title} here)"
