"""Every metric by name, and the metrics of each task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

from search.metrics.anomaly import ANOMALY_DETECTION
from search.metrics.classification import CLASSIFICATION
from search.metrics.metric import Metric, Task
from search.metrics.regression import REGRESSION

METRICS: Mapping[Task, tuple[Metric, ...]] = {
    "classification": CLASSIFICATION,
    "regression": REGRESSION,
    "anomaly_detection": ANOMALY_DETECTION,
}
"""The metrics of each task; the first is the objective of a job that names none."""

TASKS: tuple[Task, ...] = get_args(Task)


def quality_metric(task: Task) -> str:
    """Name of the metric by which techniques judge networks on their way: at most 1, more is better, without a unit."""
    return {"classification": "accuracy", "regression": "r2", "anomaly_detection": "roc_auc"}[task]


def in_order(names: Iterable[str], first: str = "") -> tuple[str, ...]:
    """The names in the order of `METRICS`, `first` before the others where it is among them; those unknown last."""
    order = [first, *(metric.name for metrics in METRICS.values() for metric in metrics)]
    return tuple(sorted(names, key=lambda name: order.index(name) if name in order else len(order)))


def find_metric(name: str) -> Metric:
    """The metric of that name; KeyError when there is none."""
    return {metric.name: metric for metrics in METRICS.values() for metric in metrics}[name]
