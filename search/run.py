"""`search`: a job in, a run folder with its front out."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from compressors.compressor import Value
from search.choices import Choices
from search.errors import JobError, StorageError
from search.front import front
from search.frontends import variant_of
from search.job import Job
from search.metrics.catalog import TASKS
from search.pool import Failure, Pool, pool_for
from search.problem import Problem, resolve
from search.progress import Progress
from search.record import InterpreterName
from search.settle import few_samples, told
from search.store import FrontFile, RunFolder, create_run
from search.streams import STDERR, redirected
from search.warm_start import first_candidates

if TYPE_CHECKING:
    from search.clock import Clock
    from search.datasets.dataset import Dataset
    from spaces.given import GivenNetwork

# What a system lacks, other than room on a disk.
_SHORTAGES = frozenset({errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE})
# What test scoring may take beyond the job's minutes; the search keeps time for it, by estimate.
_TEST_GRACE_S = 15.0


def search(job: Job, runs: Path, progress: Progress, began: float, problem: Problem | None = None) -> RunFolder:
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
    problem
        What the job means, where that was found out already.

    Raises
    ------
    JobError, DataError, StorageError
        Before anything is written or trained.
    NothingFitsError
        When the smallest network of every space is over budget.
    """
    known = RunFolder(runs / problem.job.run_name) if problem else _known_run(job, runs)
    if known is not None and is_done(known, job):
        progress.begin(known)
        return known
    with quiet():
        problem = problem or resolve(job, _kept_network(RunFolder(runs / job.run_name), job))
    run = RunFolder(runs / problem.job.run_name)
    if is_done(run, problem.job):
        progress.begin(run)
        return run
    with quiet():
        queued = first_candidates(problem)
    with _storage_faults(run):
        create_run(runs, problem.job)
        with run.locked(), pool_for(job) as pool:
            progress.begin(run)
            progress.say(told(problem.job, job))
            for sentence in (*problem.data_notes, *_doubts(problem)):
                progress.say(f"data: {sentence}")
            _search(problem, run, pool, queued, progress, began)
    return run


def _doubts(problem: Problem) -> tuple[str, ...]:
    job, data = problem.job, problem.data
    said = few_samples(data.task, len(data.validation), job.metric)
    return (said,) if said else ()


def _known_run(job: Job, runs: Path) -> RunFolder | None:
    """The job's run, found without reading its data; None where there is none, or the data must say which it is.

    A job that leaves the task open goes on with the run of the task that its data tell.
    """
    jobs = [job] if job.task or job.name else [replace(job, task=task) for task in TASKS]
    there = [run for run in (RunFolder(runs / each.run_name) for each in jobs) if run.path.is_dir()]
    return there[0] if len(there) == 1 else None


@contextlib.contextmanager
def _storage_faults(run: RunFolder) -> Iterator[None]:
    """A full disk or a lost database ends the search with a sentence; what was told before is kept.

    What the system refuses for want of memory, processes or open files is not blamed on the disk.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (StorageInternalError, SQLAlchemyError, OSError) as error:
        reason = (str(error.__cause__ or error).splitlines() or [type(error).__name__])[0]
        if isinstance(error, OSError) and error.errno in _SHORTAGES:
            what, remedy = "had to stop", "free memory, processes or open files, or give fewer --workers"
        else:
            what, remedy = "cannot be written on", "make room or mend the disk"
        raise StorageError(f"run {run.name!r} {what}: {reason}; {remedy}, then give the same command") from error


def is_done(run: RunFolder, job: Job) -> bool:
    """True when the run has finished this very job, so that there is nothing left to search."""
    if not (run.path / "front.json").exists() or run.job().first_difference(job) is not None:
        return False
    last = [event for event in run.events() if event.get("event") in ("started", "finished")][-1:]
    return (
        bool(last)
        and last[0]["event"] == "finished"
        and (last[0].get("trials"), last[0].get("minutes"))
        == (
            job.trials,
            job.minutes,
        )
    )


def _search(
    problem: Problem,
    run: RunFolder,
    pool: Pool,
    queued: tuple[Mapping[str, Value], ...],
    progress: Progress,
    began: float,
) -> None:
    from search.clock import Clock
    from search.evaluate import available_interpreter
    from search.loop import Search
    from search.metrics.measure import baseline
    from search.study import open_study
    from search.teacher import ready_teacher

    interpreter = available_interpreter(problem.device.runtime)
    run.keep_choices(Choices.of(problem, interpreter))
    pool.warm()
    run.keep_device(problem.device)
    _keep_data(problem, run)
    run.keep_baseline(baseline(problem.data))
    _keep_network(problem, run)
    limit = None if problem.job.minutes is None else 60 * problem.job.minutes
    clock = Clock(began=began, before=run.elapsed_seconds(), limit=limit)
    run.log("started", elapsed=round(clock.elapsed, 3))
    teacher = ready_teacher(problem, run, pool, clock, interpreter, progress.say)
    if teacher is not None:
        problem = replace(problem, teacher=teacher.digest)
    searching = Search(
        problem=problem,
        run=run,
        study=open_study(run, problem.job, problem.compressors, queued),
        pool=pool,
        clock=clock,
        interpreter=interpreter,
        report=lambda record: progress.told(run, record),
    )
    reason = searching.go()
    progress.say(f"searched: {reason}")
    test_front(problem, run, pool, interpreter, clock)
    job = problem.job
    run.log("finished", elapsed=round(clock.elapsed, 3), trials=job.trials, minutes=job.minutes, reason=reason)


def _keep_data(problem: Problem, run: RunFolder) -> None:
    """Keep the prepared data with the run.

    Raises
    ------
    JobError
        When the run began with other data.
    """
    from search.datasets.load import read, save

    for variant, data in enumerate(problem.datasets):
        file = run.data_file_of(variant)
        if not file.exists():
            save(data, file)
        elif read(file).digest() != data.digest():
            raise JobError(f"data {problem.job.data!r} has changed since run {run.name!r} began: choose another --name")


def _kept_network(run: RunFolder, job: Job) -> Callable[[Dataset], GivenNetwork] | None:
    """What reads the given network that the run began with; None where there is none."""
    from search.networks.kept import read_network

    return (lambda _: read_network(run.network_file)) if job.network and run.network_file.exists() else None


def _keep_network(problem: Problem, run: RunFolder) -> None:
    """Keep the given network with the run, so that it goes on whatever becomes of the file it was read from.

    Raises
    ------
    JobError
        When the run began with another network.
    """
    from search.networks.kept import read_network, save_network

    if problem.given is None:
        return
    if not run.network_file.exists():
        save_network(problem.given, run.network_file)
    elif read_network(run.network_file).digest() != problem.given.digest():
        raise JobError(
            f"network {problem.job.network!r} has changed since run {run.name!r} began: choose another --name"
        )


def test_front(problem: Problem, run: RunFolder, pool: Pool, interpreter: InterpreterName, clock: Clock) -> None:
    """Open the test split for the front's points, in the workers, and write ``front.json``.

    A point that was tested in an earlier sitting keeps its figure: it is the
    same file and the same data.  A point that cannot be tested, or for which
    no time is left, stays without a test figure, and an event says why.
    """
    from search.worker import score_on_test

    digest = problem.data.digest()
    points = front(run.records(), problem.job.trade_off)
    before = run.front()
    tested = dict(before.test) if before is not None and before.data_digest == digest else {}
    tested = {str(record.trial): tested[str(record.trial)] for record in points if str(record.trial) in tested}
    confusions = {trial: each for trial, each in (before.confusion if before else {}).items() if trial in tested}
    waiting = [record for record in points if str(record.trial) not in tested]
    while (waiting or pool.running) and clock.left > -_TEST_GRACE_S:
        while waiting and pool.free:
            record = waiting.pop(0)
            log = run.trial_folder(record.trial) / "log.txt"
            data_file = run.data_file_of(variant_of(problem.job.frontend, record.drawn))
            pool.submit(record.trial, score_on_test, run.artifact(record), data_file, interpreter, log)
        for trial, result in pool.next_results(max(0.0, clock.left + _TEST_GRACE_S)).items():
            if isinstance(result, Failure):
                run.log("untested", trial=trial, reason=result.reason)
            else:
                tested[str(trial)] = result.metrics
                if result.confusion is not None:
                    confusions[str(trial)] = result.confusion
    for trial in (*pool.running, *(record.trial for record in waiting)):
        run.log("untested", trial=trial, reason="no time was left")
    run.write_front(
        FrontFile(
            trials=tuple(record.trial for record in points),
            test=dict(sorted(tested.items())),
            confusion=dict(sorted(confusions.items())),
            data_digest=digest,
        )
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep TensorFlow's start-up notes off the terminal: they go to C's stderr whatever its log level."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with redirected((STDERR,), Path(os.devnull)):
        yield
