"""A run from job to front: when nothing is left to do, how the test split is opened, what is said when nothing fits."""

from __future__ import annotations

import errno
import os
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from compressors.catalog import COMPRESSORS
from search import run as running
from search.datasets.load import read, save
from search.errors import JobError, StorageError
from search.job import Job, Limits
from search.metrics.confusion import Confusion
from search.metrics.measure import HeldOut
from search.metrics.measurement import Measurement
from search.pool import Failure
from search.settle import few_samples
from search.store import FrontFile, RunFolder, create_run
from search.study import ask, open_study, tell
from tests.devices.models import dense_softmax
from tests.search.records import make_record
from tests.search.runs import JOB, FakePool, dataset, problem, real_record, real_run

MATRIX = Confusion(labels=("a", "b"), counts=((4, 1), (1, 4)))
EIGHT = HeldOut(metrics={"accuracy": Measurement.share(8, 10)}, confusion=MATRIX)


def finished(folder: Path, job: Job = JOB) -> RunFolder:
    """A run that was searched to its end."""
    run = real_run(folder, job)
    run.log("started", elapsed=0.1)
    run.write_front(FrontFile(trials=(0,), test={"0": {"accuracy": Measurement.share(7, 10)}}, data_digest="d"))
    run.log("finished", elapsed=9.0, trials=job.trials, minutes=job.minutes)
    return run


def test_a_finished_job_is_done(tmp_path: Path) -> None:
    """The very same job is done; the number of workers, which changes no result, does not matter."""
    run = finished(tmp_path)
    assert running.is_done(run, JOB)
    assert running.is_done(run, replace(JOB, workers=7))


@pytest.mark.parametrize(
    "change",
    [{"trials": 4}, {"trials": 2}, {"minutes": 1.0}, {"seed": 6}, {"budget": Limits(ram_bytes=1)}, {"epochs": 2}],
)
def test_another_job_is_not_done(tmp_path: Path, change: dict[str, Any]) -> None:
    """A longer, a shorter and another search all have something left to do (or to refuse)."""
    assert not running.is_done(finished(tmp_path), replace(JOB, **change))


def test_an_unfinished_run_is_not_done(tmp_path: Path) -> None:
    """No folder, no front, or a sitting that was started and did not end: search."""
    assert not running.is_done(RunFolder(tmp_path / "absent"), JOB)
    run = finished(tmp_path)
    run.log("started", elapsed=9.1)
    run.log("told", trial=1)
    assert not running.is_done(run, JOB)
    run.log("finished", elapsed=9.9, trials=JOB.trials, minutes=JOB.minutes)
    assert running.is_done(run, JOB)
    (run.path / "front.json").unlink()
    assert not running.is_done(run, JOB)


def test_how_the_data_were_split_and_that_few_validate_is_said_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is trained: the small data has too few samples to tell networks apart by their accuracy."""
    said, given = list[str](), replace(problem(JOB), data_notes=("split by class",))
    for name, answer in (("resolve", given), ("first_candidates", ()), ("pool_for", nullcontext()), ("_search", None)):
        monkeypatch.setattr(running, name, lambda *_, answer=answer: answer)
    progress = SimpleNamespace(begin=lambda _: None, say=said.append)
    running.search(JOB, tmp_path, progress, 0.0)  # type: ignore[arg-type]  # only begins and says
    n = len(dataset().validation)
    assert said[1:] == ["data: split by class", f"data: {few_samples('classification', n, JOB.metric)}"]
    assert f"validation has {n} samples: accuracy moves in steps of " in said[-1]


def test_a_longer_job_that_was_refused_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process holds the run, a longer search is refused and leaves no trace: it is still to be done."""
    run, longer = finished(tmp_path), replace(JOB, trials=9)
    monkeypatch.setattr(running, "resolve", lambda job, _given: problem(job))
    monkeypatch.setattr(running, "first_candidates", lambda _problem: ())
    with run.locked(), pytest.raises(StorageError, match="searched by another process"):
        running.search(longer, tmp_path, SimpleNamespace(begin=pytest.fail), 0.0)  # type: ignore[arg-type]
    assert run.job() == JOB
    assert running.is_done(run, JOB)
    assert not running.is_done(run, longer)


def test_a_longer_job_that_was_killed_before_it_began_is_not_done(tmp_path: Path) -> None:
    """Finding the folder again does not make it look as if the longer job had been searched."""
    finished(tmp_path)
    longer = replace(JOB, trials=9)
    assert not running.is_done(create_run(tmp_path, longer), longer)


def test_a_finished_run_is_answered_from_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the data nor a worker is touched; progress is told which run it is."""
    run, begun = finished(tmp_path), list[RunFolder]()
    for name in ("resolve", "create_run", "pool_for"):
        monkeypatch.setattr(running, name, lambda *_: pytest.fail("there is nothing left to do"))
    progress = SimpleNamespace(begin=begun.append)
    assert running.search(JOB, tmp_path, progress, 0.0) == run  # type: ignore[arg-type]  # only begins
    assert begun == [run]


def test_a_job_that_leaves_the_task_open_finds_the_run_that_its_data_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a look at the data where there is one run; of two tasks' runs the data tell which."""
    values, left_open = replace(JOB, task="regression"), replace(JOB, task=None, name="")
    first, begun = finished(tmp_path, replace(values, name=replace(values, name="").run_name)), list[RunFolder]()
    progress = SimpleNamespace(begin=begun.append)
    assert running.search(left_open, tmp_path, progress, 0.0) == first  # type: ignore[arg-type]  # only begins
    classes = replace(JOB, task="classification", name="")
    second = finished(tmp_path, replace(classes, name=classes.run_name))
    for run in (first, second):
        given = replace(problem(JOB), job=run.job())
        monkeypatch.setattr(running, "resolve", lambda *_, given=given: given)
        assert running.search(left_open, tmp_path, progress, 0.0) == run  # type: ignore[arg-type]  # only begins
    assert begun == [first, first, second]


def open_test_split(run: RunFolder, fate: object = EIGHT, left: float = 99.0) -> FakePool:
    """Open the test split with a pool that gives every task the same result, `left` seconds before the deadline."""
    clock = SimpleNamespace(left=left)

    def wait(seconds: float | None) -> None:
        assert seconds is not None, "nothing will ever end"
        clock.left -= seconds + 0.001

    pool = FakePool(lambda _number, _arguments: fate, wait=wait)
    running.test_front(problem(run.job()), run, pool, "tflm", clock)  # type: ignore[arg-type]  # all that is used
    return pool


def untested(run: RunFolder) -> list[tuple[object, object]]:
    """Trials of the front without a test score, with the reason."""
    return [(event["trial"], event["reason"]) for event in run.events() if event["event"] == "untested"]


def test_the_front_is_tested(tmp_path: Path) -> None:
    """Only the front's points are given to the workers, with the file that was recorded; front.json has the scores."""
    run = real_run(tmp_path)
    dominated = dense_softmax() + bytes(400)
    run.write_trial(real_record(2, dominated, correct=200), dominated)
    given: list[tuple[Any, ...]] = []

    def answer(_number: int, arguments: tuple[Any, ...]) -> HeldOut:
        given.append(arguments)
        return EIGHT

    pool, clock = FakePool(answer), SimpleNamespace(left=99.0)
    running.test_front(problem(), run, pool, "tflm", clock)  # type: ignore[arg-type]  # all that is used
    assert pool.submitted == [0]
    assert given == [(dense_softmax(), run.data_file, "tflm", run.trial_folder(0) / "log.txt")]
    digest = problem().data.digest()
    tested = {"0": {"accuracy": Measurement.share(8, 10)}}
    assert run.front() == FrontFile(trials=(0,), test=tested, confusion={"0": MATRIX}, data_digest=digest)
    assert run.test_confusion(0) == MATRIX
    assert untested(run) == []


def test_earlier_test_scores_are_kept(tmp_path: Path) -> None:
    """A point tested before is not tested again; a new one is; one that left the front leaves the file."""
    run = real_run(tmp_path)
    before = {"0": {"accuracy": Measurement.share(1, 10)}, "1": {"accuracy": Measurement.share(2, 10)}}
    run.write_front(FrontFile(trials=(0, 1), test=before, data_digest=problem().data.digest()))
    larger = dense_softmax() + bytes(400)
    run.write_trial(real_record(2, larger, correct=340), larger)
    assert open_test_split(run).submitted == [2]
    front = run.front()
    assert front is not None
    assert front.trials == (0, 2)
    assert front.test == {"0": {"accuracy": Measurement.share(1, 10)}, "2": {"accuracy": Measurement.share(8, 10)}}


def test_scores_of_other_data_are_not_kept(tmp_path: Path) -> None:
    """A score on other data is none of this run's."""
    run = real_run(tmp_path)
    run.write_front(FrontFile(trials=(0,), test={"0": {"accuracy": Measurement.share(1, 10)}}, data_digest="other"))
    assert open_test_split(run).submitted == [0]
    assert run.test_scores() == {0: {"accuracy": Measurement.share(8, 10)}}


def test_a_point_that_cannot_be_tested_stays_untested(tmp_path: Path) -> None:
    """A failure is never passed off as a score: the point stays on the front without one, and an event says why."""
    run = real_run(tmp_path)
    open_test_split(run, Failure(reason="no arena"))
    front = run.front()
    assert front is not None
    assert (front.trials, front.test) == ((0,), {})
    assert untested(run) == [(0, "no arena")]
    assert open_test_split(run).submitted == [0]  # a later sitting tries again
    assert run.test_scores() == {0: {"accuracy": Measurement.share(8, 10)}}


def test_testing_ends_with_the_time(tmp_path: Path) -> None:
    """A test that does not end is given up at the deadline and its grace; later still, none is begun."""
    run = real_run(tmp_path)
    assert open_test_split(run, None, left=5.0).submitted == [0]
    assert untested(run) == [(0, "no time was left")]
    assert open_test_split(run, None, left=-16.0).submitted == []
    assert run.test_scores() == {}


def test_an_empty_front_is_written(tmp_path: Path) -> None:
    """Where nothing fits the run ends all the same, with an empty front."""
    run = create_run(tmp_path, JOB)
    run.write_trial(make_record(0, correct=None, model_bytes=900_000), None)
    assert open_test_split(run).submitted == []
    front = run.front()
    assert front is not None
    assert (front.trials, front.test) == ((), {})


def sitting(run: RunFolder, job: Job) -> FakePool:
    """One sitting on a run that has no trial left to train, so that only the front is tested."""
    study = open_study(run, job, COMPRESSORS, ())
    for record in run.records():
        tell(study, job, record, ask(study))
    pool = FakePool(lambda _number, _arguments: EIGHT)
    progress = SimpleNamespace(told=lambda *_: pytest.fail("no trial was left to run"), say=lambda _: None)
    running._search(problem(job), run, pool, (), progress, time.monotonic())  # type: ignore[arg-type]  # as above
    return pool


def test_a_sitting_from_start_to_end(tmp_path: Path) -> None:
    """The folder then holds data, board and front; this sitting's job is done, a longer one is not."""
    job = replace(JOB, trials=1)
    run = real_run(tmp_path, job)
    run.data_file.unlink()
    assert sitting(run, job).warmed
    assert read(run.data_file).digest() == dataset().digest()
    assert run.device() == problem().device
    assert run.test_scores() == {0: {"accuracy": Measurement.share(8, 10)}}
    assert [event["event"] for event in run.events()] == ["started", "finished"]
    assert running.is_done(run, job)
    assert not running.is_done(run, JOB)


def test_a_run_that_began_with_other_data_is_not_mixed(tmp_path: Path) -> None:
    """Data that has changed under its name since the run began is refused, and the run's own is kept."""
    job = replace(JOB, trials=1)
    run = real_run(tmp_path, job)
    save(replace(dataset(), test=dataset().validation), run.data_file)
    before = run.data_file.read_bytes()
    with pytest.raises(JobError, match="has changed since run 'first' began"):
        sitting(run, job)
    assert run.data_file.read_bytes() == before
    assert run.front() is None


def test_start_up_notes_stay_off_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """What C writes to stderr inside is gone, what is written afterwards is not, even after an error."""

    def noisy() -> None:
        with running.quiet():
            os.write(2, b"noise\n")
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        noisy()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "cannot be written on: .*No space left.*; make room"),
        (OSError(errno.EMFILE, "Too many open files"), "had to stop: .*Too many open files; free memory, processes"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "had to stop: .*give fewer --workers, then give the same"),
    ],
)
def test_what_the_system_refuses_is_named(tmp_path: Path, error: OSError, words: str) -> None:
    """A full disk is the disk; a lack of memory or files is not."""
    with pytest.raises(StorageError, match=words), running._storage_faults(create_run(tmp_path, JOB)):
        raise error
