"""What is said of a network that was read: how well it does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tf_keras

from search.datasets.dataset import Dataset
from search.datasets.load import load
from search.errors import DataError
from tests.search.given import fitted, reading

K = tf_keras.layers


@pytest.fixture(scope="module")
def table() -> Dataset:
    """Ages, pressures and blood values, of 0..1 as a whole."""
    return load("diabetes")


def test_values_are_judged_in_their_unit_and_by_r2(table: Dataset, tmp_path: Path) -> None:
    """RMSE is what people read, R2 what techniques judge by."""
    found = reading(tmp_path, table, K.Dense(1), weights=fitted(table))
    part = table.validation
    kernel, bias = fitted(table)
    error = part.x @ kernel + bias - table.in_units(part.y)
    assert found.metrics["rmse"].value == pytest.approx(float(np.sqrt((error**2).mean())), rel=1e-4)
    assert found.metric == "r2"
    assert found.quality.value == pytest.approx(1 - float((error**2).mean() / table.in_units(part.y).var()), rel=1e-4)
    assert found.text().startswith("the network as given: RMSE ")
    assert f", R2 {found.quality.value:.3f} (" in found.text()
    assert found.text().endswith(" on validation, n = 88")
    assert len(found.notes) == 1


def test_anomalies_are_judged_by_the_area(tmp_path: Path) -> None:
    """A network that gives everything back finds nothing, which is said; one of few axes finds most."""
    data = load("digits", normal="3")
    axes = np.linalg.svd(data.train.x.reshape(-1, 64), full_matrices=False)[2][:8]
    end = K.Dense(64, use_bias=False)
    found = reading(tmp_path, data, K.Flatten(), end, weights=[axes.T @ axes])
    assert found.quality.value > 0.9
    assert found.text() == (
        f"the network as given: ROC AUC {found.quality.value:.3f} "
        f"({found.quality.low:.3f}-{found.quality.high:.3f}) on validation, n = {len(data.validation)}"
    )
    assert found.notes == ()


def test_values_that_are_not_finite_are_refused(table: Dataset, tmp_path: Path) -> None:
    """In words, before anything is judged by them."""
    kernel, bias = fitted(table)
    with pytest.raises(
        DataError, match=r"network\.keras': its outputs are not finite on \d+ of \d+ validation samples"
    ):
        reading(tmp_path, table, K.Dense(1), weights=[np.sign(kernel) * 3e38, np.sign(bias) * 3e38])
