"""The front as a picture: quality over flash, RAM and latency, as PNG, SVG or a page."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from devices.footprint import Footprint
from search.errors import JobError
from search.files import write_whole
from search.metrics.catalog import find_metric
from search.page import INK, page
from search.summary import FrontPoint, Summary, TrialRow, staircase
from search.units import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

FORMATS = (".png", ".svg", ".html")

BLUE, PALE = "#2f6fb5", "#9aa4ae"
_RED, _AMBER = "#c2413b", "#d98a00"
_PANELS = (
    ("flash_bytes", "flash: model + runtime code (est.), kB"),
    ("ram_bytes", "RAM: arena + static (est.), kB"),
    ("latency_ms", "latency (est., 90 % interval), ms"),
)
# A limit much farther out than the points would squeeze them into a corner.
_LIMIT_IN_VIEW = 2.5
_LOGARITHMIC_FROM = 2.5
# Where a label may stand beside its point, in points of 1/72 inch, the best first.
_CORNERS = ((-6, 4), (6, 4), (-6, -10), (6, -10))
_RC: dict[Any, Any] = {
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    # Text stays text: it can be searched and read aloud, and the file is a third of the size.
    "svg.fonttype": "none",
    "svg.hashsalt": "tinyfront",
}


def plot(summary: Summary, path: Path) -> None:
    """Draw the front to a file: ``.png``, ``.svg``, or ``.html`` for a page with a table; whole or not at all.

    Raises
    ------
    JobError
        When the ending is another.
    StorageError
        When the file cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise JobError(f"A plot cannot be written as {path.name!r}: name a file that ends in {', '.join(FORMATS)}.")
    write_whole(path, _content(summary, ending))


def png(draw: Callable[[], Figure]) -> bytes:
    """A picture of what `draw` draws, in the style of every picture here."""
    import matplotlib as mpl

    out = io.BytesIO()
    with mpl.rc_context(_RC):
        draw().savefig(out, format="png", dpi=150)
    return out.getvalue()


def _content(summary: Summary, ending: str) -> bytes:
    import matplotlib as mpl

    with mpl.rc_context(_RC):
        if ending == ".html":
            return page(summary, _drawn(summary, "svg", transparent=True).decode()).encode()
        return _drawn(summary, ending.removeprefix("."), transparent=False)


def _drawn(summary: Summary, kind: str, *, transparent: bool) -> bytes:
    out = io.BytesIO()
    # Without a date, equal summaries are equal files.
    metadata = {"Date": None, "Title": f"Front of {summary.run}"} if kind == "svg" else None
    _figure(summary).savefig(out, format=kind, dpi=150, transparent=transparent, metadata=metadata)
    return out.getvalue()


def _figure(summary: Summary) -> Figure:
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(13, 4.6), layout="constrained")
    # Names are shown as they are: a "$" starts no formula.
    canvas.suptitle(f"{summary.run} on {summary.device}", x=0.01, ha="left", weight="bold", parse_math=False)
    axes = canvas.subplots(1, len(_PANELS), sharey=True)
    for panel, (cost, label) in zip(axes, _PANELS, strict=True):
        _panel(panel, summary, cost, label)
    unit = ", %" if summary.metric.percent else ""
    axes[0].set_ylabel(f"{summary.metric.title}{unit} (95 % interval{_sizes(summary)})")
    if summary.metric.direction == "min":
        axes[0].invert_yaxis()  # better is up, as in every front here
    handles, labels = axes[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False, fontsize=8.5)
    # Where a number has room is known only once everything else has its place.
    canvas.draw_without_rendering()
    for panel, (cost, _) in zip(axes, _PANELS, strict=True):
        _labels(panel, summary, cost)
    return canvas


def _sizes(summary: Summary) -> str:
    sizes = sorted({row.point.quality.n for row in summary.trials if row.point})
    if not sizes:
        return ""
    return f", validation n = {sizes[0]}" + (f" to {sizes[-1]}" if len(sizes) > 1 else "")


def _panel(axes: Axes, summary: Summary, cost: str, label: str) -> None:
    others = [row for row in summary.trials if row.point and not row.on_front]
    _dominated(axes, [row for row in others if row.feasible], cost, "within limits, dominated", marker="o")
    _dominated(axes, [row for row in others if not row.feasible], cost, "trained, over a limit", marker="x")
    _front(axes, summary, cost)
    _rejected(axes, [row for row in summary.trials if row.state == "rejected"], cost)
    _window(axes, summary, cost)
    axes.set_xlabel(label)
    axes.grid(visible=True, color=PALE, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)


def _x(points: Sequence[FrontPoint], cost: str) -> list[float]:
    return [_scaled(cost, getattr(point.footprint, cost)) for point in points]


def _y(points: Sequence[FrontPoint]) -> list[float]:
    return [_on_axis(point.metric, point.quality.value) for point in points]


def _on_axis(metric: str, value: float) -> float:
    return 100 * value if find_metric(metric).percent else value


def _scaled(cost: str, value: float) -> float:
    return value / 1000 if cost.endswith("_bytes") else value


def _dominated(axes: Axes, rows: Sequence[TrialRow], cost: str, label: str, marker: str) -> None:
    points = [row.point for row in rows if row.point]
    if points:
        axes.plot(_x(points, cost), _y(points), marker, color=PALE, markersize=4, alpha=0.6, label=label, zorder=1)


def _front(axes: Axes, summary: Summary, cost: str) -> None:
    if not summary.front:
        axes.text(0.5, 0.5, "no trained trial fits the limits", ha="center", transform=axes.transAxes)
        return
    steps = staircase(summary.front, cost)
    axes.plot(_x(steps, cost), _y(steps), drawstyle="steps-post", color=BLUE, linewidth=1.5, zorder=2)
    x, y = _x(summary.front, cost), _y(summary.front)
    up_down = _spread(y, [_ends(point) for point in summary.front])
    aside = _spread(x, [(each.latency_low_ms, each.latency_high_ms) for each in _footprints(summary)])
    bars: dict[str, Any] = {"fmt": "none", "ecolor": BLUE, "elinewidth": 0.9, "alpha": 0.35}
    axes.errorbar(x, y, yerr=up_down, xerr=aside if cost == "latency_ms" else None, zorder=2, **bars)
    others = [point for point in summary.front if point not in steps]
    axes.plot(_x(steps, cost), _y(steps), "o", color=BLUE, markersize=5, label="front: best at this cost", zorder=3)
    ring: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": BLUE, "markeredgewidth": 0.9}
    axes.plot(_x(others, cost), _y(others), "o", markersize=4, label="front: by another cost", zorder=3, **ring)
    knees = [point for point in summary.front if point.trial == summary.knee]
    ring |= {"markeredgecolor": _AMBER, "markeredgewidth": 1.8}
    axes.plot(_x(knees, cost), _y(knees), "o", markersize=12, label="knee", zorder=4, **ring)


def _footprints(summary: Summary) -> list[Footprint]:
    return [point.footprint for point in summary.front]


def _ends(point: FrontPoint) -> tuple[float, float]:
    low, high = (_on_axis(point.metric, end) for end in point.quality.interval())
    return low, high


def _spread(values: Sequence[float], intervals: Sequence[tuple[float, float]]) -> list[list[float]]:
    """Lengths of error bars below and above, (2, n); the ends may miss a value by its last bits only."""
    below = [max(0.0, value - low) for value, (low, _) in zip(values, intervals, strict=True)]
    above = [max(0.0, high - value) for value, (_, high) in zip(values, intervals, strict=True)]
    return [below, above]


def _rejected(axes: Axes, rows: Sequence[TrialRow], cost: str) -> None:
    """Ticks on the axis: they have a predicted cost and no quality."""
    costs = [_scaled(cost, getattr(row.footprint, cost)) for row in rows if row.footprint]
    if costs:
        style: dict[str, Any] = {"color": _RED, "alpha": 0.45, "markersize": 7, "clip_on": True}
        feet = [0.012] * len(costs)
        axes.plot(costs, feet, "|", transform=axes.get_xaxis_transform(), label="rejected untrained", **style)


def _window(axes: Axes, summary: Summary, cost: str) -> None:
    """The part of the axis where the trained trials lie, and the limit: a line, or a note when it is far out."""
    costs = _x([row.point for row in summary.trials if row.point], cost)
    limit = getattr(summary.budget, cost)
    edge = math.inf if limit is None else _scaled(cost, limit)
    if costs:
        near = edge <= _LIMIT_IN_VIEW * max(costs)
        _scale(axes, min(costs), max(*costs, edge) if near else max(costs))
    else:
        near = limit is not None
        axes.set_xlim(0, 1.3 * edge if near else 1.0)
    if near:
        axes.axvline(edge, color=_RED, linewidth=1, linestyle="--", zorder=0)
    note = "no limit set" if limit is None else f"limit {figure(cost, limit)}" + ("" if near else ", farther right")
    frame = axes.get_xaxis_transform() if near else axes.transAxes
    axes.text(edge if near else 1.0, 1.01, note, ha="right", va="bottom", color=_RED, fontsize=8, transform=frame)


def _scale(axes: Axes, low: float, high: float) -> None:
    """An axis from a little under `low` to a little over `high`; logarithmic where they are far apart."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

    if low <= 0 or high < _LOGARITHMIC_FROM * low:
        margin = 0.06 * (high - low) or 0.1 * high or 1.0
        axes.set_xlim(low - margin, high + margin)
        return
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.set_xlim(low / 1.12, high * 1.12)


def _labels(axes: Axes, summary: Summary, cost: str) -> None:
    """Trial numbers beside the front's points, the knee's first; where no room is left only the table has them."""
    from matplotlib.transforms import Bbox

    spots = axes.transData.transform(list(zip(_x(summary.front, cost), _y(summary.front), strict=True)) or [(0, 0)])
    taken = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in spots]
    steps = staircase(summary.front, cost)
    rest = [point for point in summary.front if point not in steps]
    order = sorted((*steps, *rest), key=lambda each: each.trial != summary.knee)
    for point in order:
        # Above and left of the line lies nothing but labels.
        corners = _CORNERS if point in steps else _CORNERS[::-1]
        for right, up in corners:
            number = _number(axes, point, cost, right, up)
            # A text that lies across another, or across the panel's edge, cannot be read.
            box = number.get_window_extent().padded(0.5)
            inside = axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1
            if inside and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            number.remove()


def _number(axes: Axes, point: FrontPoint, cost: str, right: int, up: int) -> Annotation:
    (x,), (y,) = _x([point], cost), _y([point])
    side: Literal["left", "right"] = "left" if right > 0 else "right"
    return axes.annotate(f"{point.trial}", (x, y), (right, up), textcoords="offset points", ha=side, fontsize=8)
