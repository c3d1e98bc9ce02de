"""Before and after of one compression: the record, its JSON, its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compressors.compressor import Value
from devices.footprint import exceeded
from search import codec
from search.columns import aligned
from search.metrics.measurement import Measurement
from search.pruning_trial import PruningFacts
from search.record import Proportion, Score
from search.text import values
from search.units import kilobytes, milliseconds_range, percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One state of the network.

    Attributes
    ----------
    name
        ``float32``, ``int8`` or ``compressed``.
    score
        Of its file; None where no file could be made or run.
    test
        Accuracy on the test split; None where the file was not run on it.
    reason
        Why one of them is missing; empty where none is.
    """

    name: str
    score: Score | None
    test: Measurement | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a network was and what became of it.

    Attributes
    ----------
    model, data, device
        As named in the command.
    float_accuracy
        Of the network itself, before any file was made, on the validation split.
    rows
        float32, int8 and compressed, in this order.
    compression
        Settings of each technique applied, by technique name.
    excess
        Figure above its limit by how much, by name; all ``<= 0`` fits.
    pruning
        How far it was pruned; None where a plan says how far.
    notes
        What is assumed, a sentence each.
    """

    model: str
    data: str
    device: str
    float_accuracy: Proportion
    rows: tuple[Row, ...]
    compression: Mapping[str, Mapping[str, Value]]
    excess: Mapping[str, float]
    pruning: PruningFacts | None = None
    notes: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """True when no limit is broken."""
        return all(value <= 0 for value in self.excess.values())


def report_document(report: Report) -> dict[str, Any]:
    """The JSON document of ``compress --json`` with a plan or an accuracy, and of ``report.json``."""
    pruning = None
    if report.pruning is not None:
        pruning = codec.unstructure(report.pruning)
        pruning["tried"] = [{"share": share, "accuracy": accuracy} for share, accuracy in report.pruning.tried]
    return {
        "model": report.model,
        "data": report.data,
        "device": report.device,
        "fits": report.fits,
        "excess": dict(report.excess),
        **report.float_accuracy.as_figures("float_accuracy"),
        "rows": [_row(row) for row in report.rows],
        "compression": {name: dict(settings) for name, settings in report.compression.items()},
        "pruning": pruning,
        "notes": list(report.notes),
    }


def _row(row: Row) -> dict[str, Any]:
    score = row.score
    if score is None:
        return {"name": row.name, "reason": row.reason}
    reason = {"reason": row.reason} if row.reason else {}
    cost = score.footprint
    figures = ("flash_bytes", "model_bytes", "ram_bytes", "arena_bytes", "macs")
    times = ("latency_ms", "latency_low_ms", "latency_high_ms")
    return {
        "name": row.name,
        **score.accuracy.as_figures("accuracy"),
        **({} if row.test is None else row.test.as_figures("test_accuracy")),
        **{name: getattr(cost, name) for name in figures},
        "download_bytes": score.download_bytes,
        "params": score.params,
        **{name: getattr(cost, name) for name in times},
        "interpreter": score.interpreter,
        **reason,
        "sha256": score.sha256,
    }


_INTERPRETERS = {
    "tflm": "the device's interpreter",
    "litert": "LiteRT, the device's outputs may differ",
    "xnnpack": "LiteRT with XNNPACK, which the device runs",
}
_HEADINGS = (
    ("", "val. accuracy", "test accuracy", "model", "download", "flash", "arena", "latency", "params"),
    ("", "% (95 %)", "% (95 %)", "kB", "kB", "est. kB", "kB", "est. ms (90 %)", ""),
)


def report_text(report: Report) -> str:
    """The same as text; ends in a newline."""
    fits = "fits" if report.fits else f"does not fit: over by {exceeded(dict(report.excess))}"
    lines = [f"{report.model} on {report.device}: {fits}", ""]
    lines += aligned([*_HEADINGS, *(_cells(row) for row in report.rows if row.score is not None)], left=(0,))
    lines += [f"{row.name}: {row.reason}" for row in report.rows if row.reason]
    steps = "; ".join(f"{name} ({values(each)})" for name, each in report.compression.items())
    lines += ["", f"compressed by: {steps}"]
    lines += [] if report.pruning is None else [pruning_text(report.pruning)]
    lines += report.notes
    n = _sizes(report)
    lines += [f"accuracy: of the model file, run by {_interpreter(report)}; {n}; 1 kB = 1000 bytes"]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    assert row.score is not None
    cost, score = row.score.footprint, row.score
    download = "-" if score.download_bytes is None else kilobytes(score.download_bytes)
    return (
        row.name,
        percent(score.accuracy),
        percent(row.test) if row.test else "-",
        kilobytes(cost.model_bytes),
        download,
        kilobytes(cost.flash_bytes),
        kilobytes(cost.arena_bytes),
        milliseconds_range(cost.latency_ms, cost.latency_low_ms, cost.latency_high_ms),
        str(score.params),
    )


def pruning_text(facts: PruningFacts) -> str:
    """How far a network was pruned, in a sentence."""
    failed = (
        "no share lost too much"
        if facts.failed is None
        else f"{100 * facts.failed:.4g} % was the least that lost too much"
    )
    return (
        f"pruned by {100 * facts.share:.4g} % of every group of channels, {failed}; "
        f"{facts.evaluations} networks evaluated for an accuracy of at least {100 * facts.floor:.4g} %"
    )


def _interpreter(report: Report) -> str:
    return next(
        (_INTERPRETERS[row.score.interpreter] for row in report.rows if row.score is not None), "no interpreter"
    )


def _sizes(report: Report) -> str:
    tested = next((row.test for row in report.rows if row.test is not None), None)
    test = "" if tested is None else f", test n = {tested.n}"
    return f"validation n = {report.float_accuracy.n}{test}"
