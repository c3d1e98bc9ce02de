"""Real run folders, a real model and a pool without processes: what tests of a run stand on, without a framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from compressors.catalog import COMPRESSORS
from devices.artifact import Normalization
from devices.boards import load_device
from devices.flatbuffer import read_artifact
from devices.measure import measure
from search.boards import budget_of
from search.choices import Choices
from search.datasets.dataset import Dataset, Split
from search.datasets.load import save
from search.evaluate import available_interpreter
from search.job import Job
from search.problem import Problem
from search.record import TrialRecord
from search.store import RunFolder, create_run
from spaces.catalog import find_space
from tests.devices.models import dense_softmax
from tests.search.records import make_record

JOB = Job(data="digits", device="nucleo-l432kc", trials=3, name="first", seed=5, workers=2)


def dataset(name: str = "shapes") -> Dataset:
    """Features (n, 12) of five classes, as `dense_softmax` takes them; 40, 20 and 10 samples."""
    rng = np.random.default_rng(0)

    def split(n: int) -> Split:
        return Split(x=rng.normal(size=(n, 12)).astype(np.float32), y=np.arange(n, dtype=np.int64) % 5)

    return Dataset(
        name=name,
        train=split(40),
        validation=split(20),
        test=split(10),
        labels=("a", "b", "c", "d", "e"),
        normalization=Normalization(offset=0.0, factor=1.0),
    )


def problem(job: Job = JOB) -> Problem:
    """The job on the small data, on its board, in one space."""
    device = load_device(job.device)
    return Problem(
        job=job,
        data=dataset(),
        device=device,
        budget=budget_of(job, device),
        spaces=(find_space("mlp"),),
        compressors=tuple(each for each in COMPRESSORS if each.name != "distillation"),
    )


def real_record(trial: int, content: bytes, job: Job = JOB, correct: int = 300) -> TrialRecord:
    """A complete trial with what that file costs on the job's board."""
    artifact = read_artifact(content)
    board = load_device(job.device)
    cost, _ = measure(content, board)
    record = make_record(trial, correct=correct, sha256=artifact.sha256)
    assert record.score is not None
    score = replace(record.score, footprint=cost)
    return replace(record, score=score, excess=dict(cost.excess_over(budget_of(job, board))))


def real_run(folder: Path, job: Job = JOB) -> RunFolder:
    """A run of two trials: 0 is the small real model, 1 was rejected; with its data."""
    run = create_run(folder, job)
    run.keep_choices(Choices.of(problem(job), available_interpreter()))
    content = dense_softmax()
    run.write_trial(real_record(0, content, job), content)
    run.write_trial(make_record(1, correct=None, model_bytes=900_000, reason="over budget untrained"), None)
    save(dataset(), run.data_file)
    return run


def board_file(
    folder: Path, *, flash_bytes: int = 1 << 20, ram_bytes: int = 1 << 18, clock_hz: int = 40_000_000
) -> str:
    """A board of a user's own, named 'own-board'."""
    file = folder / "own.toml"
    numbers = {"clock_hz": clock_hz, "flash_bytes": flash_bytes, "ram_bytes": ram_bytes}
    lines = ['name = "own-board"', 'description = "made up"', 'core = "cortex-m4"', 'kernels = "cmsis-nn"']
    lines += [f"{key} = {value}" for key, value in numbers.items()]
    file.write_text("\n".join([*lines, "[sources]", *(f'{key} = "made up"' for key in numbers)]))
    return str(file)


class FakePool:
    """A pool without processes: `answer` gives a task's result when results are asked for, None while it runs on.

    `wait` is called with the seconds to wait where no task has ended.
    """

    def __init__(
        self,
        answer: Callable[[int, tuple[Any, ...]], object],
        workers: int = 1,
        wait: Callable[[float | None], None] | None = None,
    ) -> None:
        self.workers = workers
        self.submitted: list[int] = []
        self.cancelled = self.warmed = False
        self._answer, self._wait = answer, wait
        self._tasks: dict[int, tuple[Any, ...]] = {}

    @property
    def running(self) -> tuple[int, ...]:
        return tuple(sorted(self._tasks))

    @property
    def free(self) -> int:
        return self.workers - len(self._tasks)

    def warm(self) -> None:
        self.warmed = True

    def submit(self, number: int, _function: Any, *args: object) -> None:
        assert self.free > 0, "more tasks than workers"
        assert number not in self._tasks
        self.submitted.append(number)
        self._tasks[number] = args

    def next_results(self, timeout: float | None) -> Mapping[int, Any]:
        answers = {number: self._answer(number, args) for number, args in self._tasks.items()}
        results = {number: answer for number, answer in answers.items() if answer is not None}
        for number in results:
            del self._tasks[number]
        if not results:
            assert self._wait is not None, "nothing ended, and the test has no clock"
            self._wait(timeout)
        return results

    def cancel(self) -> None:
        self.cancelled = True
        self._tasks.clear()
