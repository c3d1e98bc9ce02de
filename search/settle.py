"""What a job leaves open and its data decide: the task, the metric that is the objective, what is traded off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from devices.suggestion import suggestion
from search.errors import JobError
from search.front import COSTS, named_objectives, quality_of
from search.metrics.catalog import METRICS, find_metric

if TYPE_CHECKING:
    from search.datasets.dataset import Dataset
    from search.job import Job
    from search.metrics.metric import Task

_FEW_SAMPLES = 100


def check_names(job: Job) -> None:
    """Refuse unknown metrics and objectives, before any data is read.

    Raises
    ------
    JobError
        Naming the nearest that is known.
    """
    names = [metric.name for metrics in METRICS.values() for metric in metrics]
    if job.metric and job.metric not in names:
        raise JobError(f"unknown metric {job.metric!r}: {suggestion(job.metric, names)}")
    if job.objectives:
        quality = quality_of(job.objectives)
        if job.metric and quality and job.metric not in job.objectives:
            raise JobError(
                f"metric is {job.metric!r} and the objectives name {quality!r}: name one of them, or both as objectives"
            )


def settled(job: Job, data: Dataset) -> Job:
    """The same job with name, task, metric and objectives filled in.

    The name is that of the job that says the task, so that the same search has
    one name whether its task was said or found out, and others have others.

    Raises
    ------
    JobError
        When the metric, an objective or class weights are of another task than the data.
    """
    own = [metric.name for metric in METRICS[data.task]]
    objectives = named_objectives(job.objectives) if job.objectives else ()
    for name in (job.metric, *(each.name for each in objectives if each.side == "quality")):
        if name and name not in own:
            raise JobError(
                f"{name} is a metric of {find_metric(name).task}, the task of data {data.name!r} is {data.task}: "
                f"choose among {', '.join(own)}, or set the task"
            )
    if job.class_weights != "none" and data.task != "classification":
        raise JobError(
            f"class_weights are {job.class_weights!r}, and the task of data {data.name!r} is {data.task}: "
            "leave them out"
        )
    metric = job.metric or (quality_of(job.objectives) if job.objectives else "") or own[0]
    name = replace(job, task=data.task).run_name
    return replace(job, name=name, task=data.task, metric=metric, objectives=job.objectives or (metric, *COSTS))


def told(job: Job, given: Job) -> str:
    """What was settled, as a sentence; `given` is the job before it was."""
    why = "" if given.task or given.normal else "; the type of the labels says so, --task overrides it"
    return f"task: {job.task}, judged by {job.metric}{why}"


def few_samples(task: Task, n: int, metric: str) -> str:
    """What it means that `n` samples validate, and what to do, as a sentence; empty where they are 100 or more.

    `metric` is the name of the one that is the objective; empty for the task's first.
    """
    if n >= _FEW_SAMPLES:
        return ""
    samples = f"{n} sample{'' if n == 1 else 's'}"
    if task != "classification":
        return f"validation has {samples}: candidates can hardly be told apart; give more of them"
    if metric == "log_loss":
        return f"validation has {samples}: candidates are chosen by little; give a larger data_options.validation_share"
    return (
        f"validation has {samples}: accuracy moves in steps of {100 / n:.3g} %, many candidates will tie; "
        "a larger data_options.validation_share, or --metric log_loss, tells them apart"
    )
