"""What the data decides where a job leaves it open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from search.datasets.load import load
from search.errors import JobError
from search.job import Job
from search.metrics.catalog import TASKS
from search.settle import check_names, few_samples, settled, told

COSTS = ("flash_bytes", "ram_bytes", "latency_ms")
JOB = Job(data="diabetes", device="nucleo-l432kc", trials=1)


@pytest.mark.parametrize(
    ("changes", "metric", "objectives"),
    [
        ({}, "rmse", ("rmse", *COSTS)),
        ({"metric": "r2"}, "r2", ("r2", *COSTS)),
        ({"objectives": ("mae", "flash_bytes")}, "mae", ("mae", "flash_bytes")),
        ({"objectives": ("flash_bytes", "ram_bytes")}, "rmse", ("flash_bytes", "ram_bytes")),
        ({"metric": "mae", "objectives": ("flash_bytes",)}, "mae", ("flash_bytes",)),
    ],
)
def test_the_metric_is_the_jobs_or_the_tasks(changes: dict[str, Any], metric: str, objectives: tuple[str, ...]) -> None:
    job = replace(JOB, **changes)
    found = settled(job, load("diabetes"))
    assert (found.task, found.metric, found.objectives) == ("regression", metric, objectives)
    assert found.run_name == replace(job, task="regression").run_name
    assert found.run_name != replace(job, task="classification").run_name


def test_classes_are_judged_by_accuracy() -> None:
    found = settled(replace(JOB, data="digits"), load("digits"))
    assert (found.task, found.metric, found.objectives) == ("classification", "accuracy", ("accuracy", *COSTS))


@pytest.mark.parametrize("changes", [{"metric": "accuracy"}, {"objectives": ("accuracy", "flash_bytes")}])
def test_a_metric_of_another_task(changes: dict[str, Any]) -> None:
    with pytest.raises(JobError, match="accuracy is a metric of classification, the task of data 'diabetes' is regr"):
        settled(replace(JOB, **changes), load("diabetes"))


def test_values_have_no_class_weights() -> None:
    with pytest.raises(JobError, match="class_weights are 'balanced', and the task of data 'diabetes' is regression"):
        settled(replace(JOB, class_weights="balanced"), load("diabetes"))


def test_names_are_checked_before_data_is_read() -> None:
    with pytest.raises(JobError, match="unknown metric 'rsme': did you mean 'rmse'"):
        check_names(replace(JOB, metric="rsme"))
    with pytest.raises(JobError, match="did you mean 'accuracy'"):
        check_names(replace(JOB, objectives=("acuracy",)))
    with pytest.raises(JobError, match="metric is 'mae' and the objectives name 'rmse': name one of them"):
        check_names(replace(JOB, metric="mae", objectives=("rmse", "flash_bytes")))


def test_a_run_goes_on_by_the_job_that_left_it_open() -> None:
    """The run's own job has everything filled in; what the command names must still be the same."""
    own = settled(JOB, load("diabetes"))
    assert own.first_difference(JOB) is None
    assert own.first_difference(replace(JOB, task="regression", metric="rmse")) is None
    assert own.first_difference(replace(JOB, metric="mae")) == "metric"
    assert own.first_difference(replace(JOB, task="classification")) == "task"


def test_what_was_settled_is_told() -> None:
    own = settled(JOB, load("diabetes"))
    assert told(own, JOB).startswith("task: regression, judged by rmse; the type of the labels says so")
    assert told(own, replace(JOB, task="regression")) == "task: regression, judged by rmse"


def test_the_name_of_a_run_is_what_it_was() -> None:
    """Jobs of before named the task and all objectives: the same command goes on with their runs."""
    before = replace(JOB, data="digits", task="classification", objectives=("accuracy", *COSTS))
    assert replace(JOB, data="digits").run_name == before.run_name
    assert settled(replace(JOB, data="digits"), load("digits")).run_name == before.run_name


def test_few_validation_samples_are_said() -> None:
    """With what it means for the task and what to do; who has a hundred hears nothing."""
    assert few_samples("classification", 10, "accuracy") == (
        "validation has 10 samples: accuracy moves in steps of 10 %, many candidates will tie; "
        "a larger data_options.validation_share, or --metric log_loss, tells them apart"
    )
    assert "1 sample: accuracy moves in steps of 100 %" in few_samples("classification", 1, "")
    assert "--metric" not in few_samples("classification", 99, "log_loss")
    for task in TASKS[1:]:
        assert "accuracy" not in few_samples(task, 99, "")
    for task in TASKS:
        assert few_samples(task, 99, "").startswith("validation has 99 samples: ")
        assert few_samples(task, 100, "") == ""
