"""What a metric is: a name, what is better, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Task = Literal["classification", "regression", "anomaly_detection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure of merit of a task.

    Attributes
    ----------
    name
        Its name in jobs, tables and JSON.
    task
        The task it belongs to; names are unique over all tasks.
    direction
        ``max`` or ``min``: which values are better.
    best
        The best value there can be.
    reference
        Where the hypervolume is measured from; None takes the value of the
        trivial answer on the validation split, the *baseline*.
    title
        Its name for people.
    percent
        True for a share that people read in percent.
    meaning
        What it is, for people.
    """

    name: str
    task: Task
    direction: Literal["max", "min"]
    best: float
    title: str
    reference: float | None = None
    percent: bool = False
    meaning: str
