"""One trial in a terminal: all that ``tinyfront show`` says about it."""

from __future__ import annotations

from collections.abc import Mapping

from devices.footprint import Budget, Footprint
from search.columns import printable
from search.metrics.catalog import find_metric, in_order
from search.metrics.measurement import Measurement
from search.record import Score, TrialRecord
from search.summary import PHASES, trial_row
from search.text import over, values
from search.units import duration, figure, kilobytes, measured, milliseconds, milliseconds_range

_INTERPRETERS = {
    "tflm": "by the TFLM interpreter, whose outputs are the device's",
    "litert": "by LiteRT; the device's outputs may differ",
    "xnnpack": "by LiteRT with XNNPACK, which the device runs",
}


def show(
    record: TrialRecord,
    *,
    device: str,
    budget: Budget,
    on_front: bool,
    test: Mapping[str, Measurement] | None = None,
    metric: str = "",
) -> str:
    """The whole record as text; ends in a newline.

    Parameters
    ----------
    device, budget
        What its footprint was taken for.
    on_front, test
        What the record alone does not know; None: the test split is unopened.
    metric
        Name of the metric that is the objective; empty for the first that it was scored by.
    """
    lines = [f"trial {record.trial} on {device}: {_verdict(record, on_front)}"]
    if record.score is not None:
        lines += _score(record, record.score, test, metric)
    lines += _footprints(record, budget)
    lines += ["", "drawn", *(f"  {name:<40} {value}" for name, value in record.drawn.items())]
    if record.compression:
        lines += ["", "compression"]
        lines += [f"  {name:<24} {values(each)}".rstrip() for name, each in record.compression.items()]
        lines += [f"  {printable(note)}" for note in record.notes]
    lines += ["", f"seconds: {_seconds(record)}", f"space {record.space}, key {record.key}"]
    return "\n".join(lines) + "\n"


def _verdict(record: TrialRecord, on_front: bool) -> str:
    if record.score is None:
        return f"{record.state}: {record.reason or 'no reason given'}"
    if not record.feasible:
        return f"trained, {over(record.excess)}"
    return "trained, on the front" if on_front else "trained, fits the limits, dominated by the front"


def _score(record: TrialRecord, score: Score, test: Mapping[str, Measurement] | None, metric: str) -> list[str]:
    artifact = trial_row(record, on_front=False).point
    download = "-" if score.download_bytes is None else f"{score.download_bytes} B"
    return [
        "",
        *_metrics("validation", score.metrics, metric or next(iter(score.metrics))),
        *(_metrics("test", test, metric) if test else ["test split           not opened for this trial"]),
        f"                     run {_INTERPRETERS[score.interpreter]}",
        f"model                {artifact.artifact if artifact else '-'}, sha256 {score.sha256}",
        f"parameters           {score.params}",
        f"Huffman-coded        {download}",
    ]


def _metrics(split: str, metrics: Mapping[str, Measurement], chosen_by: str) -> list[str]:
    """A line a metric; the one that the search chose by says so."""
    lines = []
    for name in in_order(metrics, chosen_by):
        metric, found = find_metric(name), metrics[name]
        sign, said = (
            (" %" if metric.percent else ""),
            ("; the search chose by it" if name == chosen_by and split == "validation" else ""),
        )
        label = f"{split} {metric.title}"
        lines.append(f"{label:<20} {measured(metric, found)}{sign}, n = {found.n}, 95 % interval{said}")
    return lines


def _footprints(record: TrialRecord, budget: Budget) -> list[str]:
    """A table of what the file costs beside what was predicted before training and the limit."""
    known = [("measured", record.score.footprint)] if record.score else []
    known += [("predicted", record.predicted)] if record.predicted else []
    if not known:
        return ["", "no footprint: the network could not be built"]
    limits = {"flash_bytes": budget.flash_bytes, "ram_bytes": budget.ram_bytes, "latency_ms": budget.latency_ms}
    lines = ["", f"{'':<28}" + "".join(f"{name:>{_WIDTH}}" for name, _ in known) + f"{'limit':>14}"]
    is_coded = any(each.stored_bytes is not None for _, each in known)
    has_frontend = any(each.frontend_flash_bytes for _, each in known)
    for label, name in _FIGURES:
        if (name in _OF_PACKAGES and not is_coded) or (name in _OF_FRONTENDS and not has_frontend):
            continue
        limit = limits.get(name)
        cells = "".join(f"{_cell(each, name):>{_WIDTH}}" for _, each in known)
        lines.append(f"{label:<28}{cells}" + (f"{figure(name, limit):>14}" if limit is not None else ""))
    return [*lines, "1 kB = 1000 bytes; the measured model file is exact; predicted: for the untrained network"]


_WIDTH = 30  # of a column: 0.0182 (0.0091-0.0543) ms and some space
_FIGURES = (
    ("flash (est.)", "flash_bytes"),
    ("  model file", "model_bytes"),
    ("  in its place: package", "stored_bytes"),
    ("  runtime code (est.)", "runtime_flash_bytes"),
    ("  front-end (est.)", "frontend_flash_bytes"),
    ("RAM (est.)", "ram_bytes"),
    ("  activations", "activation_bytes"),
    ("  bookkeeping", "bookkeeping_bytes"),
    ("  static RAM (est.)", "static_ram_bytes"),
    ("  unpacked model", "unpacked_bytes"),
    ("  front-end (est.)", "frontend_ram_bytes"),
    ("latency (est., 90 %)", "latency_ms"),
    ("  front-end (est.)", "frontend_ms"),
    ("cycles (est.)", "cycles"),
    ("instructions (est.)", "instructions"),
    ("multiply-accumulates", "macs"),
)

_OF_PACKAGES = ("stored_bytes", "unpacked_bytes")  # shown where the model is stored as a package
_OF_FRONTENDS = ("frontend_flash_bytes", "frontend_ram_bytes", "frontend_ms")  # shown where there is one


def _cell(footprint: Footprint, name: str) -> str:
    if name == "latency_ms":
        interval = milliseconds_range(footprint.latency_ms, footprint.latency_low_ms, footprint.latency_high_ms)
        return f"{interval} ms"
    value = getattr(footprint, name)
    if name == "frontend_ms":
        return f"{milliseconds(value)} ms"
    if value is None:
        return "not measured"
    return f"{kilobytes(value)} kB" if name.endswith("_bytes") else f"{value}"


def _seconds(record: TrialRecord) -> str:
    parts = [(name, getattr(record.seconds, name)) for name in PHASES]
    split = ", ".join(f"{name.replace('_', '-')} {duration(value)}" for name, value in parts if value > 0)
    return f"{duration(record.seconds.total)}" + (f" ({split})" if split else "")
