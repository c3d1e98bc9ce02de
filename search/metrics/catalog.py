"""Every metric by name, and the metrics of each task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from search.metrics.classification import CLASSIFICATION
from search.metrics.metric import Metric, Task

METRICS: Mapping[Task, tuple[Metric, ...]] = {"classification": CLASSIFICATION}
"""The metrics of each task; the first is the objective of a job that names none."""

TASKS: tuple[Task, ...] = get_args(Task)


def find_metric(name: str) -> Metric:
    """The metric of that name; KeyError when there is none."""
    return {metric.name: metric for metrics in METRICS.values() for metric in metrics}[name]
