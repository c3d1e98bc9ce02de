"""The teacher of a run: one trained network, there before any trial, that distillation learns from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.errors import JobError, StorageError
from search.job import BEST, LARGEST
from search.metrics.catalog import find_metric
from search.record import InterpreterName
from search.units import quality, title
from spaces.candidate import Architecture, Candidate, TrainingRecipe

if TYPE_CHECKING:
    from search.clock import Clock
    from search.pool import Pool
    from search.problem import Problem
    from search.store import RunFolder
    from search.teaching import Taught

_NUMBER = 0  # in the pool, before there are trials
_LEARNING_RATE = 8e-3  # in the middle of what trials draw


class TeacherError(JobError):
    """There is no network to learn from; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """What is known of the network in the run's ``teacher.npz``.

    Attributes
    ----------
    source
        Space of the anchor that was trained, or the user's file.
    parameters
        Number of weights.
    accuracy
        On the validation split, as a float network: the share of right answers,
        or R2 where values are predicted.
    metric
        Name of that metric.
    seconds
        Of building and training it.
    digest
        Identity of layers and weights.
    """

    source: str
    parameters: int
    accuracy: float
    seconds: float
    digest: str
    metric: str = "accuracy"

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"teacher: {self.source}, {self.parameters} parameters, validation {title(self.metric)} "
            f"{self._shown()} (float), made in {self.seconds:.1f} s"
        )

    def _shown(self) -> str:
        metric = find_metric(self.metric)
        return quality(metric, self.accuracy) + (" %" if metric.percent else "")


def ready_teacher(
    problem: Problem, run: RunFolder, pool: Pool, clock: Clock, interpreter: InterpreterName, say: Callable[[str], None]
) -> Teacher | None:
    """The run's teacher: the one it has, or one made in a worker and kept.

    ``largest`` is the largest of the spaces' anchors (in bytes of an int8
    file) that trains; anything else is a network file.  The same job trains
    the same teacher, bit for bit.  Its time counts against the job's minutes.

    Returns
    -------
    None where no technique of the job needs one, every trial has one of its
    own (``best``), or the time is up.

    Raises
    ------
    TeacherError
        When there is none to be had.
    StorageError
        When what was kept is damaged.
    """
    if problem.job.teacher == BEST or not problem.learns:
        return None
    if run.teacher_record.exists():
        return _kept(run)
    reason = ""
    for source, function, arguments in _ways(problem, run, interpreter):
        began = time.perf_counter()
        made = _made(pool, clock, function, arguments)
        if made is None:
            return None
        if not isinstance(made, str):
            return _keep(run, source, made, time.perf_counter() - began, clock, say)
        reason = f"{source}: {made}"
        run.log("teacher_failed", source=source, reason=made)
    raise TeacherError(f"there is no teacher for distillation ({reason}): name another, or leave distillation out")


def _kept(run: RunFolder) -> Teacher:
    from search.networks.kept import read_network

    teacher = run.teacher()
    if read_network(run.teacher_file).digest() != teacher.digest:
        raise StorageError(f"{run.teacher_file} is not the teacher that the run began with: choose another --name")
    return teacher


def _keep(
    run: RunFolder, source: str, made: Taught, seconds: float, clock: Clock, say: Callable[[str], None]
) -> Teacher:
    """Weights first, then the record: a record means the teacher is whole."""
    from search.networks.kept import save_network

    teacher = Teacher(
        source=source,
        parameters=sum(array.size for arrays in made.network.weights.values() for array in arrays),
        accuracy=made.accuracy,
        seconds=round(seconds, 3),
        digest=made.network.digest(),
        metric=made.metric,
    )
    save_network(made.network, run.teacher_file)
    run.write_teacher(teacher)
    run.log("teacher", elapsed=round(clock.elapsed, 3), source=source, accuracy=teacher.accuracy)
    say(str(teacher))
    return teacher


def _made(pool: Pool, clock: Clock, function: Any, arguments: tuple[Any, ...]) -> Taught | str | None:
    """What the worker made, the reason why it failed, or None when the time is up."""
    from search.pool import Failure

    pool.submit(_NUMBER, function, *arguments)
    while clock.left > 0:
        results = pool.next_results(None if clock.left == float("inf") else clock.left)
        if _NUMBER in results:
            result: Taught | Failure = results[_NUMBER]
            return result.reason if isinstance(result, Failure) else result
    pool.cancel()
    return None


def _ways(problem: Problem, run: RunFolder, interpreter: InterpreterName) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Source, function and arguments of what to try in turn."""
    from search.teaching import read_teacher, train_teacher
    from search.worker import TrialTask

    log, name = run.path / "teacher.log", problem.job.teacher
    if name != LARGEST:
        yield name, read_teacher, (Path(name), run.data_file, log)
        return
    for candidate in _candidates(problem):
        task = TrialTask(
            class_weights=problem.class_weights,
            candidate=candidate,
            key="teacher",
            device=problem.device,
            data_file=run.data_file,
            weights_file=run.path / "teacher.none",  # never there: it is always trained
            log_file=log,
            seed=problem.job.seed,
            interpreter=interpreter,
        )
        yield candidate.architecture.space, train_teacher, (task,)


def _candidates(problem: Problem) -> list[Candidate]:
    """The anchors of all spaces, uncompressed, the largest first."""
    from compressors.plan import CompressionPlan
    from compressors.quantization import Quantization

    plan, recipe = CompressionPlan.of(Quantization()), teacher_recipe(problem)
    return [Candidate(architecture=each, plan=plan, recipe=recipe) for each in _by_size(problem)]


def _by_size(problem: Problem) -> list[Architecture]:
    from optuna.trial import FixedTrial

    from compressors.lower import lower
    from devices.slim import predicted_bytes

    shape, outputs, head = problem.data.input_shape, problem.data.n_outputs, problem.data.head
    drawn = [
        space.draw(FixedTrial(dict(anchor)), shape, outputs, head=head)
        for space in problem.spaces
        for anchor in space.anchors(shape)
    ]
    return [each.architecture for each in sorted(drawn, key=lambda each: -predicted_bytes(lower(each.topology)))]


def teacher_recipe(problem: Problem) -> TrainingRecipe:
    """How the teacher is trained: as long as a trial, images shifted by up to a pixel."""
    from spaces.recipe import batch_sizes, epochs_for, largest_shift

    n_train = len(problem.data.train)
    sizes = batch_sizes(n_train)
    batch_size = sizes[len(sizes) // 2]
    return TrainingRecipe(
        epochs=problem.job.epochs or epochs_for(n_train, batch_size),
        batch_size=batch_size,
        learning_rate=_LEARNING_RATE,
        shift=min(1, largest_shift(problem.data.input_shape)),
    )
