"""What a run amounts to, computed once: tables, JSON, CSV, plots and pages only render it."""

from __future__ import annotations

import dataclasses
import re
import statistics
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compressors.compressor import Value
from devices.device import Runtime
from devices.footprint import Budget, Footprint
from search.front import front, hypervolume, knee, nearest_miss, reference_point
from search.metrics.catalog import find_metric, in_order
from search.metrics.measurement import Measurement
from search.metrics.metric import Metric
from search.record import INTERPRETER_OF, InterpreterName, Score, Seconds, State, TrialRecord
from search.units import title

PHASES = tuple(each.name for each in dataclasses.fields(Seconds))
# Enough to tell causes apart; the trial itself has the whole sentence.
_CAUSE_WIDTH = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPoint:
    """One scored trial as a chooser of models sees it.

    Attributes
    ----------
    metric
        Name of the metric that is the objective.
    metrics
        On the validation split, which the search chose by: a little hopeful for the chosen.
    test_metrics
        On the test split; None while that was not opened for this trial.
    download_bytes
        Bytes of the Huffman-coded file; None while no coding technique ran.
    artifact
        The model's path within the run's folder.
    stand_in
        True when the metrics were run by another interpreter than the board's own.
    """

    trial: int
    metric: str
    metrics: Mapping[str, Measurement]
    test_metrics: Mapping[str, Measurement] | None
    footprint: Footprint
    download_bytes: int | None
    params: int
    space: str
    compression: Mapping[str, Mapping[str, Value]]
    artifact: str
    sha256: str
    interpreter: InterpreterName
    stand_in: bool

    @property
    def quality(self) -> Measurement:
        """The metric that is the objective, on the validation split."""
        return self.metrics[self.metric]

    @property
    def test_quality(self) -> Measurement | None:
        """The same on the test split, where that was opened."""
        return None if self.test_metrics is None else self.test_metrics[self.metric]

    @property
    def loss(self) -> float:
        """The quality on the validation split, signed so that less is better."""
        return -self.quality.value if find_metric(self.metric).direction == "max" else self.quality.value


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """One trial of any state.

    Attributes
    ----------
    footprint
        Measured on the artifact where `point` is given, else predicted for the
        untrained network; None where that could not be built.
    point
        None unless the trial was scored.
    on_front
        True when the trial stands on the front.
    """

    trial: int
    state: State
    reason: str
    feasible: bool
    on_front: bool
    space: str
    compression: Mapping[str, Mapping[str, Value]]
    footprint: Footprint | None
    excess: Mapping[str, float]
    seconds: Seconds
    point: FrontPoint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Where the seconds of the trained trials went.

    Attributes
    ----------
    median_total
        Median seconds of a trained trial.
    median, share
        By phase: the median seconds, and the share 0..1 of all their seconds together.
    from_cache
        How many of them took their weights from an earlier training.
    """

    median_total: float
    median: Mapping[str, float]
    share: Mapping[str, float]
    from_cache: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A run on one device under one budget.

    Attributes
    ----------
    n_trials, n_trained, n_feasible, n_rejected, n_failed
        All records; scored; scored and within every limit; rejected before
        training; ended without a score.
    rejections, failures
        How often by cause, the most frequent first.
    metric
        The metric that is the objective.
    metrics
        Names of all metrics that the trials were scored by; that of `metric` first.
    hypervolume
        See `search.front.hypervolume`, 0..1, from `reference_point`.
    front
        By growing flash.
    knee
        Trial number of the front's knee; None for an empty front.
    nearest_miss
        Where nothing fits: the scored trial that is closest to the limits.
    spent
        None while nothing was trained.
    trials
        Every trial, by number.
    """

    run: str
    device: str
    objectives: tuple[str, ...]
    metric: Metric
    metrics: tuple[str, ...]
    budget: Budget
    n_trials: int
    n_trained: int
    n_feasible: int
    n_rejected: int
    n_failed: int
    rejections: Mapping[str, int]
    failures: Mapping[str, int]
    hypervolume: float
    reference_point: Mapping[str, float]
    front: tuple[FrontPoint, ...]
    knee: int | None
    nearest_miss: int | None
    spent: Spent | None
    trials: tuple[TrialRow, ...]


def summarize(
    *,
    run: str,
    device: str,
    objectives: Sequence[str],
    budget: Budget,
    records: Sequence[TrialRecord],
    test: Mapping[int, Mapping[str, Measurement]],
    runtime: Runtime = "tflm",
    metric: str = "accuracy",
    baseline: Mapping[str, float] | None = None,
) -> Summary:
    """Summary of a run from its records.

    Parameters
    ----------
    runtime
        What runs the artifacts on `device`.
    test
        Metrics on the test split by trial number, of the trials it was opened for.
    metric
        Name of the metric that is the objective.
    baseline
        What the trivial answer gets, see `search.front.reference_point`.

    Raises
    ------
    JobError
        When an objective is unknown.
    """
    ordered = sorted(records, key=lambda record: record.trial)
    best = front(ordered, objectives)
    on_front = {record.trial for record in best}
    own = INTERPRETER_OF[runtime]
    rows = tuple(
        trial_row(each, on_front=each.trial in on_front, test=test.get(each.trial), own=own, metric=metric)
        for each in ordered
    )
    reference = {name: value for name, value in reference_point(budget, baseline).items() if name in objectives}
    missed = nearest_miss(ordered, budget)
    states = Counter(record.state for record in ordered)
    return Summary(
        run=run,
        device=device,
        objectives=tuple(objectives),
        metric=find_metric(metric),
        metrics=_scored_by(ordered, metric),
        budget=budget,
        n_trials=len(ordered),
        n_trained=states["complete"],
        n_feasible=sum(record.feasible for record in ordered),
        n_rejected=states["rejected"],
        n_failed=states["failed"],
        rejections=_counted(ordered, "rejected"),
        failures=_counted(ordered, "failed"),
        hypervolume=hypervolume(ordered, objectives, reference),
        reference_point=reference,
        front=tuple(row.point for record in best for row in rows if row.trial == record.trial and row.point),
        knee=knee(best, objectives).trial if best else None,
        nearest_miss=missed.trial if missed else None,
        spent=_spent(ordered),
        trials=rows,
    )


def trial_row(
    record: TrialRecord,
    *,
    on_front: bool,
    test: Mapping[str, Measurement] | None = None,
    own: InterpreterName = "tflm",
    metric: str = "",
) -> TrialRow:
    """The row of one record, with what the record alone does not know.

    Parameters
    ----------
    own
        The board's own interpreter.
    metric
        Name of the metric that is the objective; empty for the first that it was scored by.
    """
    return TrialRow(
        trial=record.trial,
        state=record.state,
        reason=record.reason,
        feasible=record.feasible,
        on_front=on_front,
        space=record.space,
        compression=record.compression,
        footprint=record.score.footprint if record.score else record.predicted,
        excess=record.excess,
        seconds=record.seconds,
        point=_point(record, record.score, test, own, metric) if record.score else None,
    )


def staircase(points: Sequence[FrontPoint], cost: str) -> tuple[FrontPoint, ...]:
    """The points that are better than every point of no more `cost`, by growing cost.

    `cost` is a figure of `Footprint`.  It is the front of quality and that one
    cost: a front of four objectives also holds points that lie off it.
    """
    steps: list[FrontPoint] = []
    ordered = sorted(points, key=lambda each: (getattr(each.footprint, cost), each.loss, each.trial))
    for point in ordered:
        if not steps or point.loss < steps[-1].loss:
            steps.append(point)
    return tuple(steps)


def _scored_by(records: Sequence[TrialRecord], metric: str) -> tuple[str, ...]:
    """Names of all metrics of the records, that of the objective first."""
    return in_order({metric, *(name for each in records if each.score for name in each.score.metrics)}, metric)


def _point(
    record: TrialRecord, score: Score, test: Mapping[str, Measurement] | None, own: InterpreterName, metric: str
) -> FrontPoint:
    return FrontPoint(
        trial=record.trial,
        metric=metric or next(iter(score.metrics)),
        metrics=score.metrics,
        test_metrics=test,
        footprint=score.footprint,
        download_bytes=score.download_bytes,
        params=score.params,
        space=record.space,
        compression=record.compression,
        artifact=f"trials/{record.trial:04d}/model.tflite",
        sha256=score.sha256,
        interpreter=score.interpreter,
        stand_in=score.interpreter != own,
    )


def _counted(records: Sequence[TrialRecord], state: State) -> dict[str, int]:
    causes = Counter(_cause(record) for record in records if record.state == state)
    return dict(sorted(causes.items(), key=lambda item: (-item[1], item[0])))


def _cause(record: TrialRecord) -> str:
    """What trials of one cause have in common: the limits broken, else the reason without its numbers."""
    broken = [title(name) for name, value in record.excess.items() if value > 0]
    if broken and record.state == "rejected":
        return f"{' and '.join(broken)} over the limit"
    bare = re.sub(r"\d+(\.\d+)?", "#", record.reason)
    return textwrap.shorten(bare, _CAUSE_WIDTH, placeholder="...") or "no reason given"


def _spent(records: Sequence[TrialRecord]) -> Spent | None:
    trained = [record.seconds for record in records if record.state == "complete"]
    if not trained:
        return None
    whole = sum(each.total for each in trained)
    by_phase = {phase: [getattr(each, phase) for each in trained] for phase in PHASES}
    return Spent(
        median_total=statistics.median(each.total for each in trained),
        median={phase: statistics.median(values) for phase, values in by_phase.items()},
        share={phase: sum(values) / whole if whole else 0.0 for phase, values in by_phase.items()},
        from_cache=sum(each.train == 0 for each in trained),
    )
