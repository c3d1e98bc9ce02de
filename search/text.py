"""What a run looks like in a terminal: plain text without colours, every estimate labelled as one."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compressors.compressor import Value
from devices.footprint import Budget
from search.columns import aligned
from search.metrics.catalog import find_metric, in_order
from search.metrics.measurement import Measurement
from search.metrics.metric import Metric
from search.summary import FrontPoint, Summary, TrialRow
from search.units import duration, figure, interval_unit, kilobytes, measured, milliseconds_range, named, quality, title

WIDTH = 100
"""Columns that fit any terminal in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """Two lines of heading and the side its cells stand on."""

    name: str
    unit: str
    left: bool = False


def _heading(metric: Metric) -> tuple[_Column, ...]:
    return (
        _Column(name="trial", unit=""),
        _Column(name=f"val. {metric.title}", unit=interval_unit(metric)),
        _Column(name=f"test {metric.title}", unit=interval_unit(metric)),
        _Column(name="flash", unit="est. kB"),
        _Column(name="model", unit="kB"),
        _Column(name="download", unit="kB"),
        _Column(name="RAM", unit="est. kB"),
        _Column(name="latency", unit="est. ms (90 %)"),
        _Column(name="space, compression", unit="", left=True),
    )


_TEST, _DOWNLOAD = 2, 5
_NO_BREAK = "\u00a0"


def table(summary: Summary, *, all_trials: bool = False, width: int | None = None) -> str:
    """The run's front as text, with all that is needed to judge it; ends in a newline.

    Parameters
    ----------
    all_trials
        Adds one line for each trial that is not on the front.
    width
        Columns to cut long rows and wrap long sentences to; None leaves them long.
    """
    lines = [*_wrapped(_header(summary), width), ""]
    lines += [*(_cut(line, width) for line in _rows(summary)), ""] if summary.front else _nothing_fits(summary)
    lines += _wrapped([*legend(summary), *_spent(summary)], width)
    rest = [row for row in summary.trials if not row.on_front] if all_trials else []
    if rest:
        lines += ["", "not on the front:", *(progress_line(row, width=width) for row in rest)]
    return "\n".join(lines) + "\n"


def progress_line(row: TrialRow, *, width: int | None = WIDTH) -> str:
    """One line for a trial that has just ended, cut to `width` columns.

    The word after the number says how it went: ``front`` joined the front,
    ``over`` was trained and is over a limit after all, ``trained`` is within
    the limits and dominated, ``rejected`` and ``failed`` say why.
    """
    if row.point is None:
        return _cut(f"#{row.trial:04d} {row.state:<9} {row.space:<17}   {row.reason or 'no reason given'}", width)
    word = "front" if row.on_front else "trained" if row.feasible else "over"
    cost = row.point.footprint
    # What is over comes early, so that a narrow terminal does not cut it off.
    by = "" if row.feasible else f"  {over(row.excess)}"
    line = (
        f"#{row.trial:04d} {word:<9} {row.space:<17} {_shown(row.point)}{by}"
        f"  model {kilobytes(cost.model_bytes):>5} kB  est. RAM {kilobytes(cost.ram_bytes):>5} kB"
        f"  est. {figure('latency_ms', cost.latency_ms)}  {duration(row.seconds.total)}"
    )
    return _cut(line, width)


def _shown(point: FrontPoint) -> str:
    metric = find_metric(point.metric)
    value = quality(metric, point.quality.value)
    return f"{value:>5} %" if metric.percent else f"{metric.title} {value:>5}"


def best_so_far(summary: Summary, *, rows: int = 5, width: int | None = WIDTH) -> str:
    """The points of a running search's front that are best in quality, a few lines; ends in a newline."""
    if not summary.front:
        return f"best so far: nothing fits yet ({summary.n_trained} trained, {summary.n_rejected} rejected)\n"
    best = sorted(summary.front, key=lambda each: each.loss)[:rows]
    more = len(summary.front) - len(best)
    head = f"best so far, {trial_count(len(summary.front))} on the front, hypervolume {summary.hypervolume:.3f}:"
    lines = [head, *(f"  {_brief(point)}" for point in best)]
    lines += [f"  and {more} smaller or faster"] if more else []
    return "\n".join(_cut(line, width) for line in lines) + "\n"


def values(settings: Mapping[str, Value]) -> str:
    """Settings on one line: ``filters 0.5, steps 3``."""
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in settings.items()
    )


def limits(budget: Budget) -> str:
    """The limits on one line."""
    latency = "none" if budget.latency_ms is None else figure("latency_ms", budget.latency_ms)
    return f"limits: flash {kilobytes(budget.flash_bytes)} kB, RAM {kilobytes(budget.ram_bytes)} kB, latency {latency}"


def over(excess: Mapping[str, float]) -> str:
    """By how much which limits are broken: ``over by flash 3.2 kB, RAM 0.4 kB``."""
    broken = (f"{title(name)} {figure(name, value)}" for name, value in excess.items() if value > 0)
    return f"over by {', '.join(broken)}"


def counts(summary: Summary) -> list[str]:
    """How the trials went: a line, and one each for the causes of rejections and failures."""
    parts = [f"{summary.n_trained} trained ({summary.n_feasible} fit the limits, {len(summary.front)} on the front)"]
    parts += [f"{summary.n_rejected} rejected before training"] if summary.n_rejected else []
    parts += [f"{summary.n_failed} failed"] if summary.n_failed else []
    lines = [f"{trial_count(summary.n_trials)}: {', '.join(parts)}"]
    for word, causes in (("rejected", summary.rejections), ("failed", summary.failures)):
        if causes:
            lines.append(f"  {word}: " + ", ".join(f"{count} {cause}" for cause, count in causes.items()))
    return lines


def _header(summary: Summary) -> list[str]:
    corner = ", ".join(
        f"{title(name)} {figure(name, value)}" + (" (no limit set)" if _unlimited(summary, name) else "")
        for name, value in summary.reference_point.items()
    )
    return [
        f"{summary.run} on {summary.device}",
        limits(summary.budget),
        *counts(summary),
        f"hypervolume {summary.hypervolume:.3f} of 1, measured from {corner}",
    ]


def _unlimited(summary: Summary, name: str) -> bool:
    return name == "latency_ms" and summary.budget.latency_ms is None


def _rows(summary: Summary) -> list[str]:
    known = {
        _TEST: any(point.test_quality for point in summary.front),
        _DOWNLOAD: any(point.download_bytes is not None for point in summary.front),
    }
    heading = _heading(summary.metric)
    shown = [index for index in range(len(heading)) if known.get(index, True)]
    cells = [[column.name for column in heading], [column.unit for column in heading]]
    cells += [_cells(point, knee=point.trial == summary.knee) for point in summary.front]
    left = [place for place, index in enumerate(shown) if heading[index].left]
    return aligned([[row[index] for index in shown] for row in cells], left=left)


def _cells(point: FrontPoint, *, knee: bool) -> list[str]:
    cost, metric = point.footprint, find_metric(point.metric)
    return [
        f"{'*' if knee else ''}{'~' if point.stand_in else ''}{point.trial}",
        measured(metric, point.quality),
        measured(metric, point.test_quality) if point.test_quality else "-",
        kilobytes(cost.flash_bytes),
        kilobytes(cost.model_bytes),
        "-" if point.download_bytes is None else kilobytes(point.download_bytes),
        kilobytes(cost.ram_bytes),
        milliseconds_range(cost.latency_ms, cost.latency_low_ms, cost.latency_high_ms),
        "; ".join((point.space, *(_technique(name, each) for name, each in point.compression.items()))),
    ]


def _technique(name: str, settings: Mapping[str, Value]) -> str:
    """The technique and what the search chose of it; ``show`` has the settings that are the same everywhere."""
    from compressors.catalog import COMPRESSORS  # with numpy, which reading a module should not cost

    searched = {each.name: {wish.name for wish in each.hyperparameters} for each in COMPRESSORS}
    known = searched.get(name, settings)
    chosen = {key: value for key, value in settings.items() if key in known and value is not True}  # on, or not here
    return f"{name} ({values(chosen)})" if chosen else name


def legend(summary: Summary) -> list[str]:
    """What the marks and figures of the table mean, a line each."""
    if not summary.front:
        return []
    lines = [
        f"{summary.metric.title}: of the model file; validation {_n([point.quality for point in summary.front])}"
        + _tested([point.test_quality for point in summary.front if point.test_quality]),
        *_further(summary),
        "flash: model file (exact) + runtime code (est.); RAM: tensor arena + static RAM (est.); 1 kB = 1000 bytes",
    ]
    if any(point.footprint.frontend_flash_bytes for point in summary.front):
        lines.append(
            "flash, RAM and latency hold the front-end (est.) or table's encoding, RAM a raw sample; see 'show'"
        )
    if any(point.download_bytes is not None for point in summary.front):
        lines.append("download: the model file as a Huffman-coded package (exact)")
    if any(point.footprint.stored_bytes is not None for point in summary.front):
        lines.append("huffman_coding: that package is what flash holds; RAM then holds the model file too")
    if summary.knee is not None:
        lines.append(
            f"*: the knee: least loss of {summary.metric.title} plus mean loss of the costs, each scaled to the "
            "front's range"
        )
    others = sorted({point.interpreter for point in summary.front if point.stand_in})
    if others:
        lines.append(
            f"~: {summary.metric.title} run by {', '.join(others)}, not by the device's own interpreter, whose outputs "
            "may differ"
        )
    return lines


def _further(summary: Summary) -> list[str]:
    """The other metrics of the knee, on the test split where that was opened."""
    for point in summary.front:
        if point.trial == summary.knee:
            metrics, split = point.test_metrics or point.metrics, "test" if point.test_metrics else "validation"
            others = [find_metric(name) for name in in_order(metrics) if name != point.metric]
            shown = (named(each, metrics[each.name]) for each in others)
            return [f"also of trial {point.trial}, {split}: {', '.join(shown)}"] if others else []
    return []


def _n(shares: Sequence[Measurement]) -> str:
    sizes = sorted({share.n for share in shares})
    return f"n = {sizes[0]}" if len(sizes) == 1 else f"n = {sizes[0]} to {sizes[-1]}"


def _tested(shares: Sequence[Measurement]) -> str:
    return f", test {_n(shares)}" if shares else " (trials were chosen by it); the test split is unopened"


def _nothing_fits(summary: Summary) -> list[str]:
    if not summary.n_trials:
        return ["No trial has ended; where the search has, give it more time."]
    lines = ["Nothing fits: no trained trial is within the limits."]
    for row in summary.trials:
        if row.trial == summary.nearest_miss:
            lines.append(f"The closest is trial {row.trial}: {over(row.excess)}.")
    return lines


def _spent(summary: Summary) -> list[str]:
    if summary.spent is None:
        return []
    by_share = sorted(summary.spent.share.items(), key=lambda item: -item[1])
    parts = [f"{name.replace('_', '-')} {100 * share:.0f} %" for name, share in by_share if share >= 0.005]
    cached = summary.spent.from_cache
    return [
        f"seconds: {duration(summary.spent.median_total)} a trained trial (median); {', '.join(parts)}"
        + (f"; {cached} of {summary.n_trained} reused trained weights" if cached else "")
    ]


def _brief(point: FrontPoint) -> str:
    cost, metric = point.footprint, find_metric(point.metric)
    sign = " %" if metric.percent else f" {metric.title}"
    return (
        f"#{point.trial:04d} {measured(metric, point.quality):>17}{sign}  model {kilobytes(cost.model_bytes):>6} kB"
        f"  est. flash {kilobytes(cost.flash_bytes):>5} kB  RAM {kilobytes(cost.ram_bytes):>5} kB"
        f"  {figure('latency_ms', cost.latency_ms)}"
    )


def trial_count(count: int) -> str:
    """``1 trial``, ``2 trials``."""
    return f"{count} trial{'' if count == 1 else 's'}"


def _wrapped(lines: Sequence[str], width: int | None) -> list[str]:
    """Sentences broken between words at `width`, what follows set in by four."""
    if width is None:
        return list(lines)
    # A number stays with what it counts.
    bound = (re.sub(r"(?<=\d) (?=\S)", _NO_BREAK, line) for line in lines)
    parts = (part for line in bound for part in textwrap.wrap(line, width, subsequent_indent="    "))
    return [part.replace(_NO_BREAK, " ") for part in parts]


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else f"{line[: width - 3]}..."
