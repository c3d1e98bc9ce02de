"""Metrics of regression, in the unit of the targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from search.metrics.bootstrap import bootstrap
from search.metrics.measurement import Measurement
from search.metrics.metric import Metric

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

REGRESSION = (
    Metric(
        name="rmse",
        task="regression",
        direction="min",
        best=0.0,
        title="RMSE",
        meaning="root of the mean squared error, in the target's unit; bootstrap interval",
    ),
    Metric(
        name="mae",
        task="regression",
        direction="min",
        best=0.0,
        title="MAE",
        meaning="mean absolute error, in the target's unit; bootstrap interval",
    ),
    Metric(
        name="r2",
        task="regression",
        direction="max",
        best=1.0,
        title="R2",
        meaning="share of the targets' variance that the answers explain, at most 1; bootstrap interval",
    ),
)


def figures(truth: npt.NDArray[np.float64], answers: npt.NDArray[np.float64]) -> dict[str, float]:
    """Every metric of `REGRESSION` by name, without intervals.

    With several targets each metric is the mean over them, as scikit-learn's
    ``uniform_average``: where their units differ, R2 alone has a meaning.

    Parameters
    ----------
    truth, answers
        Values (n, targets) in the targets' unit, n >= 1.

    Returns
    -------
    R2 is NaN where a target is the same in all samples.
    """
    import numpy as np

    errors = answers - truth
    squared = np.square(errors).mean(axis=0)
    variance = truth.var(axis=0)
    ratio = np.divide(squared, variance, out=np.full_like(squared, np.nan), where=variance > 0)
    return {
        "rmse": float(np.sqrt(squared).mean()),
        "mae": float(np.abs(errors).mean()),
        "r2": float((1.0 - ratio).mean()),
    }


def measure(truth: npt.NDArray[np.float64], answers: npt.NDArray[np.float64]) -> Mapping[str, Measurement]:
    """Every metric of `REGRESSION` by name, with bootstrap intervals over the samples; see `figures`.

    Raises
    ------
    ValueError
        When a target is the same in all samples, so that there is no R2.
    """
    found = figures(truth, answers)
    intervals = bootstrap(len(truth), lambda which: tuple(figures(truth[which], answers[which]).values()))
    return {
        name: Measurement.around(value, len(truth), *interval)
        for (name, value), interval in zip(found.items(), intervals, strict=True)
    }
