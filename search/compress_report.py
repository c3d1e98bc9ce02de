"""Before and after of one compression: the record, its JSON, its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compressors.compressor import Value
from devices.artifact import Target
from devices.footprint import exceeded
from search import codec
from search.columns import aligned
from search.metrics.catalog import find_metric, in_order, quality_metric
from search.metrics.measurement import Measurement
from search.metrics.metric import Metric
from search.pruning_trial import PruningFacts
from search.record import Score
from search.text import values
from search.units import interval_unit, kilobytes, measured, milliseconds_range, named


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
        Every metric of the task by name on the test split; None where the file was not run on it.
    reason
        Why one of them is missing; empty where none is.
    """

    name: str
    score: Score | None
    test: Mapping[str, Measurement] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a network was and what became of it.

    Attributes
    ----------
    model, data, device
        As named in the command.
    metric
        Name of the metric that is the job's objective: the one in the table.
    float_metrics
        Every metric of the task by name, of the network itself, before any
        file was made, on the validation split.
    rows
        float32, int8 and compressed, in this order.
    compression
        Settings of each technique applied, by technique name.
    excess
        Figure above its limit by how much, by name; all ``<= 0`` fits.
    pruning
        How far it was pruned; None where a plan says how far.
    targets
        What is predicted: the scale that makes the files' outputs values; empty for other tasks.
    notes
        What is assumed, a sentence each.
    """

    model: str
    data: str
    device: str
    metric: str
    float_metrics: Mapping[str, Measurement]
    rows: tuple[Row, ...]
    compression: Mapping[str, Mapping[str, Value]]
    excess: Mapping[str, float]
    pruning: PruningFacts | None = None
    targets: tuple[Target, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def quality(self) -> Metric:
        """The metric by which techniques judge networks of the task, such as how far to prune."""
        return find_metric(quality_metric(find_metric(self.metric).task))

    @property
    def fits(self) -> bool:
        """True when no limit is broken."""
        return all(value <= 0 for value in self.excess.values())


def report_document(report: Report) -> dict[str, Any]:
    """The JSON document of ``compress --json`` with a plan or an accuracy, and of ``report.json``."""
    pruning = None
    if report.pruning is not None:
        pruning = codec.unstructure(report.pruning)
        name = report.quality.name
        pruning["tried"] = [{"share": share, name: value} for share, value in report.pruning.tried]
    return {
        "model": report.model,
        "data": report.data,
        "device": report.device,
        "fits": report.fits,
        "excess": dict(report.excess),
        "metric": report.metric,
        **_figures(report.float_metrics, "float_", report.metric),
        "rows": [_row(row, report.metric) for row in report.rows],
        "compression": {name: dict(settings) for name, settings in report.compression.items()},
        "pruning": pruning,
        **({"targets": [codec.unstructure(each) for each in report.targets]} if report.targets else {}),
        "notes": list(report.notes),
    }


def _figures(metrics: Mapping[str, Measurement], prefix: str, first: str) -> dict[str, float | int]:
    figures: dict[str, float | int] = {}
    for name in in_order(metrics, first):
        figures |= metrics[name].as_figures(prefix + name)
    return figures


def _row(row: Row, first: str) -> dict[str, Any]:
    score = row.score
    if score is None:
        return {"name": row.name, "reason": row.reason}
    reason = {"reason": row.reason} if row.reason else {}
    cost = score.footprint
    figures = ("flash_bytes", "model_bytes", "ram_bytes", "arena_bytes", "macs")
    times = ("latency_ms", "latency_low_ms", "latency_high_ms")
    return {
        "name": row.name,
        **_figures(score.metrics, "", first),
        **_figures(row.test or {}, "test_", first),
        **({} if score.threshold is None else {"threshold": score.threshold}),
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
_COSTS = ("model", "download", "flash", "arena", "latency", "params")
_COST_UNITS = ("kB", "kB", "est. kB", "kB", "est. ms (90 %)", "")


def _headings(metric: Metric) -> tuple[tuple[str, ...], ...]:
    unit = interval_unit(metric)
    return ("", f"val. {metric.title}", f"test {metric.title}", *_COSTS), ("", unit, unit, *_COST_UNITS)


def report_text(report: Report) -> str:
    """The same as text; ends in a newline."""
    fits = "fits" if report.fits else f"does not fit: over by {exceeded(dict(report.excess))}"
    lines = [f"{report.model} on {report.device}: {fits}", ""]
    metric = find_metric(report.metric)
    cells = (_cells(row, metric) for row in report.rows if row.score is not None)
    lines += aligned([*_headings(metric), *cells], left=(0,))
    lines += [f"{row.name}: {row.reason}" for row in report.rows if row.reason]
    steps = "; ".join(f"{name} ({values(each)})" for name, each in report.compression.items())
    lines += ["", f"compressed by: {steps}"]
    lines += [] if report.pruning is None else [pruning_text(report.pruning, report.quality)]
    lines += [*report.notes, *_further(report), *_scales(report)]
    of = f"{metric.title}{_unit(report)}: of the model file"
    lines += [f"{of}, run by {_interpreter(report)}; {_sizes(report)}; 1 kB = 1000 bytes"]
    return "\n".join(lines) + "\n"


def _further(report: Report) -> list[str]:
    """The task's other metrics of the compressed file, a line a split."""
    last, lines = report.rows[-1], []
    for split, metrics in (("validation", last.score.metrics if last.score else {}), ("test", last.test or {})):
        others = [find_metric(name) for name in in_order(metrics) if name != report.metric]
        if others:
            lines.append(
                f"also of {last.name}, {split}: {', '.join(named(each, metrics[each.name]) for each in others)}"
            )
    return lines


def _scales(report: Report) -> list[str]:
    """What makes an output a value, or tells an anomaly."""
    lines = [f"outputs: {target.name} = output x {target.deviation:g} + {target.mean:g}" for target in report.targets]
    threshold = None if report.rows[-1].score is None else report.rows[-1].score.threshold
    if threshold is not None:
        lines.append(
            f"an anomaly is an input whose mean squared difference to its output is above {threshold:g} "
            "(chosen on validation)"
        )
    return lines


def _unit(report: Report) -> str:
    """What is to be known of the metric's unit; empty where it has none of its own."""
    if not report.targets or report.metric == report.quality.name:
        return ""
    return " in the target's unit" if len(report.targets) == 1 else ", the mean over the targets in their units"


def _cells(row: Row, metric: Metric) -> tuple[str, ...]:
    assert row.score is not None
    cost, score = row.score.footprint, row.score
    download = "-" if score.download_bytes is None else kilobytes(score.download_bytes)
    return (
        row.name,
        measured(metric, score.metrics[metric.name]),
        measured(metric, row.test[metric.name]) if row.test else "-",
        kilobytes(cost.model_bytes),
        download,
        kilobytes(cost.flash_bytes),
        kilobytes(cost.arena_bytes),
        milliseconds_range(cost.latency_ms, cost.latency_low_ms, cost.latency_high_ms),
        str(score.params),
    )


def pruning_text(facts: PruningFacts, metric: Metric) -> str:
    """How far a network was pruned, in a sentence; `metric` judged."""
    failed = (
        "no share lost too much"
        if facts.failed is None
        else f"{100 * facts.failed:.4g} % was the least that lost too much"
    )
    return (
        f"pruned by {100 * facts.share:.4g} % of every group of channels, {failed}; "
        f"{facts.evaluations} networks evaluated for an {metric.title} of at least {_share(metric, facts.floor)}"
    )


def _share(metric: Metric, value: float) -> str:
    return f"{100 * value:.4g} %" if metric.percent else f"{value:.4g}"


def _interpreter(report: Report) -> str:
    return next(
        (_INTERPRETERS[row.score.interpreter] for row in report.rows if row.score is not None), "no interpreter"
    )


def _sizes(report: Report) -> str:
    tested = next((row.test for row in report.rows if row.test is not None), None)
    test = "" if tested is None else f", test n = {tested[report.metric].n}"
    return f"validation n = {report.float_metrics[report.metric].n}{test}"
