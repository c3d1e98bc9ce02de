"""What each layer loses by pruning and by 4-bit weights, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search.plots import BLUE, PALE, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from search.metrics.metric import Metric
    from search.sensitivity_trial import Measured

_ROW_INCHES = 0.24
_MARKERS = "os^Dv"


def sensitivity_png(measured: Measured, title: str, metric: Metric, n: int) -> bytes:
    """A PNG: accuracy over sparsity with a line for every layer, and accuracy with 4-bit weights layer by layer.

    Parameters
    ----------
    metric
        What stands for accuracy: the quality metric of the task.
    n
        Samples that accuracies were found on, at least 1.
    """
    return png(lambda: _figure(measured, title, metric, n))


def _figure(measured: Measured, title: str, metric: Metric, n: int) -> Figure:
    from matplotlib.figure import Figure

    rows = max(len(measured.pruning.layers), len(measured.bits))
    canvas = Figure(figsize=(12, max(4.0, 1.6 + _ROW_INCHES * rows)), layout="constrained")
    canvas.suptitle(title, x=0.01, ha="left", weight="bold", parse_math=False)
    left, right = canvas.subplots(1, 2)
    _pruning(left, measured, metric, n)
    _bits(right, measured, metric)
    return canvas


def _pruning(axes: Axes, measured: Measured, metric: Metric, n: int) -> None:
    import matplotlib as mpl

    whole, unit = _scale(metric)
    table = measured.pruning
    colours = mpl.colormaps["viridis"]
    last = max(1, len(table.layers) - 1)
    for index, layer in enumerate(table.layers):
        sparsities, losses = zip(*table.losses(layer), strict=True)
        axes.plot(
            [100 * each for each in sparsities],
            [whole * (table.accuracy - loss) for loss in losses],
            marker=_MARKERS[index % len(_MARKERS)],
            markersize=4,
            linewidth=1.2,
            color=colours(0.9 * index / last),
            label=_plain(layer),
        )
    axes.set_xlabel("sparsity of this layer alone, %")
    axes.set_ylabel(f"{metric.title}{unit} (float, validation n = {n})")
    axes.grid(visible=True, color=PALE, alpha=0.25, linewidth=0.6)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)


def _scale(metric: Metric) -> tuple[float, str]:
    """What a value is multiplied by to be drawn, and the unit behind the metric's title."""
    return (100.0, ", %") if metric.percent else (1.0, "")


def _bits(axes: Axes, measured: Measured, metric: Metric) -> None:
    (whole, unit), accuracy = _scale(metric), measured.pruning.accuracy
    scored = [(each.layer, whole * (accuracy - each.loss)) for each in measured.bits if each.loss is not None]
    axes.axvline(whole * accuracy, color=PALE, linewidth=1, linestyle="--")
    places = list(range(len(scored)))
    axes.plot([value for _, value in scored], places, "o", color=BLUE, markersize=5)
    axes.set_yticks(places, [_plain(layer) for layer, _ in scored])
    axes.set_ylim(max(len(scored), 1) - 0.5, -0.5)  # the first layer on top
    axes.set_xlabel(f"{metric.title} with 4-bit weights in this layer alone{unit} (dashed: as it is)")
    axes.grid(visible=True, color=PALE, alpha=0.25, linewidth=0.6)


def _plain(name: str) -> str:
    """A name that starts no formula, and that a legend does not hide."""
    return name.replace("$", r"\$").lstrip("_") or name
