"""`compress`: a network of the user's own in, the same network made small out.

With a plan it is applied once, where asked with 4-bit weights in the layers
that suffer least; with an accuracy the network is pruned down to it; with
neither, plans are searched, which is `search.run.search` over a space
of one network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressors.compressor import CompressionError
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from devices.flatbuffer import read_graph
from devices.graph import DType
from search.compress_files import Made
from search.compress_floor import Floor, judged_by
from search.compress_report import Report, Row
from search.errors import JobError
from search.given import NetworkReader, Reading
from search.job import BEST, LARGEST, Job
from search.mixed_trial import MixedOutcome, MixedTarget, require_mixable, run_mixed, with_quantization
from search.pool import Failure, Pool, pool_for
from search.problem import Problem, resolve
from search.pruning_trial import PrunedOutcome, run_pruning
from search.run import is_done, quiet, search
from search.store import RunFolder
from search.worker import Outcome, TrialTask, run_trial, score_on_test
from spaces.candidate import Architecture, Candidate
from spaces.given import NAME, tuning_recipe

if TYPE_CHECKING:
    from search.progress import Progress
    from spaces.given import GivenNetwork

_FLOAT = Quantization(weight_bits=32, activation_bits=32)
_ROWS = ("float32", "int8", "compressed")


def opened(job: Job) -> tuple[Problem, Reading]:
    """The job with its network read.

    Raises
    ------
    JobError, DataError
        When the job, its data or its network cannot be used.
    """
    reader = NetworkReader(Path(job.network))
    with quiet():
        problem = resolve(job, reader)
    assert reader.reading is not None  # `resolve` reads what it is given
    return problem, reader.reading


def search_plans(job: Job, runs: Path, progress: Progress, began: float) -> RunFolder:
    """Search plans for the job's network, or go on with that; the run folder is one of any search.

    Raises
    ------
    TinyFrontError
        As `search.run.search` and `opened`.
    """
    if is_done(RunFolder(runs / job.run_name), job):
        return search(job, runs, progress, began)
    problem, reading = opened(job)
    for sentence in said(reading):
        progress.say(sentence)
    return search(job, runs, progress, began, problem)


def said(reading: Reading) -> tuple[str, ...]:
    """What a person should know of a network that was read."""
    return (reading.text(), *reading.notes)


def compress(
    problem: Problem, reading: Reading, wish: CompressionPlan | Floor, mixed: MixedTarget | None = None
) -> Made:
    """Compress once, and measure before and after; the test split is opened at the end.

    Parameters
    ----------
    wish
        What to apply, or what accuracy to keep.
    mixed
        Which layers of a plan get 4-bit weights; None where the plan says all there is.

    Raises
    ------
    JobError
        When the plan cannot be applied to this network, or the accuracy cannot be kept.
    ToolchainError
        When no interpreter runs here, or the workers cannot start.
    """
    plan = wish if isinstance(wish, CompressionPlan) else CompressionPlan.of(wish.settings(), Quantization())
    _check_applicable(problem, plan)
    if mixed is not None:
        require_mixable(plan)
        _check_applicable(problem, with_quantization(plan, replace(plan.quantization, weight_bits=4)))
    teacher, taught = _teacher(problem, plan)
    floor = wish.kept_of(reading) if isinstance(wish, Floor) else None
    plans = dict(zip(_ROWS, (CompressionPlan.of(_FLOAT), CompressionPlan.of(Quantization()), plan), strict=True))
    with tempfile.TemporaryDirectory(prefix="tinyfront-") as folder:
        tasks = tasks_for(problem, plans, teacher, Path(folder))
        outcomes, tests = _measured(problem, tasks, mixed if floor is None else floor)
    rows = tuple(_row(name, found, test) for name, found, test in zip(_ROWS, outcomes, tests, strict=True))
    made, score = outcomes[-1], outcomes[-1].score
    report = Report(
        model=problem.job.network,
        data=problem.data.name,
        device=problem.device.name,
        metric=problem.job.metric,
        float_metrics=reading.metrics,
        rows=rows,
        compression=(made.plan if isinstance(made, MixedOutcome) else plan).as_mapping(),
        excess=dict(score.footprint.excess_over(problem.budget)),
        targets=problem.data.targets,
        pruning=made.facts if isinstance(made, PrunedOutcome) else None,
        notes=(*reading.notes, *taught, *_notes(made)),
    )
    return Made(content=made.content, report=report)


def _notes(made: Outcome | PrunedOutcome | MixedOutcome) -> tuple[str, ...]:
    """What is to be said about how the file was made."""
    if isinstance(made, MixedOutcome):
        return (_mixture(made),)
    return made.notes if isinstance(made, Outcome) else ()


def _mixture(made: MixedOutcome) -> str:
    """Which layers got 4 bits, and how many tensors of the file have them, in a sentence."""
    graph = read_graph(made.content)
    stored = sum(tensor.dtype is DType.INT4 for tensor in graph.tensors)
    names = [name for name, _ in made.plan.quantization.overrides]
    if not names:
        return "mixed precision: no layer got 4-bit weights"
    return f"mixed precision: 4-bit weights in {', '.join(names)}; 4-bit tensors in the file: {stored}"


def _measured(
    problem: Problem, tasks: list[TrialTask], target: float | MixedTarget | None
) -> tuple[list[Any], list[Any]]:
    """What each task made, and its metrics on the test split.

    The last is pruned down to the accuracy, or gets the bits, that `target` says.
    """
    calls: list[tuple[Any, ...]] = [(run_trial, task) for task in tasks]
    if isinstance(target, MixedTarget):
        calls[-1] = (run_mixed, tasks[-1], target)
    elif target is not None:
        calls[-1] = (run_pruning, tasks[-1], target)
    with pool_for(problem.job) as pool:
        outcomes = results(pool, calls)
        if isinstance(outcomes[-1], Failure):
            reason = judged_by(problem.data.task, outcomes[-1].reason)
            raise JobError(f"the network cannot be compressed so: {reason}")
        calls = [
            (score_on_test, found.content, task.data_file, task.interpreter, task.log_file)
            for task, found in zip(tasks, outcomes, strict=True)
            if not isinstance(found, Failure)
        ]
        tests = iter(results(pool, calls))
    return outcomes, [None if isinstance(found, Failure) else next(tests) for found in outcomes]


def _check_applicable(problem: Problem, plan: CompressionPlan) -> None:
    """Refuse before anything is trained what cannot work at all."""
    from search.screen import CandidateError, predict

    assert problem.given is not None
    try:
        predict(problem.given.topology, plan, problem.device, problem.data.intake)
    except (CompressionError, CandidateError, ValueError) as error:
        raise JobError(f"the plan cannot be applied to this network: {error}") from error


def _teacher(problem: Problem, plan: CompressionPlan) -> tuple[GivenNetwork | None, tuple[str, ...]]:
    """The network that the plan learns from, and what should be known of it; None for a plan that learns from none."""
    if not plan.learns:
        return None, ()
    if problem.job.teacher in (LARGEST, BEST):
        raise JobError(
            "the plan distils, and a given network needs a teacher: name its file, --set teacher=larger.keras"
        )
    reader = NetworkReader(Path(problem.job.teacher))
    with quiet():
        network = reader(problem.data)
    assert reader.reading is not None  # it is read
    return network, tuple(f"teacher: {sentence}" for sentence in reader.reading.notes)


def tasks_for(
    problem: Problem, plans: Mapping[str, CompressionPlan], teacher: GivenNetwork | None, folder: Path
) -> list[TrialTask]:
    """One task a plan, with the files that they read in `folder`."""
    from search.datasets.load import save
    from search.evaluate import available_interpreter
    from search.networks.kept import save_network

    assert problem.given is not None
    save(problem.data, folder / "data.npz")
    save_network(problem.given, folder / "network.npz")
    if teacher is not None:
        save_network(teacher, folder / "teacher.npz")
    architecture = Architecture.of(NAME, {"network": problem.given.digest()[:16]})
    recipe = tuning_recipe(len(problem.data.train), problem.job.epochs)
    interpreter = available_interpreter(problem.device.runtime)
    return [
        TrialTask(
            class_weights=problem.class_weights,
            candidate=Candidate(architecture=architecture, plan=plan, recipe=recipe),
            key=name,
            device=problem.device,
            data_file=folder / "data.npz",
            weights_file=folder / "none.npz",
            log_file=folder / f"{name}.txt",
            seed=problem.job.seed,
            interpreter=interpreter,
            network_file=folder / "network.npz",
            teacher_file=None if teacher is None else folder / "teacher.npz",
        )
        for name, plan in plans.items()
    ]


def results(pool: Pool, calls: list[tuple[Any, ...]]) -> list[Any]:
    """What each call gave, a `Failure` where it gave nothing."""
    results: dict[int, Any] = {}
    waiting = list(enumerate(calls))
    while waiting or pool.running:
        while waiting and pool.free:
            number, (function, *arguments) = waiting.pop()  # the last takes longest: it starts first
            pool.submit(number, function, *arguments)
        results |= pool.next_results(None)
    return [results[number] for number in range(len(calls))]


def _row(name: str, found: Any, test: Any) -> Row:
    if isinstance(found, Failure):
        return Row(name=name, score=None, reason=found.reason)
    if isinstance(test, Failure):
        return Row(name=name, score=found.score, reason=f"not run on the test split: {test.reason}")
    return Row(name=name, score=found.score, test=test.metrics)
