"""Weights of classes in training."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from search.datasets.class_weights import balanced_weights
from search.datasets.prepare import prepare
from search.datasets.raw import RawData, RawPart


def test_they_are_scikit_learns_balanced() -> None:
    y = np.repeat(["often", "rare", "seldom"], [100, 5, 20])
    x = np.arange(len(y), dtype=np.float32)[:, np.newaxis]
    data = prepare(RawData(name="d", source="d", train=RawPart(x=x, y=y, x_name="x", y_name="y")))
    expected = compute_class_weight("balanced", classes=np.arange(3), y=data.train.y)
    weights = balanced_weights(data)
    assert weights == pytest.approx(expected)
    assert np.array(weights)[data.train.y].mean() == pytest.approx(1.0)
