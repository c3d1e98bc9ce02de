"""How long a trial will take on this machine, from a few training steps of a network that is thrown away.

Four sets of series in `temporal_cnn`, two or four minutes with one worker on a
busy machine of 2 cores: trials that ended over those foretold were 0.86 to 0.98.
"""

from __future__ import annotations

import itertools
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.child_process import import_frameworks
from search.errors import JobError
from search.worker import TrialTask, opened
from spaces.candidate import Candidate

if TYPE_CHECKING:
    from compressors.compressor import Context, Network
    from compressors.plan import CompressionPlan
    from devices.artifact import Artifact
    from search.datasets.dataset import Dataset, Split
    from search.problem import Problem
    from search.screen import Screened

_STEPS = 24  # timed, at least
_SAMPLES = 64  # inferences timed
_PLANS = 200  # drawn, to see how much fine-tuning a trial has
_SEED = 0
# Every third trial compresses the network of an earlier one anew (search/sampler.py), so it is not trained again.
_TRAINED_SHARE = 0.75
# A fine-tune traces its own step, and a wrapper or mask around every layer makes steps longer.
_FINE_TUNE_FACTOR = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds measured in a worker.

    Attributes
    ----------
    build
        Until the network stood.
    trace
        Of a training until its first step.
    step
        Of one training step.
    convert
        Until the quantised file was there.
    inference
        Of one inference of the file.
    """

    build: float
    trace: float
    step: float
    convert: float
    inference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTime:
    """What a trial will take, estimated.

    Attributes
    ----------
    space, macs
        The network that was timed: an anchor in the middle of those that fit.
    steps
        Of its training.
    spent
        What was measured.
    fine_tune_share
        Fine-tuning of a random plan, as a share of a training, on average.
    fine_tunes
        Techniques of a random plan that fine-tune, on average.
    seconds
        Of one trial.
    """

    space: str
    macs: int
    steps: int
    spent: Spent
    fine_tune_share: float
    fine_tunes: float
    seconds: float


def estimate(problem: Problem, screened: Screened) -> TrialTime:
    """Time a few steps of a candidate in a worker process, as a trial would run them.

    Parameters
    ----------
    problem
        What is searched.
    screened
        The candidate; it is not kept.

    Raises
    ------
    JobError
        With the worker's reason when the candidate cannot be trained.
    """
    from search.pool import Failure, pool_for

    with tempfile.TemporaryDirectory() as folder, pool_for(replace(problem.job, workers=1)) as pool:
        pool.warm()
        pool.submit(0, time_trial, _task(problem, screened, Path(folder)))
        results: dict[int, Any] = {}
        while not results:
            results = dict(pool.next_results(None))
    if isinstance(results[0], Failure):
        raise JobError(f"a {screened.candidate.architecture.space} cannot be timed: {results[0].reason}")
    return _estimate(problem, screened, results[0])


def _estimate(problem: Problem, screened: Screened, spent: Spent) -> TrialTime:
    recipe, data = screened.candidate.recipe, problem.data
    steps = recipe.epochs * max(1, len(data.train) // recipe.batch_size)
    share, number = _fine_tuning(problem)
    training = spent.trace + steps * spent.step
    seconds = (
        spent.build
        + _TRAINED_SHARE * training
        + _FINE_TUNE_FACTOR * (share * steps * spent.step + number * spent.trace)
        + spent.convert
        + len(data.validation) * spent.inference
    )
    return TrialTime(
        space=screened.candidate.architecture.space,
        macs=screened.footprint.macs,
        steps=steps,
        spent=spent,
        fine_tune_share=share,
        fine_tunes=number,
        seconds=seconds,
    )


def _task(problem: Problem, screened: Screened, folder: Path) -> TrialTask:
    from search.datasets.load import save
    from search.evaluate import available_interpreter

    save(problem.data, folder / "data.npz")
    return TrialTask(
        candidate=screened.candidate,
        key=screened.key,
        device=problem.device,
        data_file=folder / "data.npz",
        weights_file=folder / "absent.npz",
        log_file=folder / "log.txt",
        seed=problem.job.seed,
        interpreter=available_interpreter(problem.device.runtime),
    )


def time_trial(task: TrialTask) -> Spent:
    """What the parts of a trial take, of a network that is dropped."""
    import_frameworks()  # once a worker, not a trial
    began = time.perf_counter()
    with opened(task) as (network, context, data):
        build = time.perf_counter() - began
        trace, step = _training(network, task.candidate, data)
        convert, inference = _file(network, task, context, data)
    return Spent(build=build, trace=trace, step=step, convert=convert, inference=inference)


def _fine_tuning(problem: Problem) -> tuple[float, float]:
    """Sum of the shares of fine-tunes of a random plan, and their number, both on average."""
    plans = _random_plans(problem)
    shares = [[float(getattr(step, "fine_tune", 0.0)) for step in plan.steps] for plan in plans]
    return (
        statistics.fmean(sum(each) for each in shares),
        statistics.fmean(sum(share > 0 for share in each) for each in shares),
    )


def _random_plans(problem: Problem) -> list[CompressionPlan]:
    """As the search draws them before it has learnt anything."""
    import optuna

    from search.sampler import CandidateSampler
    from spaces.compression import draw_plan, stage_parameters

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    names = frozenset(technique.name for technique in problem.compressors)
    sampler = CandidateSampler("random", _SEED, names, stage_parameters(problem.compressors))
    study = optuna.create_study(sampler=sampler)
    return [draw_plan(study.ask(), problem.compressors) for _ in range(_PLANS)]


def _training(network: Network, candidate: Candidate, data: Dataset) -> tuple[float, float]:
    """Seconds until the first step, and of a step, at the median: one may be held up by something else."""
    from search.train import fine_tune

    batch = min(candidate.recipe.batch_size, len(data.train))
    batches = min(len(data.train) // batch, _STEPS)
    recipe = replace(candidate.recipe, epochs=math.ceil(_STEPS / batches) + 1)
    began, starts = time.perf_counter(), []

    def clock(_done: int, _total: int) -> None:
        starts.append(time.perf_counter())

    fine_tune(network, recipe, _first(data.learning, batches * batch), _SEED, 1.0, before_step=clock)
    return starts[0] - began, statistics.median(after - before for before, after in itertools.pairwise(starts))


def _file(network: Network, task: TrialTask, context: Context, data: Dataset) -> tuple[float, float]:
    """Seconds until the quantised file is there, and of an inference."""
    from compressors.plan import CompressionPlan
    from search.evaluate import predict

    plan, few = CompressionPlan.of(task.candidate.plan.quantization), _first(data.validation, _SAMPLES)
    made: list[Artifact] = []
    convert = _seconds(lambda: made.append(plan.convert(network, context)))
    return convert, _seconds(lambda: predict(made[0], few.x, task.interpreter)) / len(few)


def _first(split: Split, most: int) -> Split:
    return replace(split, x=split.x[:most], y=split.y[:most])


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
