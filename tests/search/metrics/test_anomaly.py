"""How well scores tell anomalies, and the score from which on they are called so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from search.metrics.anomaly import ANOMALY_DETECTION, figures, measure, threshold

RNG = np.random.default_rng(4)
TRUTH = np.repeat([0, 1], [200, 60])
SCORES = RNG.normal(size=260) + 1.5 * TRUTH


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    """Mann and Whitney's statistic, counted pair by pair."""
    pairs = SCORES[TRUTH == 1][:, np.newaxis] > SCORES[TRUTH == 0]
    assert figures(TRUTH, SCORES)["roc_auc"] == pytest.approx(pairs.mean())
    assert list(figures(TRUTH, SCORES)) == [metric.name for metric in ANOMALY_DETECTION]


def test_the_partial_area_is_standardised() -> None:
    """McClish: 0.5 where scores are chance, 1 where they are perfect, whatever the other normal samples get."""
    assert figures(TRUTH, np.zeros(260)) == {"roc_auc": 0.5, "partial_auc": 0.5}
    assert figures(TRUTH, TRUTH.astype(float)) == {"roc_auc": 1.0, "partial_auc": 1.0}
    false_alarms, found, _ = roc_curve(TRUTH, SCORES)
    grid = np.linspace(0, 0.1, 10001)
    raw = np.trapezoid(np.interp(grid, false_alarms, found), grid)
    least, most = 0.1**2 / 2, 0.1
    expected = 0.5 * (1 + (raw - least) / (most - least))
    assert figures(TRUTH, SCORES)["partial_auc"] == pytest.approx(expected, abs=2e-3)


def test_the_interval_is_hanley_and_mcneils() -> None:
    """By their formula; and it is about as wide as that of a bootstrap."""
    found = measure(TRUTH, SCORES)["roc_auc"]
    area, a, b = found.value, 60, 200
    q1, q2 = area / (2 - area), 2 * area * area / (1 + area)
    error = math.sqrt((area * (1 - area) + (a - 1) * (q1 - area**2) + (b - 1) * (q2 - area**2)) / (a * b))
    assert found.interval() == pytest.approx((area - 1.96 * error, area + 1.96 * error), abs=1e-4)
    rng = np.random.default_rng(0)
    drawn = [roc_auc_score(TRUTH[w], SCORES[w]) for w in (rng.integers(0, 260, 260) for _ in range(200))]
    assert np.percentile(drawn, 97.5) - np.percentile(drawn, 2.5) == pytest.approx(found.high - found.low, rel=0.3)


def test_the_partial_area_has_an_interval() -> None:
    """Of few anomalies a resample may have none; it is left out."""
    found = measure(TRUTH, SCORES)["partial_auc"]
    assert 0.5 < found.low < found.value < found.high < 1.0
    few = measure(np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.9, 0.8]))["partial_auc"]
    assert few.n == 4


def test_the_threshold_is_youdens() -> None:
    """Of all cuts none finds more anomalies less false alarms."""
    cut = threshold(TRUTH, SCORES)
    false_alarms, found, _ = roc_curve(TRUTH, SCORES)
    called = cut < SCORES
    assert called[TRUTH == 1].mean() - called[TRUTH == 0].mean() == pytest.approx((found - false_alarms).max())


def test_the_threshold_lies_between_scores() -> None:
    """Half way, so that neither side sits on it; equal scores stay together."""
    assert threshold(np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 4.0, 5.0])) == 3.0
    assert threshold(np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 2.0, 5.0])) in (1.5, 3.5)
    assert threshold(np.array([0, 1]), np.array([2.0, 2.0])) == 2.0
