"""The Pareto front of a run, how good it is, and one model picked from it.

Works on records alone: numpy and moocore are imported when a front is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from devices.footprint import Budget
from devices.suggestion import suggestion
from search.errors import JobError, NothingFitsError
from search.metrics.catalog import METRICS
from search.metrics.metric import Metric
from search.record import Score, TrialRecord

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

UNLIMITED_LATENCY_MS = 1000.0
"""Reference latency where the budget sets none: slower than one answer a second adds no hypervolume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One figure a search improves.

    Attributes
    ----------
    name
        Its name in jobs, tables and JSON.
    side
        ``quality`` of the answers or ``cost`` on the device.
    direction
        ``max`` or ``min``.
    unit
        Unit of the value; empty for a share.
    best
        The best value there can be: the other corner of the hypervolume's box.
    of
        Reads the value from a score.
    """

    name: str
    side: Literal["quality", "cost"]
    direction: Literal["max", "min"]
    unit: str
    best: float
    of: Callable[[Score], float]

    def loss(self, record: TrialRecord) -> float:
        """The value of a scored trial, signed so that less is better.

        Raises
        ------
        JobError
            When the trial was scored without it: it belongs to another task.
        """
        if record.score is None:
            raise ValueError(f"trial {record.trial} is {record.state} and has no {self.name}")
        try:
            value = self.of(record.score)
        except KeyError as error:
            raise JobError(f"trials have no {self.name}: {suggestion(self.name, record.score.metrics)}") from error
        return -value if self.direction == "max" else value


def _of_metric(metric: Metric) -> Objective:
    name = metric.name
    return Objective(
        name=name,
        side="quality",
        direction=metric.direction,
        unit="",
        best=metric.best,
        of=lambda score: score.metrics[name].value,
    )


OBJECTIVES = (
    *(_of_metric(metric) for metrics in METRICS.values() for metric in metrics),
    Objective(
        name="flash_bytes",
        side="cost",
        direction="min",
        unit="B",
        best=0.0,
        of=lambda score: score.footprint.flash_bytes,
    ),
    Objective(
        name="ram_bytes", side="cost", direction="min", unit="B", best=0.0, of=lambda score: score.footprint.ram_bytes
    ),
    Objective(
        name="latency_ms",
        side="cost",
        direction="min",
        unit="ms",
        best=0.0,
        of=lambda score: score.footprint.latency_ms,
    ),
)
COSTS = tuple(objective.name for objective in OBJECTIVES if objective.side == "cost")
DEFAULT_OBJECTIVES = ("accuracy", *COSTS)

_PICKED_BY: Mapping[str, str] = {
    **{objective.name: objective.name for objective in OBJECTIVES if objective.side == "quality"},
    "flash": "flash_bytes",
    "ram": "ram_bytes",
    "latency": "latency_ms",
}
PICKS = ("quality", *_PICKED_BY, "knee")


def named_objectives(names: Sequence[str]) -> tuple[Objective, ...]:
    """The objectives of these names, in this order.

    Raises
    ------
    JobError
        When there is none, one twice, or an unknown one.
    """
    known = {objective.name: objective for objective in OBJECTIVES}
    if not names:
        raise JobError(f"A front needs at least one objective, got none. Known: {', '.join(sorted(known))}.")
    for index, name in enumerate(names):
        if name not in known:
            raise JobError(f"{name!r} is not an objective: {suggestion(name, known)}")
        if name in names[:index]:
            raise JobError(f"The objective {name!r} is named twice; name it once.")
    return tuple(known[name] for name in names)


def front(records: Sequence[TrialRecord], objectives: Sequence[str] = DEFAULT_OBJECTIVES) -> tuple[TrialRecord, ...]:
    """The feasible records that no feasible record dominates, by growing flash.

    `a` dominates `b` when it is no worse in every objective and better in one.
    Of records equal in every objective, only the lowest trial number stays.
    The order of `records` does not matter.
    """
    import moocore

    chosen = named_objectives(objectives)
    feasible = sorted((record for record in records if record.feasible), key=lambda record: record.trial)
    if not feasible:
        return ()
    # Of equal rows moocore keeps the first, which is the lowest trial number.
    stays = moocore.is_nondominated(_losses(feasible, chosen))
    kept = [record for record, stay in zip(feasible, stays, strict=True) if stay]
    return tuple(sorted(kept, key=lambda record: (_flash(record), record.trial)))


def reference_point(budget: Budget, baseline: Mapping[str, float] | None = None) -> Mapping[str, float]:
    """The worst value of each objective that still counts.

    Accuracy 0, so that hypervolumes stay comparable with those of earlier
    versions; of other metrics the baseline's value; the budget's flash and RAM,
    and the budget's latency or, where it sets none, `UNLIMITED_LATENCY_MS`.

    Parameters
    ----------
    baseline
        What the trivial answer gets in each metric, see `search.metrics.baseline`.
    """
    fixed = {each.name: each.reference for metrics in METRICS.values() for each in metrics}
    return {
        **(baseline or {}),
        **{name: reference for name, reference in fixed.items() if reference is not None},
        "flash_bytes": float(budget.flash_bytes),
        "ram_bytes": float(budget.ram_bytes),
        "latency_ms": UNLIMITED_LATENCY_MS if budget.latency_ms is None else budget.latency_ms,
    }


def hypervolume(records: Sequence[TrialRecord], objectives: Sequence[str], reference: Mapping[str, float]) -> float:
    """Share of the box from the reference point to the best values that the feasible records dominate, 0..1.

    Each objective is scaled to 0 at its best value and 1 at the reference, so
    the box has volume 1.  A record worse than the reference in any objective
    adds nothing.  0 when nothing is feasible.  (Zitzler and Thiele 1998, the
    size of the space covered, here of a normalised space.)

    Raises
    ------
    ValueError
        When the reference lacks an objective or equals its best value.
    """
    import moocore
    import numpy as np

    chosen = named_objectives(objectives)
    for objective in chosen:
        if reference.get(objective.name, objective.best) == objective.best:
            raise ValueError(
                f"the reference point needs a {objective.name} other than {objective.best:g}, "
                f"got {reference.get(objective.name)}"
            )
    feasible = [record for record in records if record.feasible]
    if not feasible:
        return 0.0
    sign = np.array([-1.0 if objective.direction == "max" else 1.0 for objective in chosen])
    best = sign * np.array([objective.best for objective in chosen])
    worst = sign * np.array([reference[objective.name] for objective in chosen])
    scaled = (_losses(feasible, chosen) - best) / (worst - best)
    return min(1.0, float(moocore.hypervolume(scaled, ref=np.ones(len(chosen)))))


def knee(points: Sequence[TrialRecord], objectives: Sequence[str] = DEFAULT_OBJECTIVES) -> TrialRecord:
    """The point of a front where little of one objective is left to gain without losing much of another.

    Every objective is scaled to the front's own range, 0 best and 1 worst.
    With two objectives the knee is the point farthest from the line through the
    two ends of the front, on the side of the ideal (Das 1999, "On
    characterizing the 'knee' of the Pareto curve based on normal-boundary
    intersection").  With more, Das' plane through the best point of each
    objective is not defined, or tilts at random, where one network is best in
    several costs, as the smallest mostly is.  The costs are therefore averaged
    first, so that flash, RAM and latency, which rise together, weigh as much as
    one, and the line is drawn from quality to mean cost; that is, the knee has
    the least loss of quality plus mean loss of cost.

    An objective in which all points agree does not count.  Ties, such as a
    front of two points, go to the better in quality, then the smaller in flash,
    then the lower trial number.

    Raises
    ------
    NothingFitsError
        When the front is empty.
    """
    import numpy as np

    chosen = named_objectives(objectives)
    _refuse_empty(points)
    losses = _losses(points, chosen)
    low, span = losses.min(axis=0), np.ptp(losses, axis=0)
    scaled = np.divide(losses - low, span, out=np.zeros_like(losses), where=span > 0)
    # Rounded, so that a tie is one in spite of the last bits.
    heights = np.round(scaled @ _weights(chosen, span > 0), 9)
    quality = quality_of(objectives)
    return min(zip(heights, points, strict=True), key=lambda pair: (pair[0], *_tie_break(pair[1], quality)))[1]


def quality_of(objectives: Sequence[str]) -> str:
    """The first objective of quality, which is the metric of the task; empty where costs alone are traded off."""
    return next((each.name for each in named_objectives(objectives) if each.side == "quality"), "")


def _weights(objectives: Sequence[Objective], varies: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Weight (m,) of each of m objectives: one shared by those of quality that vary, one by those of cost."""
    import numpy as np

    sides = [(objective.side, bool(each)) for objective, each in zip(objectives, varies, strict=True)]
    return np.array([1 / sides.count(side) if side[1] else 0.0 for side in sides])


def pick(
    points: Sequence[TrialRecord], how: str = "knee", objectives: Sequence[str] = DEFAULT_OBJECTIVES
) -> TrialRecord:
    """One record of a front: the best in ``quality``, a metric by its name or a cost, or the ``knee``.

    Ties go to the better in quality, then the smaller in flash, then the lower trial number.

    Raises
    ------
    JobError
        When `how` is none of `PICKS`, or a metric that the trials were not scored by.
    NothingFitsError
        When the front is empty.
    """
    if how not in PICKS:
        raise JobError(f"{how!r} is no way to pick a model: {suggestion(how, PICKS)}")
    if how == "knee":
        return knee(points, objectives)
    _refuse_empty(points)
    quality = quality_of(objectives)
    (objective,) = named_objectives((_best_by(points, quality) if how == "quality" else _PICKED_BY[how],))
    return min(points, key=lambda record: (objective.loss(record), *_tie_break(record, quality)))


def _best_by(points: Sequence[TrialRecord], quality: str) -> str:
    """The objective of quality; where there is none, the first metric that the points were scored by."""
    return quality or next(name for record in points if record.score is not None for name in record.score.metrics)


def nearest_miss(records: Sequence[TrialRecord], budget: Budget) -> TrialRecord | None:
    """The scored record whose worst excess is the smallest share of its limit; None when none is scored or one fits.

    It tells a user whose budget nothing meets how far it would have to give.
    """
    limits = {"flash_bytes": budget.flash_bytes, "ram_bytes": budget.ram_bytes, "latency_ms": budget.latency_ms}

    def worst(record: TrialRecord) -> float:
        return max(excess / (limits.get(name) or 1.0) for name, excess in record.excess.items())

    scored = [record for record in records if record.score is not None]
    if not scored or any(record.feasible for record in scored):
        return None
    return min(scored, key=lambda record: (worst(record), record.trial))


def _losses(records: Sequence[TrialRecord], objectives: Sequence[Objective]) -> npt.NDArray[np.float64]:
    """Float64 (len(records), len(objectives)), less is better."""
    import numpy as np

    return np.array([[objective.loss(record) for objective in objectives] for record in records], dtype=np.float64)


def _flash(record: TrialRecord) -> int:
    return record.score.footprint.flash_bytes if record.score is not None else 0


def _tie_break(record: TrialRecord, quality: str) -> tuple[float, int, int]:
    if record.score is None:
        return 0.0, 0, record.trial
    (objective,) = named_objectives((quality or next(iter(record.score.metrics)),))
    return objective.loss(record), _flash(record), record.trial


def _refuse_empty(points: Sequence[TrialRecord]) -> None:
    if not points:
        raise NothingFitsError(
            "The front is empty: no trained model fits the limits. Raise the budget, or search longer or in a smaller "
            "space."
        )
