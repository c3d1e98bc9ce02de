"""Before a search: what the data hold, what would be searched, how long it would take.  Nothing is fitted or kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

from devices.footprint import Budget, Footprint
from search.datasets.facts import DataFacts, describe
from search.errors import NothingFitsError
from search.job import Job, available_workers
from search.problem import Problem, resolve
from search.trial_time import TrialTime

if TYPE_CHECKING:
    from compressors.compressor import Value
    from search.screen import Screened
    from spaces.catalog import SearchSpace

# Until the first trial trains: imports here and in the workers, data, anchors; 5 to 12 s on 2 cores.
_START_SECONDS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceFacts:
    """One search space for this data on this board, by its anchors, of which none was trained.

    Attributes
    ----------
    name, description
        As in `spaces.catalog`.
    parameters
        Weights of the smallest and of the largest anchor.
    smallest, largest
        Their predicted footprints, quantised to int8 and not compressed otherwise.
    fits
        True when the smallest keeps the limits under some plan: the space can be searched.
    anchors, fitting
        Number of anchors, and of those that keep the limits when they are quantised only.
    """

    name: str
    description: str
    parameters: tuple[int, int]
    smallest: Footprint
    largest: Footprint
    fits: bool
    anchors: int
    fitting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What ``tinyfront check`` says.

    Attributes
    ----------
    job
        What was checked.
    data
        What the data hold.
    device, budget
        The board, and the limits that candidates must keep.
    is_least
        True where the spaces' figures are the least that their networks can
        cost: on a board with an accelerator, whose compiler needs the weights.
    spaces
        What networks would be drawn from; those that cannot be built for the board are left out.
    left_out
        Spaces that are not searched by name, with the reason.
    techniques
        Names of the compression techniques that would be drawn from.
    nothing_fits
        Why no network of any space keeps the limits; empty when one does.
    time
        Estimated time of a trial; None where nothing fits.
    workers
        Trials that would be trained at once.
    data_notes
        How the data were split, and what was done to them, a sentence each.
    start_seconds
        Until the first trial trains, estimated.
    """

    job: Job
    data: DataFacts
    device: str
    budget: Budget
    is_least: bool
    spaces: tuple[SpaceFacts, ...]
    left_out: Mapping[str, str]
    techniques: tuple[str, ...]
    nothing_fits: str
    time: TrialTime | None
    workers: int
    data_notes: tuple[str, ...] = ()
    start_seconds: float = _START_SECONDS

    @property
    def trials(self) -> int | None:
        """Trained trials that the job's minutes and trials allow, estimated, >= 0; None where nothing fits."""
        if self.time is None:
            return None
        if self.job.minutes is None:
            return self.job.trials
        seconds = max(0.0, 60 * self.job.minutes - self.start_seconds)
        fitting = int(seconds * self.workers / self.time.seconds)
        return fitting if self.job.trials is None else min(fitting, self.job.trials)

    @property
    def seconds(self) -> float | None:
        """Seconds until the job is done, estimated; None where nothing fits."""
        if self.time is None:
            return None
        if self.job.trials is None:
            return 60 * (self.job.minutes or 0.0)
        needed = self.start_seconds + self.job.trials * self.time.seconds / self.workers
        return needed if self.job.minutes is None else min(needed, 60 * self.job.minutes)


def check(job: Job) -> Check:
    """Look at a job's data, predict what its networks cost, and time a few training steps of one of them.

    Raises
    ------
    JobError, DataError, ToolchainError
        As `search.problem.resolve` does.
    """
    from search.run import quiet
    from search.trial_time import estimate

    began = perf_counter()
    with quiet():
        problem = resolve(job)
        resolved_seconds = perf_counter() - began
        rows = {space.name: _anchors(problem, space) for space in problem.spaces}
        nothing_fits = _nothing_fits(problem)
        middle = None if nothing_fits else _middle(rows)
        time = None if middle is None else estimate(problem, middle)
    return Check(
        # Varied copies take long to make, anything else is within the usual.
        start_seconds=_START_SECONDS + (resolved_seconds if job.augment else 0.0),
        job=problem.job,
        data=describe(problem.data),
        device=problem.device.name,
        budget=problem.budget,
        is_least=problem.device.accelerator is not None,
        spaces=tuple(_space_facts(problem, space, rows[space.name]) for space in problem.spaces if rows[space.name]),
        left_out=_left_out(problem),
        techniques=tuple(technique.name for technique in problem.compressors if technique.hyperparameters),
        nothing_fits=nothing_fits,
        time=time,
        workers=job.workers or available_workers(),
        data_notes=(*problem.data_notes, *_variants(problem)),
    )


def _variants(problem: Problem) -> tuple[str, ...]:
    number = len(problem.variants)
    return (f"{number} front-ends would be searched: what follows is for the first",) if number else ()


def _anchors(problem: Problem, space: SearchSpace) -> tuple[tuple[Screened, int], ...]:
    """Anchors that can be built for the board, each quantised only, with their weights."""
    from search.screen import CandidateError
    from search.warm_start import extreme_plans, screened_anchor

    found = []
    *_, weakest = extreme_plans(problem)
    for anchor in space.anchors(problem.data.input_shape):
        try:
            found.append((screened_anchor(problem, space.name, anchor, weakest), _weights(problem, space, anchor)))
        except CandidateError:  # such as a kernel that the board's runtime has not; `_left_out` says so
            continue
    return tuple(found)


def _weights(problem: Problem, space: SearchSpace, anchor: Mapping[str, Value]) -> int:
    from optuna.trial import FixedTrial

    data = problem.data
    return space.draw(FixedTrial(dict(anchor)), data.input_shape, data.n_outputs, head=data.head).topology.weights()


def _nothing_fits(problem: Problem) -> str:
    from search.warm_start import first_candidates

    try:
        first_candidates(problem)
    except NothingFitsError as error:
        return str(error)
    return ""


def _middle(rows: Mapping[str, tuple[tuple[Screened, int], ...]]) -> Screened | None:
    """Of the anchors that fit, the one in the middle by multiply-accumulates; the least where all need compression."""
    by_macs = sorted(
        (screened for row in rows.values() for screened, _ in row), key=lambda screened: screened.footprint.macs
    )
    fitting = [screened for screened in by_macs if screened.fits] or by_macs[:1]
    return fitting[len(fitting) // 2] if fitting else None


def _space_facts(problem: Problem, space: SearchSpace, row: tuple[tuple[Screened, int], ...]) -> SpaceFacts:
    by_size = sorted(row, key=lambda each: each[1])
    (smallest, fewest), (largest, most) = by_size[0], by_size[-1]
    return SpaceFacts(
        name=space.name,
        description=space.description,
        parameters=(fewest, most),
        smallest=smallest.footprint,
        largest=largest.footprint,
        fits=_fits(problem, space),
        anchors=len(row),
        fitting=sum(screened.fits for screened, _ in row),
    )


def _fits(problem: Problem, space: SearchSpace) -> bool:
    """True when the smallest anchor keeps the limits under one of the plans that a search would ask, too."""
    return not _nothing_fits(replace(problem, spaces=(space,)))


def _left_out(problem: Problem) -> dict[str, str]:
    """Every space that would not be searched, and why."""
    from spaces.catalog import SPACES

    searched, shape = {space.name for space in problem.spaces}, problem.data.input_shape
    reasons = {}
    for space in SPACES:
        if space.name in searched:
            continue
        if problem.job.space and space.name not in problem.job.space:
            reasons[space.name] = "not named by the job"
        elif space.reconstructs is not (problem.data.task == "anomaly_detection"):
            reasons[space.name] = "for another task"
        else:
            reasons[space.name] = space.accepts(shape) or space.leaves(shape) or ""
    return reasons
