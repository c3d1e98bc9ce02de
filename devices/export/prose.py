"""Markdown fragments that the model card and the read-me share."""

from __future__ import annotations

from collections.abc import Iterable

from devices.artifact import Port
from devices.export.bundle import Bundle
from devices.export.costs import Certainty, costs
from devices.export.escape import markdown
from devices.export.records import Metric


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; cells are Markdown already."""
    lines = (header, ("---",) * len(header), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cost_table(bundle: Bundle) -> str:
    """Every cost with its certainty, and what the words mean."""
    rows = [(f"`{c.name}`", number(c.value), c.certainty.value, c.meaning) for c in costs(bundle)]
    words = "\n".join(f"- **{certainty.value}**: {certainty.meaning}." for certainty in Certainty)
    return f"{table(('figure', 'value', 'certainty', 'what'), rows)}\n\n{words}"


def metric_table(bundle: Bundle) -> str:
    """Every metric with n and interval; a sentence where there is none."""
    if not bundle.metrics:
        return "No figure of merit was handed over with this artifact."
    rows = [(markdown(m.name), number(m.value), str(m.n), _interval(m)) for m in bundle.metrics]
    return table(("metric", "value", "n", "95 % interval"), rows)


def port_text(port: Port) -> str:
    """One line on an input or output."""
    shape = " x ".join(map(str, port.shape))
    if port.scale == 0.0:
        return f"{port.dtype.value}, shape {shape}, not quantised"
    return f"{port.dtype.value}, shape {shape}, real = {number(port.scale)} * (stored {plus(-port.zero_point)})"


def interpreters(bundle: Bundle) -> str:
    """Names of the interpreters that gave the golden outputs, each once."""
    return ", ".join(markdown(name) for name in dict.fromkeys(golden.interpreter for golden in bundle.golden))


def number(value: float) -> str:
    """Integers whole, other numbers to 6 significant digits."""
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def plus(value: int) -> str:
    """`value` as a summand: ``+ 3``, ``- 3``."""
    return f"{'-' if value < 0 else '+'} {abs(value)}"


def raw_meaning(bundle: Bundle) -> str:
    """What raw values are: what ``EncodeRow`` makes of a row of a table, else those of the data."""
    return "as EncodeRow in columns.h makes them of a row" if bundle.table is not None else "as in the data"


def _interval(metric: Metric) -> str:
    if metric.low is None or metric.high is None:
        return "not known"
    return f"{number(metric.low)} to {number(metric.high)}"
