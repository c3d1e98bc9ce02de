"""What ``score`` prints in a terminal of a file on one board; every estimate is labelled as one."""

from __future__ import annotations

from devices.device import Device, Kernels
from devices.footprint import OperatorCost
from search.columns import aligned, clipped, printable, shortened, wrapped
from search.metrics.catalog import find_metric
from search.score_data import OutputScale
from search.scoring import Scored
from search.units import kilobytes, measured, milliseconds, milliseconds_range, share_of

_INDENT = 15
_MOST_OP, _MOST_SHAPE, _MOST_REASONS = 28, 20, 10
_LIBRARIES: dict[Kernels, str] = {
    "cmsis-nn": "TensorFlow Lite Micro with CMSIS-NN kernels",
    "esp-nn": "TensorFlow Lite Micro with ESP-NN kernels",
    "reference": "TensorFlow Lite Micro with its portable kernels",
    "xnnpack": "LiteRT with XNNPACK kernels",
}
_SCALES: dict[OutputScale, str] = {
    "unit": "values in the targets' unit",
    "standardised": "standardised values, (value - mean) / deviation of the training part",
}


def score_text(scored: Scored) -> str:
    """The verdict and why, flash, RAM and latency by their parts, and a line an operator; ends in a newline."""
    verdict = "fits" if scored.fits else "cannot run" if scored.unsupported else "does not fit"
    device = scored.device
    lines = [
        f"{scored.model} on {device.name} ({device.core}, {device.clock_hz / 1e6:g} MHz): {verdict}",
        *(line for reason in _reasons(scored) for line in wrapped("  ", reason)),
        *(["  the figures below are as if it could be run"] if scored.unsupported else []),
        *_line("runtime", runtime_name(device)),
        *_flash(scored),
        *_ram(scored),
        *_latency(scored),
        *_metrics(scored),
    ]
    return "\n".join(map(printable, [*lines, "", *_operators(scored)])) + "\n"


def _reasons(scored: Scored) -> list[str]:
    refused = len(scored.unsupported)
    return [*shortened(scored.unsupported, _MOST_REASONS), *scored.reasons[refused:]]


def runtime_name(device: Device) -> str:
    """Interpreter and kernels that the latency of a board holds for."""
    name = _LIBRARIES[device.kernels]
    return name if device.accelerator is None else f"{name}, and {device.accelerator.config} through Arm's Vela"


def _flash(scored: Scored) -> list[str]:
    cost, device = scored.footprint, scored.device
    whole = f"{kilobytes(cost.flash_bytes)} of {kilobytes(device.flash_bytes)} kB"
    code = "interpreter and kernels of the operators used" if device.runtime == "tflm" else "shared library"
    return [
        *_line("flash", f"{whole} ({share_of(cost.flash_bytes, device.flash_bytes)})"),
        *_part("model", f"{cost.model_bytes} B (exact){_slimmed(scored)}"),
        *_part("runtime", f"{cost.runtime_flash_bytes} B (est.), {code}"),
    ]


def _slimmed(scored: Scored) -> str:
    """What slimming would save, and whether it helps; a compiled file is another than the one given."""
    if scored.device.accelerator is not None:
        return " as Vela compiles it"
    saved = scored.footprint.model_bytes - scored.slimmed_bytes
    enough = ": enough to fit" if 0 < scored.excess["flash_bytes"] <= saved else ""
    return f"; slimmed {scored.slimmed_bytes} B, saves {saved} B{enough}"


def _ram(scored: Scored) -> list[str]:
    cost, device = scored.footprint, scored.device
    whole = f"{kilobytes(cost.ram_bytes)} of {kilobytes(device.ram_bytes)} kB"
    whole = f"{whole} ({share_of(cost.ram_bytes, device.ram_bytes)})"
    if device.runtime == "litert":
        return [
            *_line("RAM", f"{whole}, resident memory of the process"),
            *_part("activations", f"{cost.activation_bytes} B (est.){_peak(scored)}"),
            *_part("bookkeeping", f"{cost.bookkeeping_bytes} B (est.), repacked weights, tables and records"),
            *_part("static", f"{cost.static_ram_bytes} B (est.), shared library and its heap"),
        ]
    how = "calculated" if device.accelerator is None else "est."
    return [
        *_line("RAM", f"{whole}, the arena {cost.arena_bytes} B of it"),
        *_part("activations", f"{cost.activation_bytes} B ({how}){_peak(scored)}"),
        *_part("bookkeeping", f"{cost.bookkeeping_bytes} B ({how}), structures of the interpreter"),
        *_part("setup", f"{cost.setup_bytes} B ({how}), arena that setting up needs; counts where it is larger"),
        *_part("static", f"{cost.static_ram_bytes} B (est.), static data and stack beside the arena"),
    ]


def _peak(scored: Scored) -> str:
    peak = scored.peak
    if peak is None or peak.live_bytes is None:
        return ""
    gaps = scored.footprint.activation_bytes - peak.live_bytes
    return f"; peak at operator {peak.index} {clipped(peak.op, _MOST_OP)}: {peak.live_bytes} B alive" + (
        f", {gaps} B are gaps" if gaps > 0 else ""
    )


def _latency(scored: Scored) -> list[str]:
    cost = scored.footprint
    time = milliseconds_range(cost.latency_ms, cost.latency_low_ms, cost.latency_high_ms)
    counted = "not counted on this core" if cost.instructions is None else f"{cost.instructions} (est.)"
    return [
        *_line("latency", f"{time} ms (est., 90 %), {cost.cycles} cycles"),
        *_part("work", f"{cost.macs} MACs; instructions {counted}"),
        *_part("source", scored.latency_source),
    ]


def _metrics(scored: Scored) -> list[str]:
    lines = []
    for name, share in scored.shares.items():
        ran_by = "litert, a cross-check" if name.startswith("litert_") else scored.interpreter
        metric = find_metric(name.removeprefix("litert_").removeprefix("test_"))
        sign = " %" if metric.percent else ""
        lines.append(f"{name:<20} {measured(metric, share)}{sign}, n = {share.n}, by {ran_by}")
    if scored.threshold is not None:
        lines.append(
            f"{'threshold':<20} {scored.threshold:g}: an anomaly's mean squared difference to the output is above it"
        )
    if scored.output_scale is not None:
        lines.append(f"{'outputs':<20} taken for {_SCALES[scored.output_scale]}, as which they err less on validation")
    return [*lines, *(line for note in scored.notes for line in wrapped(f"{'note':<20} ", note))]


def _operators(scored: Scored) -> list[str]:
    """A table with a line an operator; M marks the memory peak and T the slowest."""
    total = sum(cost.cycles for cost in scored.operators)
    heading = ("", "", "operator", "output", "MACs", "live B", "est. cycles", "est. ms", "%")
    rows = [heading, *(_row(cost, _marks(cost, scored), total) for cost in scored.operators)]
    legend = (
        ["M: memory peaks here; T: takes longest; live B: activations and scratch in memory while it runs"]
        if scored.operators
        else []
    )
    return [*aligned(rows, left=(0, 2, 3)), *legend]


def _row(cost: OperatorCost, marks: str, total: int) -> tuple[str, ...]:
    return (
        marks,
        str(cost.index),
        clipped(cost.op, _MOST_OP),
        clipped("x".join(map(str, cost.output_shape)), _MOST_SHAPE),
        str(cost.macs),
        "-" if cost.live_bytes is None else str(cost.live_bytes),
        str(cost.cycles),
        milliseconds(cost.latency_ms),
        f"{100 * cost.cycles / total:.1f}" if total else "-",
    )


def _marks(cost: OperatorCost, scored: Scored) -> str:
    return ("M" if cost is scored.peak else "") + ("T" if cost is scored.slowest else "")


def _line(title: str, text: str) -> list[str]:
    return wrapped(title.ljust(_INDENT), text)


def _part(title: str, text: str) -> list[str]:
    return wrapped(f"  {title}".ljust(_INDENT), text)
