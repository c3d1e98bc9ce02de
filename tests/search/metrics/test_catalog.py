"""The metrics of all tasks."""

from __future__ import annotations

import pytest

from search.metrics.catalog import METRICS, TASKS, find_metric, in_order, quality_metric


def test_names_are_unique_and_found() -> None:
    """A name stands for one metric whatever the task: it is a key of JSON documents."""
    every = [metric for metrics in METRICS.values() for metric in metrics]
    assert len({metric.name for metric in every}) == len(every)
    assert all(find_metric(metric.name) is metric for metric in every)
    with pytest.raises(KeyError):
        find_metric("acuracy")


def test_every_task_has_metrics_of_its_own() -> None:
    assert set(METRICS) == set(TASKS)
    for task, metrics in METRICS.items():
        assert metrics
        assert {metric.task for metric in metrics} == {task}
        assert quality_metric(task) in [metric.name for metric in metrics if metric.best == 1.0]


def test_order() -> None:
    """As the catalogue has them, the objective first, and what is unknown last."""
    assert in_order({"r2", "mae", "rmse"}) == ("rmse", "mae", "r2")
    assert in_order({"r2", "mae", "rmse"}, "r2") == ("r2", "rmse", "mae")
    assert in_order(["later", "r2"]) == ("r2", "later")
