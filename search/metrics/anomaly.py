"""Metrics of anomaly detection: how well a score tells anomalies from normal samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from search.metrics.bootstrap import bootstrap
from search.metrics.measurement import Z95, Measurement
from search.metrics.metric import Metric

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAX_FALSE_ALARMS = 0.1
"""Share of normal samples that the partial area goes up to."""
_RESAMPLES = 200  # each sorts all scores

ANOMALY_DETECTION = (
    Metric(
        name="roc_auc",
        task="anomaly_detection",
        direction="max",
        best=1.0,
        title="ROC AUC",
        meaning="area under the ROC curve, 0.5 is chance; interval of Hanley and McNeil, which has no width at 1",
    ),
    Metric(
        name="partial_auc",
        task="anomaly_detection",
        direction="max",
        best=1.0,
        title="partial AUC",
        meaning="the same up to 10 % false alarms, standardised so that 0.5 is chance (McClish); bootstrap interval",
    ),
)


def figures(truth: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]) -> dict[str, float]:
    """Every metric of `ANOMALY_DETECTION` by name, without intervals, by scikit-learn.

    The partial area is standardised after McClish 1989 (equation 4).

    Parameters
    ----------
    truth
        1 for anomalies, 0 for normal samples (n,), some of each.
    scores
        The greater, the stranger (n,).
    """
    from sklearn.metrics import roc_auc_score

    return {
        "roc_auc": float(roc_auc_score(truth, scores)),
        "partial_auc": float(roc_auc_score(truth, scores, max_fpr=MAX_FALSE_ALARMS)),
    }


def measure(truth: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]) -> Mapping[str, Measurement]:
    """Every metric of `ANOMALY_DETECTION` by name with its interval; parameters as of `figures`."""
    from sklearn.metrics import roc_auc_score

    n, found = len(truth), figures(truth, scores)

    def again(which: npt.NDArray[np.intp]) -> tuple[float]:
        drawn = truth[which]
        if drawn.min() == drawn.max():
            return (math.nan,)
        return (float(roc_auc_score(drawn, scores[which], max_fpr=MAX_FALSE_ALARMS)),)

    area, n_anomalies = found["roc_auc"], int(truth.sum())
    (partial,) = bootstrap(n, again, _RESAMPLES)
    return {
        "roc_auc": Measurement.around(area, n, *_hanley_mcneil(area, n_anomalies, n - n_anomalies)),
        "partial_auc": Measurement.around(found["partial_auc"], n, *partial),
    }


def _hanley_mcneil(area: float, n_anomalies: int, n_normal: int) -> tuple[float, float]:
    """95 % interval of an area under the ROC curve (Hanley and McNeil 1982, equation 1, for exponential scores)."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (n_anomalies - 1) * (q1 - area**2) + (n_normal - 1) * (q2 - area**2)
    half = Z95 * math.sqrt(max(0.0, variance) / (n_anomalies * n_normal))
    return max(0.0, area - half), min(1.0, area + half)


def threshold(truth: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]) -> float:
    """Score above which a sample is called an anomaly: where found anomalies less false alarms is greatest.

    It is Youden's index (1950) of the ROC curve; the threshold lies half way
    between the two neighbouring scores there.  Parameters as of `figures`.
    """
    import numpy as np

    order = np.argsort(scores, kind="stable")
    sorted_scores, anomalies = scores[order], truth[order]
    # Called an anomaly is what lies above cut k, which is between scores k and k + 1.
    missed = np.cumsum(anomalies) / anomalies.sum()
    alarms = 1 - np.cumsum(1 - anomalies) / (1 - anomalies).sum()
    index = (1 - missed - alarms)[:-1]
    index[sorted_scores[1:] == sorted_scores[:-1]] = -np.inf  # equal scores cannot be told apart
    if not len(index) or not np.isfinite(index).any():
        return float(sorted_scores[-1])
    best = int(index.argmax())
    return float((sorted_scores[best] + sorted_scores[best + 1]) / 2)
