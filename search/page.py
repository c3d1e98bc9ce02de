"""The front as one page that needs no network: the plot inline and a table that sorts."""

from __future__ import annotations

import html
import re
from string import Template

from search.metrics.measurement import Measurement
from search.metrics.metric import Metric
from search.summary import Summary, TrialRow
from search.text import counts, legend, limits, over, values
from search.units import interval_unit, kilobytes, measured, milliseconds_range

INK = "#1b1f24"
"""Colour of text and axes in the plot; the page puts its own there, which follows the reader's theme."""


def page(summary: Summary, svg: str) -> str:
    """A self-contained HTML document of the run; `svg` is its plot, drawn in `INK`.

    Every text of the run is escaped, and a policy in the head forbids the page
    to load anything.
    """
    drawing = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    facts = (limits(summary.budget), *counts(summary), *legend(summary))
    return Template(_PAGE).substitute(
        title=html.escape(f"{summary.run} on {summary.device}"),
        hypervolume=f"{summary.hypervolume:.3f}",
        facts="".join(f"<li>{html.escape(fact.strip())}</li>" for fact in facts),
        svg=drawing.replace(INK, "currentColor"),
        head="".join(map(_head, _columns(summary.metric))),
        body="\n".join(_row(row, summary.metric, knee=row.trial == summary.knee) for row in summary.trials),
    )


def _columns(metric: Metric) -> tuple[str, ...]:
    name, unit = metric.title, interval_unit(metric)
    name += "," if metric.percent else ""
    return (
        *("trial", "state", f"val. {name} {unit}", "n", f"test {name} {unit}", "n"),
        *("flash, est. kB", "model, kB", "download, kB", "RAM, est. kB", "arena, kB", "latency, est. ms (90 %)"),
        *("MACs", "parameters", "space", "compression", "notes"),
    )


def _head(name: str) -> str:
    return f"<th scope=col><button type=button>{html.escape(name)}</button></th>"


def _row(row: TrialRow, metric: Metric, *, knee: bool) -> str:
    cost, point = row.footprint, row.point
    state = "knee" if knee else "front" if row.on_front else row.state
    cells = [
        _cell(row.trial, str(row.trial)),
        _cell(state, state),
        *_measured(metric, point.quality if point else None),
        *_measured(metric, point.test_quality if point else None),
        _kilobytes(cost.flash_bytes if cost else None),
        _kilobytes(cost.model_bytes if cost else None),
        _kilobytes(point.download_bytes if point else None),
        _kilobytes(cost.ram_bytes if cost else None),
        _kilobytes(cost.arena_bytes if cost else None),
        _cell(cost.latency_ms, milliseconds_range(cost.latency_ms, cost.latency_low_ms, cost.latency_high_ms))
        if cost
        else _UNKNOWN,
        _cell(cost.macs, f"{cost.macs:,}") if cost else _UNKNOWN,
        _cell(point.params, f"{point.params:,}") if point else _UNKNOWN,
        _cell(row.space, row.space),
        _words("; ".join(f"{name} {values(each)}".strip() for name, each in row.compression.items())),
        _words(_notes(row, metric)),
    ]
    return f'<tr class="{state}">{"".join(cells)}</tr>'


def _notes(row: TrialRow, metric: Metric) -> str:
    if row.point is None:
        return f"costs predicted, untrained; {row.reason}" if row.footprint else row.reason
    notes = [] if row.feasible else [over(row.excess)]
    notes += [f"{metric.title} run by {row.point.interpreter}; the device's may differ"] if row.point.stand_in else []
    return "; ".join(notes)


_UNKNOWN = "<td></td>"


def _cell(value: float | str, shown: str) -> str:
    kind = "" if isinstance(value, str) else " class=number"
    return f'<td{kind} data-value="{html.escape(str(value))}">{html.escape(shown)}</td>'


def _words(shown: str) -> str:
    return _cell(shown, shown)


def _measured(metric: Metric, found: Measurement | None) -> tuple[str, str]:
    if found is None:
        return _UNKNOWN, _UNKNOWN
    return _cell(found.value, measured(metric, found)), _cell(found.n, str(found.n))


def _kilobytes(count: int | None) -> str:
    return _UNKNOWN if count is None else _cell(count, kilobytes(count))


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>$title</title>
<style>
:root { color-scheme: light dark; --line: #8884; --mark: #2f6fb522; --knee: #d98a0033 }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem }
h1 { font-size: 1.3rem; margin: 0 }
ul { margin: .6rem 0; padding-left: 1.1rem; color: color-mix(in srgb, currentColor 75%, transparent) }
figure { margin: 1rem 0 }
svg { width: 100%; height: auto }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: left }
th button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: 0; cursor: pointer }
th[aria-sort=ascending] button::after { content: " \\2191" }
th[aria-sort=descending] button::after { content: " \\2193" }
td.number { text-align: right }
tr.front { background: var(--mark) }
tr.knee { background: var(--knee) }
tr.rejected, tr.failed { opacity: .65 }
table.only-front tbody tr:not(.front):not(.knee) { display: none }
</style>
</head>
<body>
<h1>$title</h1>
<ul><li>hypervolume $hypervolume of 1</li>$facts</ul>
<figure>
$svg
</figure>
<label><input type="checkbox" id="only" checked> front only</label>
<div class="wide">
<table class="only-front">
<thead><tr>$head</tr></thead>
<tbody>
$body
</tbody>
</table>
</div>
<script>
"use strict";
const table = document.querySelector("table"), body = table.tBodies[0];
const only = document.getElementById("only");
const show = () => table.classList.toggle("only-front", only.checked);
only.addEventListener("change", show);
show();
function key(row, index) {
  const text = row.cells[index].dataset.value;
  if (text === undefined) return null;
  return text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;
}
function compare(a, b, up) {
  if (a === null || b === null) return (a === null) - (b === null);  // unknown stands last either way
  const order = typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
  return up ? order : -order;
}
table.tHead.rows[0].querySelectorAll("th").forEach((head, index, heads) =>
  head.firstChild.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    [...body.rows].sort((a, b) => compare(key(a, index), key(b, index), up)).forEach(row => body.append(row));
  }));
</script>
</body>
</html>
"""
