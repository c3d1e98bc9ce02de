"""The JSON of ``pareto`` and ``show``: scripts rely on its keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devices.footprint import Footprint
from search import codec
from search.metrics.catalog import in_order
from search.metrics.confusion import Confusion
from search.metrics.measurement import Measurement
from search.record import TrialRecord
from search.summary import FrontPoint, Summary, TrialRow, trial_row

COST_KEYS = (
    *("flash_bytes", "model_bytes", "download_bytes", "ram_bytes", "arena_bytes", "macs", "params"),
    *("latency_ms", "latency_low_ms", "latency_high_ms"),
    *("space", "compression", "artifact", "sha256", "interpreter"),
)
"""Keys of an entry of ``front`` after its metrics, in order."""


def front_keys(metrics: Sequence[str]) -> tuple[str, ...]:
    """Keys of an entry of ``front`` in order, for trials scored by these metrics.

    The ``test_...`` are absent where the test split was not opened.
    """
    return ("trial", *_figure_keys(metrics), *_figure_keys([f"test_{name}" for name in metrics]), *COST_KEYS)


def _figure_keys(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{name}{end}" for name in names for end in ("", "_n", "_low", "_high"))


def as_document(summary: Summary, *, all_trials: bool = False) -> dict[str, Any]:
    """The JSON document of ``pareto --json``; with `all_trials` that of ``--all``.

    Every metric of the task stands under its own name with n and interval, and
    on the test split under ``test_`` and that name, absent where the split was
    not opened; ``metric`` is the one that is the objective.  In ``trials`` a figure
    that is not known is null, and the costs of a trial that was not scored are
    those predicted for the untrained network.
    """
    document = {
        "run": summary.run,
        "device": summary.device,
        "objectives": list(summary.objectives),
        "metric": summary.metric.name,
        "budget": codec.unstructure(summary.budget),
        "n_trials": summary.n_trials,
        "n_trained": summary.n_trained,
        "n_feasible": summary.n_feasible,
        "n_rejected": summary.n_rejected,
        "n_failed": summary.n_failed,
        "rejections": dict(summary.rejections),
        "failures": dict(summary.failures),
        "hypervolume": summary.hypervolume,
        "reference_point": dict(summary.reference_point),
        "knee": summary.knee,
        "nearest_miss": summary.nearest_miss,
        "seconds": codec.unstructure(summary.spent),
        "front": [point_document(point) for point in summary.front],
    }
    if all_trials:
        document["trials"] = [row_document(row, summary.metrics) for row in summary.trials]
    return document


def point_document(point: FrontPoint) -> dict[str, Any]:
    """One entry of ``front``."""
    return {
        "trial": point.trial,
        **_measured(point.metrics),
        **{f"test_{name}": value for name, value in _measured(point.test_metrics or {}).items()},
        **_costs(point.footprint, point.download_bytes, point.params),
        "space": point.space,
        "compression": codec.unstructure(point.compression),
        "artifact": point.artifact,
        "sha256": point.sha256,
        "interpreter": point.interpreter,
    }


def row_document(row: TrialRow, metrics: Sequence[str]) -> dict[str, Any]:
    """One entry of ``trials``: that of ``front`` with null for what is not known, and how the trial went.

    `metrics` are the names of those that scored trials have; one scored before
    there was a metric lacks it.
    """
    known = point_document(row.point) if row.point else _unscored(row)
    return (
        {"trial": row.trial}
        | dict.fromkeys(_figure_keys(metrics))
        | known
        | {
            "state": row.state,
            "reason": row.reason,
            "feasible": row.feasible,
            "on_front": row.on_front,
            "excess": dict(row.excess),
            "seconds": codec.unstructure(row.seconds) | {"total": row.seconds.total},
        }
    )


def show_document(
    record: TrialRecord,
    *,
    on_front: bool,
    test: Mapping[str, Measurement] | None = None,
    metrics: Sequence[str] = ("accuracy",),
    confusion: Confusion | None = None,
) -> dict[str, Any]:
    """The JSON document of ``show --json``: the whole record, parameters as drawn, and its entry of ``trials``.

    Of a classifier whose test split was opened also ``test_confusion``, with
    ``labels`` and ``counts`` (a row a true class, a column an answer), and
    ``test_classes`` with label, n, precision, recall and F1.
    """
    whole: dict[str, Any] = codec.unstructure(record) | row_document(
        trial_row(record, on_front=on_front, test=test), metrics
    )
    if confusion is not None:
        whole["test_confusion"] = codec.unstructure(confusion)
        whole["test_classes"] = [codec.unstructure(each) for each in confusion.classes()]
    return whole


def _measured(metrics: Mapping[str, Measurement]) -> dict[str, float | int]:
    return {key: value for name in in_order(metrics) for key, value in metrics[name].as_figures(name).items()}


def _costs(
    footprint: Footprint | None, download_bytes: int | None, params: int | None
) -> dict[str, float | int | None]:
    def figure(name: str) -> float | int | None:
        value: float | int | None = getattr(footprint, name) if footprint else None
        return value

    return {
        "flash_bytes": figure("flash_bytes"),
        "model_bytes": figure("model_bytes"),
        "download_bytes": download_bytes,
        "ram_bytes": figure("ram_bytes"),
        "arena_bytes": figure("arena_bytes"),
        "macs": figure("macs"),
        "params": params,
        "latency_ms": figure("latency_ms"),
        "latency_low_ms": figure("latency_low_ms"),
        "latency_high_ms": figure("latency_high_ms"),
    }


def _unscored(row: TrialRow) -> dict[str, Any]:
    return {
        "trial": row.trial,
        **_costs(row.footprint, None, None),
        "space": row.space,
        "compression": codec.unstructure(row.compression),
        "artifact": None,
        "sha256": None,
        "interpreter": None,
    }
