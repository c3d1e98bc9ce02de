"""`search`: a job in, a run folder with its front out."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from compressors.compressor import Value
from search.errors import NothingFitsError
from search.front import front
from search.job import Job
from search.pool import Failure, Pool, pool_for
from search.problem import Problem, resolve
from search.progress import Progress
from search.record import InterpreterName
from search.store import FrontFile, RunFolder, create_run

if TYPE_CHECKING:
    from search.screen import Screened


def search(job: Job, runs: Path, progress: Progress, began: float) -> RunFolder:
    """Search until the job is done, then open the test split for the front.

    Parameters
    ----------
    job
        What to search.
    runs
        Folder of all runs.
    progress
        Told when the run begins and whenever a trial ends.
    began
        `time.monotonic` of the command's start, which the job's minutes count from.

    Raises
    ------
    JobError, DataError, StorageError
        Before anything is written or trained.
    NothingFitsError
        When the smallest network of every space is over budget.
    """
    run = RunFolder(runs / job.run_name)
    if is_done(run, job):
        progress.begin(run)
        return run
    with _quiet():
        problem = resolve(job)
        queued = _anchors(problem)
    run = create_run(runs, job)
    with run.locked(), pool_for(job) as pool:
        progress.begin(run)
        _search(problem, run, pool, queued, progress, began)
    return run


def is_done(run: RunFolder, job: Job) -> bool:
    """True when the run has finished this very job, so that there is nothing left to search."""
    if run.front() is None or not (run.path / "job.yaml").exists():
        return False
    before = run.job()
    last = [event["event"] for event in run.events() if event.get("event") in ("started", "finished")]
    extent = (before.trials, before.minutes) == (job.trials, job.minutes)
    return extent and before.first_difference(job) is None and last[-1:] == ["finished"]


def _search(
    problem: Problem,
    run: RunFolder,
    pool: Pool,
    queued: tuple[Mapping[str, Value], ...],
    progress: Progress,
    began: float,
) -> None:
    from search.datasets.load import save
    from search.evaluate import available_interpreter
    from search.loop import Clock, Search
    from search.study import open_study

    pool.warm()
    if not run.data_file.exists():
        save(problem.data, run.data_file)
    limit = None if problem.job.minutes is None else 60 * problem.job.minutes
    clock = Clock(began=began, before=run.elapsed_seconds(), limit=limit)
    interpreter = available_interpreter()
    run.log("started", elapsed=round(clock.elapsed, 3))
    searching = Search(
        problem=problem,
        run=run,
        study=open_study(run, problem.job, queued),
        pool=pool,
        clock=clock,
        interpreter=interpreter,
        report=lambda record: progress.told(run, record),
    )
    searching.go()
    test_front(problem, run, pool, interpreter)
    run.log("finished", elapsed=round(clock.elapsed, 3))


def test_front(problem: Problem, run: RunFolder, pool: Pool, interpreter: InterpreterName) -> None:
    """Open the test split for the front's points, in the workers, and write ``front.json``.

    A point that was tested in an earlier sitting keeps its figure: it is the
    same file and the same data.

    Raises
    ------
    NothingFitsError
        When a point cannot be tested.
    """
    from search.worker import score_on_test

    digest = problem.data.digest()
    points = front(run.records(), problem.job.objectives)
    before = run.front()
    tested = dict(before.test) if before is not None and before.data_digest == digest else {}
    tested = {str(record.trial): tested[str(record.trial)] for record in points if str(record.trial) in tested}
    waiting = [record for record in points if str(record.trial) not in tested]
    while waiting or pool.running:
        while waiting and pool.free:
            record = waiting.pop(0)
            log = run.trial_folder(record.trial) / "log.txt"
            pool.submit(record.trial, score_on_test, run.artifact(record), run.data_file, interpreter, log)
        for trial, result in pool.next_results(None).items():
            if isinstance(result, Failure):
                raise NothingFitsError(f"trial {trial} could not be run on the test split: {result.reason}")
            tested[str(trial)] = result
    run.write_front(
        FrontFile(
            trials=tuple(record.trial for record in points), test=dict(sorted(tested.items())), data_digest=digest
        )
    )


def _anchors(problem: Problem) -> tuple[Mapping[str, Value], ...]:
    """Known good networks to try first, the smaller ones of all spaces before the larger ones.

    Raises
    ------
    NothingFitsError
        When the smallest network of every space is over budget as strongly
        compressed as a plan can.
    """
    from spaces.compression import plan_parameters

    weakest = plan_parameters(problem.compressors, strongest=False)
    rows = {space.name: space.anchors(problem.data.input_shape) for space in problem.spaces}
    _check_smallest(problem, rows)
    rounds = range(1, max(len(row) for row in rows.values()))  # the smallest only tells that a device is too small
    return tuple(
        {"space": name, **row[index], **weakest} for index in rounds for name, row in rows.items() if index < len(row)
    )


def _check_smallest(problem: Problem, rows: Mapping[str, tuple[Mapping[str, Value], ...]]) -> None:
    from optuna.trial import FixedTrial

    from search.screen import draw
    from spaces.compression import plan_parameters

    recipe = {"recipe/batch_size#": 0, "recipe/learning_rate": 1e-3, "recipe/shift": 0}
    strongest = plan_parameters(problem.compressors, strongest=True)
    missed: list[Screened] = []
    for name, row in rows.items():
        smallest = draw(FixedTrial({"space": name, **row[0], **strongest, **recipe}), problem)
        if smallest.fits:
            return
        missed.append(smallest)
    nearest = min(missed, key=lambda each: max(value for value in each.excess.values()))
    raise NothingFitsError(_too_small(problem, nearest))


def _too_small(problem: Problem, nearest: Screened) -> str:
    broken = ", ".join(
        f"{name} by {value:.10g} (needs {getattr(nearest.footprint, name):.10g}, has "
        f"{getattr(problem.budget, name):.10g})"
        for name, value in nearest.excess.items()
        if value > 0
    )
    space = nearest.candidate.architecture.space
    return f"nothing fits {problem.device.name}: the smallest candidate ({space}) exceeds {broken}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep TensorFlow's start-up notes off the terminal: they go to C's stderr whatever its log level."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as sink:
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
