"""Metrics of classification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from search.metrics.measurement import Measurement
from search.metrics.metric import Metric

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CLASSIFICATION = (
    Metric(
        name="accuracy",
        title="accuracy",
        task="classification",
        direction="max",
        best=1.0,
        # As it was before there were other metrics: hypervolumes stay comparable.
        reference=0.0,
        percent=True,
        meaning="share of samples classified right; Wilson interval",
    ),
)


def figures(truth: npt.NDArray[np.int64], answers: npt.NDArray[np.int64]) -> dict[str, float]:
    """Every metric of `CLASSIFICATION` by name, without intervals; parameters as of `measure`."""
    return {"accuracy": float((truth == answers).mean())}


def measure(truth: npt.NDArray[np.int64], answers: npt.NDArray[np.int64]) -> Mapping[str, Measurement]:
    """Every metric of `CLASSIFICATION` by name.

    Parameters
    ----------
    truth, answers
        Class numbers (n,), n >= 1.
    """
    return {"accuracy": Measurement.share(int((truth == answers).sum()), len(truth))}
