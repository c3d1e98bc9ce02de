"""The run's teacher: which network it is, that it is made once, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from compressors.catalog import COMPRESSORS
from compressors.layers import Activation, Dense, Input
from compressors.topology import Layer, Topology
from search.errors import StorageError
from search.job import Job
from search.networks.kept import read_network
from search.pool import Failure
from search.problem import Problem
from search.store import RunFolder, create_run
from search.teacher import Teacher, TeacherError, ready_teacher
from search.teaching import Taught, read_teacher, train_teacher
from search.worker import TrialTask
from spaces.given import GivenNetwork
from tests.search.runs import JOB, FakePool, problem


def taught(units: int = 6) -> Taught:
    """A network on 12 features, as if a worker had trained it."""
    layers = (
        Layer(name="x", spec=Input(shape=(12,))),
        Layer(name="hidden", spec=Dense(units=units), inputs=("x",)),
        Layer(name="out", spec=Dense(units=5), inputs=("hidden",)),
        Layer(name="end", spec=Activation(function="softmax"), inputs=("out",)),
    )
    rng = np.random.default_rng(units)
    weights = {
        "hidden": (rng.normal(size=(12, units)).astype(np.float32), np.zeros(units, np.float32)),
        "out": (rng.normal(size=(units, 5)).astype(np.float32), np.zeros(5, np.float32)),
    }
    return Taught(network=GivenNetwork(topology=Topology(layers=layers), weights=weights), accuracy=0.75)


class Recorder(FakePool):
    """A pool that also keeps which function was called with what."""

    def __init__(self, answer: Callable[[int, tuple[Any, ...]], object], **options: Any) -> None:
        super().__init__(answer, **options)
        self.calls: list[tuple[Any, tuple[Any, ...]]] = []

    def submit(self, number: int, function: Any, *args: object) -> None:
        self.calls.append((function, args))
        super().submit(number, function, *args)


def given(job: Job = JOB) -> Problem:
    return replace(problem(job), compressors=COMPRESSORS)


def ready(run: RunFolder, pool: FakePool, asked: Problem | None = None) -> tuple[Any, list[str]]:
    said: list[str] = []
    clock = SimpleNamespace(left=float("inf"), elapsed=1.0)
    made = ready_teacher(asked or given(run.job()), run, pool, clock, "tflm", said.append)  # type: ignore[arg-type]
    return made, said


def test_it_is_made_once(tmp_path: Path) -> None:
    """The largest anchor is trained in a worker and kept whole; a later sitting reads it and trains nothing."""
    run = create_run(tmp_path, JOB)
    pool = Recorder(lambda *_: taught())
    teacher, said = ready(run, pool)
    ((function, (task,)),) = pool.calls
    assert function is train_teacher
    assert isinstance(task, TrialTask)
    assert (task.candidate.architecture.space, list(task.candidate.plan.as_mapping())) == ("mlp", ["quantization"])
    assert task.teacher_file is None
    assert not task.weights_file.exists()
    assert (teacher.source, teacher.parameters, teacher.accuracy) == ("mlp", 12 * 6 + 6 + 6 * 5 + 5, 0.75)
    assert teacher.digest == taught().network.digest() == read_network(run.teacher_file).digest()
    assert said == [str(teacher)]
    assert "teacher: mlp, 113 parameters, validation accuracy 75.0 %" in said[0]
    assert ready(run, FakePool(lambda *_: pytest.fail("trained again"))) == (teacher, [])


def test_the_largest_anchor_that_trains(tmp_path: Path) -> None:
    """Anchors are tried from the largest down; an event says which failed and why."""
    run = create_run(tmp_path, JOB)
    answers: list[object] = [Failure(reason="needed more than trial_memory_bytes=1"), taught()]
    pool = Recorder(lambda *_: answers.pop(0))
    teacher, _ = ready(run, pool)
    sizes = [dict(task.candidate.architecture.values) for _, (task,) in pool.calls]
    assert len(sizes) == 2
    assert sizes[0] != sizes[1]
    assert teacher is not None
    (failed,) = [event for event in run.events() if event["event"] == "teacher_failed"]
    assert failed["reason"] == "needed more than trial_memory_bytes=1"


def test_none_that_trains(tmp_path: Path) -> None:
    run = create_run(tmp_path, JOB)
    with pytest.raises(TeacherError, match=r"no teacher for distillation \(mlp: too slow\).*leave distillation out"):
        ready(run, FakePool(lambda *_: Failure(reason="too slow")))
    assert not run.teacher_record.exists()


def test_none_is_needed(tmp_path: Path) -> None:
    """Without distillation nothing is trained."""
    run = create_run(tmp_path, JOB)
    assert ready(run, FakePool(lambda *_: pytest.fail("trained")), problem()) == (None, [])


def test_its_time_counts(tmp_path: Path) -> None:
    """When the job's time is up before the teacher is trained, it is given up, and nothing of it is kept."""
    run = create_run(tmp_path, JOB)
    clock = SimpleNamespace(left=5.0, elapsed=1.0)

    def wait(seconds: float | None) -> None:
        assert seconds == 5.0
        clock.left = 0.0

    pool = FakePool(lambda *_: None, wait=wait)
    assert ready_teacher(given(), run, pool, clock, "tflm", pytest.fail) is None  # type: ignore[arg-type]
    assert pool.cancelled
    assert not run.teacher_file.exists()


def test_a_file_of_the_users(tmp_path: Path) -> None:
    """Read in a worker, and the only one that is tried."""
    job = replace(JOB, teacher="large.keras")
    run = create_run(tmp_path, job)
    pool = Recorder(lambda *_: taught(9))
    teacher, _ = ready(run, pool)
    assert pool.calls == [(read_teacher, (Path("large.keras"), run.data_file, run.path / "teacher.log"))]
    assert teacher.source == "large.keras"
    other = create_run(tmp_path / "other", job)
    with pytest.raises(TeacherError, match=r"\(large\.keras: DataError: no such file\): name another"):
        ready(other, FakePool(lambda *_: Failure(reason="DataError: no such file")))


def test_what_was_kept_is_checked(tmp_path: Path) -> None:
    """Other weights than those that the run began with would make other trials."""
    run, other = create_run(tmp_path, JOB), create_run(tmp_path / "other", JOB)
    ready(run, FakePool(lambda *_: taught()))
    ready(other, FakePool(lambda *_: taught(9)))
    run.teacher_file.write_bytes(other.teacher_file.read_bytes())
    with pytest.raises(StorageError, match="not the teacher that the run began with"):
        ready(run, FakePool(lambda *_: pytest.fail("trained")))
    run.teacher_record.write_text("{}")
    with pytest.raises(StorageError, match=r"teacher\.json is damaged"):
        ready(run, FakePool(lambda *_: pytest.fail("trained")))


def test_the_record_round_trips(tmp_path: Path) -> None:
    run = create_run(tmp_path, JOB)
    teacher = Teacher(source="cnn", parameters=7, accuracy=0.5, seconds=1.25, digest="d")
    run.write_teacher(teacher)
    assert run.teacher() == teacher
