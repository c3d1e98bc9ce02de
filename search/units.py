"""Figures for people: one way to write bytes, milliseconds, shares and durations.

1 kB is 1000 bytes everywhere, as in the data sheets' "file size" and not the
1024 of "KiB"; exact bytes stand in JSON and CSV.
"""

from __future__ import annotations

from search.metrics.catalog import METRICS
from search.metrics.measurement import Measurement
from search.metrics.metric import Metric
from search.record import Proportion

_MANY = 1e6


def kilobytes(count: float) -> str:
    """Bytes in kB of 1000 bytes, one decimal: 24312 is ``24.3``."""
    return f"{count / 1000:.1f}"


def milliseconds(value: float) -> str:
    """Milliseconds with two digits or more, down to 0.1 microseconds: ``0.0044``, ``0.042``, ``1.23``, ``1234``."""
    if 0 < value < 0.01:
        return f"{value:.4f}"
    if value < 0.1:
        return f"{value:.3f}"
    if value < 10:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def milliseconds_range(value: float, low: float, high: float) -> str:
    """An estimate and its interval: ``12.3 (11.0-13.9)``."""
    return f"{milliseconds(value)} ({milliseconds(low)}-{milliseconds(high)})"


def percent(share: Proportion | Measurement) -> str:
    """A share and its 95 % interval, in percent: ``91.2 (88.9-93.1)``."""
    low, high = share.interval()
    return f"{100 * share.value:.1f} ({100 * low:.1f}-{100 * high:.1f})"


def quality(metric: Metric, value: float) -> str:
    """A metric's value with three digits or more, shares in percent: ``91.2``, ``0.953``, ``54.0``, ``1234``.

    From a million on, as of a network that diverged, it has three: ``-4.2e+70``.
    """
    if metric.percent:
        return f"{100 * value:.1f}"
    size = abs(value)
    if size >= _MANY:
        return f"{value:.3g}"
    if metric.best == 1.0:  # a score without a unit, such as an area under a curve
        return f"{value:.3f}"
    return f"{value:#.3g}".rstrip(".") if size < 1000 else f"{value:.0f}"


def measured(metric: Metric, measurement: Measurement) -> str:
    """A metric and its 95 % interval: ``91.2 (88.9-93.1)``, ``54.3 (50.1-58.2)``; ``to`` where an end is negative."""
    low, high = (quality(metric, end) for end in measurement.interval())
    return f"{quality(metric, measurement.value)} ({low}{' to ' if '-' in low else '-'}{high})"


def named(metric: Metric, measurement: Measurement) -> str:
    """The same behind the metric's title and with its unit: ``accuracy 91.2 (88.9-93.1) %``."""
    return f"{metric.title} {measured(metric, measurement)}{' %' * metric.percent}"


def interval_unit(metric: Metric) -> str:
    """What stands in brackets or before them in `measured`: ``% (95 %)``."""
    return "% (95 %)" if metric.percent else "(95 %)"


def share_of(count: float, whole: float) -> str:
    """A part in whole percent: ``34 %``; ``<1 %`` where it is little but not nothing."""
    share = 100 * count / whole if whole else 0.0
    return "<1 %" if 0 < share < 1 else f"{share:.0f} %"


def duration(seconds: float) -> str:
    """Seconds as ``40 ms``, ``8.2 s``, ``3 min 20 s`` or ``2 h 05 min``."""
    if 0 < seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def figure(name: str, value: float) -> str:
    """A value of an objective or limit by its name's unit: ``24.3 kB``, ``12.3 ms``, or as it is."""
    if name.endswith("_bytes"):
        return f"{kilobytes(value)} kB"
    return f"{milliseconds(value)} ms" if name.endswith("_ms") else f"{value:g}"


def title(name: str) -> str:
    """The figure's name without its unit: ``flash_bytes`` is ``flash``; a metric's own title."""
    for metrics in METRICS.values():
        for metric in metrics:
            if metric.name == name:
                return metric.title
    bare = name.removesuffix("_bytes").removesuffix("_ms")
    return "RAM" if bare == "ram" else bare
