"""The coordinator: what it rejects, trains, records and tells, and how it goes on after a stop or a kill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from optuna.study import Study
from optuna.trial import TrialState

from compressors.catalog import COMPRESSORS
from compressors.distillation import Distillation
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from search import clock as clock_module
from search import loop
from search import study as study_module
from search.clock import Clock
from search.errors import StorageError
from search.files import write_whole
from search.job import BEST, Job
from search.loop import Search
from search.pool import Failure
from search.problem import Problem
from search.record import TrialRecord
from search.screen import CandidateError, Screened
from search.store import RunFolder, create_run
from search.study import ask, open_study
from search.worker import Outcome, TrialTask
from spaces.candidate import Architecture, Candidate, TrainingRecipe
from tests.devices.models import dense_softmax
from tests.search.records import footprint
from tests.search.runs import JOB, FakePool, problem, real_record

Fate = Callable[[int], object]


@dataclass
class Time:
    """A clock that goes on only when the test says so."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    def perf_counter(self) -> float:
        return self.now


@dataclass
class Bench:
    """One run folder, and sittings of its search with candidates and results of the test's choosing.

    `width` is what a trial draws; `over`, `broken` and `same` say which trials are over budget, cannot be built
    or repeat an earlier candidate.
    """

    folder: Path
    job: Job = JOB
    time: Time = field(default_factory=Time)
    over: frozenset[int] = frozenset()
    broken: frozenset[int] = frozenset()
    same: frozenset[int] = frozenset()
    told: list[TrialRecord] = field(default_factory=list)
    reason: str = ""

    @cached_property
    def study(self) -> Study:
        """The study of the last sitting; `sit` opens it anew."""
        return open_study(self.run, self.job, COMPRESSORS, ())

    @property
    def run(self) -> RunFolder:
        return create_run(self.folder, self.job)

    def draw(self, trial: Any, _problem: object) -> Screened:
        width = trial.suggest_int("mlp/width#", 0, 1 << 30)
        if trial.number in self.broken:
            raise CandidateError("no such network")
        cost = footprint(model_bytes=900_000 if trial.number in self.over else 5_000)
        candidate = Candidate(
            architecture=Architecture.of("mlp", {"width": width}),
            plan=CompressionPlan.of(Quantization()),
            recipe=TrainingRecipe(epochs=1, batch_size=8, learning_rate=0.01),
        )
        return Screened(
            key="twin" if trial.number in self.same else f"key{width}",
            candidate=candidate,
            footprint=cost,
            excess=dict(cost.excess_over(problem(self.job).budget)),
            draw_seconds=0.0,
            screen_seconds=0.25,
        )

    def sit(
        self, fate: Fate, *, workers: int = 1, limit: float | None = None, tasks: list[TrialTask] | None = None
    ) -> tuple[Search, FakePool]:
        """One sitting of the search, from opening the folder to its end; a `fate` of None runs on and on."""

        def wait(seconds: float | None) -> None:
            assert seconds is not None, "nothing will ever end, and there is no deadline"
            self.time.now += seconds + 0.001

        def answer(number: int, arguments: tuple[Any, ...]) -> object:
            (task,) = arguments
            assert isinstance(task, TrialTask)
            if tasks is not None:
                tasks.append(task)
            return fate(number)

        pool = FakePool(answer, workers, wait)
        self.__dict__.pop("study", None)
        search = Search(
            problem=problem(self.job),
            run=self.run,
            study=self.study,
            pool=pool,  # type: ignore[arg-type]  # does what a pool does, without processes
            clock=Clock(began=self.time.now, before=self.run.elapsed_seconds(), limit=limit),
            interpreter="tflm",
            report=self.told.append,
        )
        self.reason = search.go()
        return search, pool

    def states(self) -> list[TrialState]:
        return [trial.state for trial in self.study.trials]


def success(number: int, seconds: float = 3.0) -> Outcome:
    """A trained trial whose model tells its number apart."""
    content = dense_softmax() + bytes(4 * number)
    record = real_record(number, content)
    assert record.score is not None
    return Outcome(
        content=content, score=record.score, seconds=replace(record.seconds, train=seconds), weights=b"w%d" % number
    )


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(folder=tmp_path)
    monkeypatch.setattr(loop, "draw", made.draw)
    monkeypatch.setattr(clock_module, "time", SimpleNamespace(monotonic=made.time.monotonic))
    return made


def test_it_stops_after_the_trials_asked_for(bench: Bench) -> None:
    """Three trained, with two workers never more; each is in the folder, in the study and reported once."""
    search, pool = bench.sit(success, workers=2)
    assert pool.submitted == [0, 1, 2]
    assert [record.trial for record in bench.run.records()] == [0, 1, 2]
    assert bench.states() == [TrialState.COMPLETE] * 3
    assert bench.told == search.records == list(bench.run.records())
    assert [event["trial"] for event in bench.run.events() if event["event"] == "told"] == [0, 1, 2]
    assert bench.reason == "3 trials trained"


def test_over_budget_is_never_trained(bench: Bench) -> None:
    """A candidate over budget is recorded with by how much, told as pruned, and does not use up a trial."""
    bench.over = frozenset({0, 2})
    _, pool = bench.sit(success)
    assert pool.submitted == [1, 3, 4]
    record = bench.run.record(0)
    assert record is not None
    assert (record.state, record.score) == ("rejected", None)
    excess = footprint(model_bytes=900_000).flash_bytes - 256 * 1024
    assert record.reason == f"over budget untrained: flash_bytes by {excess}"
    assert record.predicted == footprint(model_bytes=900_000)
    assert not bench.run.artifact_file(0).exists()
    assert bench.states() == [TrialState.PRUNED, TrialState.COMPLETE] * 2 + [TrialState.COMPLETE]


def test_a_duplicate_is_never_trained(bench: Bench) -> None:
    """The second of two equal candidates is rejected while the first still runs, and in a later sitting too."""
    bench.job = replace(JOB, trials=2)
    bench.same = frozenset({0, 1, 3})
    bench.sit(success, workers=2)
    record = bench.run.record(1)
    assert record is not None
    assert (record.state, record.reason) == ("rejected", "same candidate as trial 0")
    bench.job = replace(JOB, trials=3)
    _, pool = bench.sit(success)
    again = bench.run.record(3)
    assert again is not None
    assert again.reason == "same candidate as trial 0"
    assert pool.submitted == [4]


def test_an_over_budget_candidate_is_no_twin(bench: Bench) -> None:
    """What was never trained does not stand in the way of an equal candidate."""
    bench.over, bench.same = frozenset({0}), frozenset({0, 1})
    _, pool = bench.sit(success)
    assert pool.submitted == [1, 2, 3]


def test_what_cannot_be_built_is_explained(bench: Bench) -> None:
    """A CandidateError is a rejection with its words, with what was drawn, and without a predicted cost."""
    bench.broken = frozenset({0})
    _, pool = bench.sit(success)
    record = bench.run.record(0)
    assert record is not None
    assert (record.state, record.reason) == ("rejected", "cannot be built: no such network")
    assert (record.predicted, record.space) == (None, "mlp")
    assert set(record.drawn) == {"mlp/width#"}
    assert pool.submitted == [1, 2, 3]
    assert bench.states()[0] is TrialState.PRUNED


def test_a_failure_is_recorded_and_the_search_goes_on(bench: Bench) -> None:
    """A failed trial has the pool's reason, no model, counts as one of the trials, and is told as failed."""
    bench.sit(lambda number: Failure(reason="ValueError: loss is NaN") if number == 1 else success(number))
    record = bench.run.record(1)
    assert record is not None
    assert (record.state, record.reason, record.score) == ("failed", "ValueError: loss is NaN", None)
    assert not bench.run.artifact_file(1).exists()
    assert bench.states() == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE]


def test_files_come_before_the_study(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained weights, model, record, study, report: what a later step promises, an earlier one has written."""
    order: list[str] = []

    def write(path: Path, content: bytes) -> None:
        order.append("cache" if path.parent.name == "cache" else path.name)
        write_whole(path, content)

    def tell(*arguments: Any) -> None:
        order.append("tell")
        study_module.tell(*arguments)

    monkeypatch.setattr("search.loop.write_whole", write)
    monkeypatch.setattr("search.store.write_whole", write)
    monkeypatch.setattr(loop, "tell", tell)
    bench.job = replace(JOB, trials=1)
    bench.told = _Reporting(order)
    bench.sit(success)
    assert [each for each in order if each != "job.yaml"] == ["cache", "model.tflite", "record.json", "tell", "report"]
    (weights,) = (bench.run.path / "cache").iterdir()
    assert weights.read_bytes() == b"w0"
    assert bench.run.artifact_file(0).read_bytes() == success(0).content


class _Reporting(list[TrialRecord]):
    """Notes when a record is reported."""

    def __init__(self, order: list[str]) -> None:
        super().__init__()
        self._order = order

    def append(self, record: TrialRecord) -> None:
        self._order.append("report")
        super().append(record)


def test_weights_that_were_read_are_not_written(bench: Bench) -> None:
    """An outcome without weights leaves the cache as it is."""
    bench.job = replace(JOB, trials=1)
    bench.sit(lambda number: replace(success(number), weights=None))
    assert not (bench.run.path / "cache").exists()
    assert len(bench.run.records()) == 1


def test_measured_excess_and_seconds_replace_the_predicted(bench: Bench) -> None:
    """A trained trial's excess is that of its file, and its seconds are the worker's with those of drawing."""
    bench.job = replace(JOB, trials=1)
    search, _ = bench.sit(success)
    (record,) = search.records
    cost = success(0).score.footprint
    assert record.predicted == footprint(model_bytes=5_000)
    assert record.excess == dict(cost.excess_over(problem().budget))
    assert (record.seconds.screen, record.seconds.train) == (0.25, 3.0)


def test_a_deadline_is_kept_and_what_ran_is_taken_up_again(bench: Bench) -> None:
    """At the deadline a trial that runs is dropped without a record and stays RUNNING; the same folder trains it."""
    search, pool = bench.sit(lambda number: success(number) if number == 0 else None, limit=600.0)
    assert pool.cancelled
    assert 0 < search.clock.left < 10
    assert bench.states() == [TrialState.COMPLETE, TrialState.RUNNING]
    assert [record.trial for record in bench.run.records()] == [0]
    assert [event["trial"] for event in bench.run.events() if event["event"] == "abandoned"] == [1]
    width = search.study.trials[1].params

    search, pool = bench.sit(success)
    assert pool.submitted == [1, 2]
    record = bench.run.record(1)
    assert record is not None
    assert record.drawn == width
    assert bench.states() == [TrialState.COMPLETE] * 3


def test_nothing_is_begun_that_cannot_end(bench: Bench) -> None:
    """With less time left than a trial usually takes, none is started."""
    bench.job = replace(JOB, trials=10)

    def slow(number: int) -> Outcome:
        bench.time.now += 40.0
        return success(number, seconds=40.0)

    _, pool = bench.sit(slow, limit=100.0)
    assert pool.submitted == [0, 1]
    assert bench.states() == [TrialState.COMPLETE] * 2
    assert bench.time.now == 1080.0
    assert bench.reason == "no time for another trial"


def test_no_time_at_all(bench: Bench) -> None:
    """A run whose minutes are used up neither asks nor trains."""
    _, pool = bench.sit(success, limit=1.0)
    assert (pool.submitted, bench.states()) == ([], [])


def test_it_stops_where_nothing_feasible_is_left(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many rejections in a row end the search, over all sittings; one that is trained begins the count anew."""
    monkeypatch.setattr(loop, "_MOST_REJECTED_IN_A_ROW", 5)
    bench.over = frozenset(range(3)) | frozenset(range(4, 100))
    _, pool = bench.sit(success)
    assert pool.submitted == [3]
    assert bench.states() == [TrialState.PRUNED] * 3 + [TrialState.COMPLETE] + [TrialState.PRUNED] * 5
    assert bench.reason == "no new candidate that fits in 5 draws"
    bench.sit(success)
    assert len(bench.states()) == 9


def test_a_recorded_trial_that_was_not_told_is_told_and_not_run(bench: Bench) -> None:
    """Killed between the record and the study: the record is what counts, also towards the trials."""
    trial = ask(bench.study)
    trial.suggest_int("mlp/width#", 0, 1 << 30)
    content = success(0).content
    bench.run.write_trial(replace(real_record(0, content), drawn=trial.params), content)
    before = bench.run.record(0)
    assert bench.states() == [TrialState.RUNNING]
    _, pool = bench.sit(success)
    assert pool.submitted == [1, 2]
    assert bench.states() == [TrialState.COMPLETE] * 3
    assert bench.run.record(0) == before
    assert [record.trial for record in bench.told] == [1, 2]


@pytest.mark.parametrize("lost", ["trials/0000/record.json", "study.db"])
def test_a_run_of_which_a_part_was_lost_is_refused(bench: Bench, lost: str) -> None:
    """Study and records that do not belong together are not searched on: which trial is odd is said."""
    bench.job = replace(JOB, trials=1)
    bench.sit(success)
    del bench.study
    for file in bench.run.path.glob(f"{lost}*"):
        file.unlink()
    with pytest.raises(StorageError, match="disagree about trial 0"):
        bench.sit(success)


def test_a_finished_search_does_nothing(bench: Bench) -> None:
    """All trials told: a second sitting neither asks nor reports."""
    bench.sit(success)
    reported = len(bench.told)
    _, pool = bench.sit(success)
    assert pool.submitted == []
    assert len(bench.told) == reported
    assert len(bench.states()) == 3


def test_trials_learn_from_the_best_so_far(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``teacher: best``: none for the first, then the trained weights of the best, after a stop too."""
    bench.job = replace(JOB, teacher=BEST, trials=2)
    base = problem(bench.job)
    monkeypatch.setattr("tests.search.test_loop.problem", lambda job: replace(base, job=job, compressors=COMPRESSORS))
    plain = bench.draw
    taught: list[str] = []

    def draw(trial: Any, drawn_for: Problem) -> Screened:
        screened = plain(trial, drawn_for)
        taught.append(drawn_for.teacher)
        plan = CompressionPlan.of(*((Distillation(),) if trial.number in (0, 2) else ()), Quantization())
        return replace(screened, candidate=replace(screened.candidate, plan=plan))

    monkeypatch.setattr(loop, "draw", draw)
    _, first = bench.sit(success)
    record = bench.run.record(0)
    assert record is not None
    assert record.reason == "no network of this run to learn from yet"
    assert first.submitted == [1, 2]
    assert taught[:2] == ["", ""]
    assert taught[2]
    bench.job = replace(bench.job, trials=3)
    tasks: list[TrialTask] = []
    bench.sit(success, tasks=tasks)
    (task,) = tasks
    assert task.teacher_file is not None
    assert task.teacher_file.read_bytes() == b"w1"
    assert task.teacher is not None
    assert dict(task.teacher.values)["width"] == bench.study.trials[1].params["mlp/width#"]


def test_what_techniques_said_is_recorded(bench: Bench) -> None:
    bench.job = replace(JOB, trials=1)
    bench.sit(lambda number: replace(success(number), notes=("clustering leaves as they are: out: too small",)))
    record = bench.run.record(0)
    assert record is not None
    assert record.notes == ("clustering leaves as they are: out: too small",)
