"""The JSON of ``pareto`` and ``show``: scripts rely on its keys."""

from __future__ import annotations

from typing import Any

from devices.footprint import Footprint
from search import codec
from search.record import Proportion, TrialRecord
from search.summary import FrontPoint, Summary, TrialRow, trial_row

FRONT_KEYS = (
    "trial",
    *("accuracy", "accuracy_n", "accuracy_low", "accuracy_high"),
    *("test_accuracy", "test_accuracy_n", "test_accuracy_low", "test_accuracy_high"),
    *("flash_bytes", "model_bytes", "download_bytes", "ram_bytes", "arena_bytes", "macs", "params"),
    *("latency_ms", "latency_low_ms", "latency_high_ms"),
    *("space", "compression", "artifact", "sha256", "interpreter"),
)
"""Keys of an entry of ``front`` in order; the ``test_...`` are absent where the test split was not opened."""


def as_document(summary: Summary, *, all_trials: bool = False) -> dict[str, Any]:
    """The JSON document of ``pareto --json``; with `all_trials` that of ``--all``.

    ``test_accuracy`` and its interval are absent where the test split was not
    opened.  In ``trials`` a figure that is not known is null, and the costs of
    a trial that has no accuracy are those predicted for the untrained network.
    """
    document = {
        "run": summary.run,
        "device": summary.device,
        "objectives": list(summary.objectives),
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
        document["trials"] = [row_document(row) for row in summary.trials]
    return document


def point_document(point: FrontPoint) -> dict[str, Any]:
    """One entry of ``front``."""
    return {
        "trial": point.trial,
        **_measured("accuracy", point.accuracy),
        **({} if point.test_accuracy is None else _measured("test_accuracy", point.test_accuracy)),
        **_costs(point.footprint, point.download_bytes, point.params),
        "space": point.space,
        "compression": codec.unstructure(point.compression),
        "artifact": point.artifact,
        "sha256": point.sha256,
        "interpreter": point.interpreter,
    }


def row_document(row: TrialRow) -> dict[str, Any]:
    """One entry of ``trials``: that of ``front`` with null for what is not known, and how the trial went."""
    known = point_document(row.point) if row.point else _unscored(row)
    return known | {
        "state": row.state,
        "reason": row.reason,
        "feasible": row.feasible,
        "on_front": row.on_front,
        "excess": dict(row.excess),
        "seconds": codec.unstructure(row.seconds) | {"total": row.seconds.total},
    }


def show_document(record: TrialRecord, *, on_front: bool, test: Proportion | None = None) -> dict[str, Any]:
    """The JSON document of ``show --json``: the whole record, parameters as drawn, and its entry of ``trials``."""
    whole: dict[str, Any] = codec.unstructure(record)
    return whole | row_document(trial_row(record, on_front=on_front, test=test))


def _measured(name: str, share: Proportion | None) -> dict[str, float | int | None]:
    if share is None:
        return dict.fromkeys((name, f"{name}_n", f"{name}_low", f"{name}_high"))
    return {**share.as_figures(name)}


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
        **_measured("accuracy", None),
        **_costs(row.footprint, None, None),
        "space": row.space,
        "compression": codec.unstructure(row.compression),
        "artifact": None,
        "sha256": None,
        "interpreter": None,
    }
