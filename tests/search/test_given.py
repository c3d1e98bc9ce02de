"""What is said of a network that was read: how well it does, and where that is no better than nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras

from search.datasets.dataset import Dataset
from search.datasets.load import load
from search.datasets.rescale import normalization_of, rescaled
from search.given import NetworkReader, Reading

K = tf_keras.layers


def reading(folder: Path, data: Dataset, *layers: Any, weights: list[Any]) -> Reading:
    network = tf_keras.Sequential([tf_keras.Input(data.input_shape), *layers])
    network.set_weights([np.asarray(each, np.float32) for each in weights])
    network.save(folder / "network.keras")
    reader = NetworkReader(folder / "network.keras")
    reader(data)
    assert reader.reading is not None
    return reader.reading


def fitted(data: Dataset) -> list[Any]:
    """Kernel and bias of the linear regression of the targets in their unit."""
    inputs = np.c_[data.train.x, np.ones(len(data.train))]
    found = np.linalg.lstsq(inputs.astype(np.float64), data.in_units(data.train.y), rcond=None)[0]
    return [found[:-1], found[-1]]


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


def test_values_no_better_than_the_mean_are_said_with_the_scale_that_helps(table: Dataset, tmp_path: Path) -> None:
    """A network of raw inputs is read anew on each usual scale: on the wrong one its outputs look standardised."""
    raw = rescaled(table, normalization_of("none"))
    found = reading(tmp_path, table, K.Dense(1), weights=fitted(raw))
    assert reading(tmp_path, raw, K.Dense(1), weights=fitted(raw)).quality.value > 0.4
    assert found.quality.value < 0.3
    assert (
        "on the validation data, no better than answering the mean of the targets: was it trained on" in found.notes[1]
    )
    assert found.notes[2].startswith("with --set normalization=none its R2 is 0.")


def test_targets_on_a_scale_of_their_own_are_said(table: Dataset, tmp_path: Path) -> None:
    """Values over 1,000 are neither in the unit nor standardised, on any scale of the inputs."""
    kernel, bias = fitted(table)
    found = reading(tmp_path, table, K.Dense(1), weights=[kernel / 1000, bias / 1000 + 40])
    assert found.notes[-1].startswith("none of the usual scales does better: give its own with --set normalization=")
    assert found.notes[-1].endswith(" or of targets, which the data then need too")


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
    nothing = reading(tmp_path, data, K.Flatten(), K.Dense(64), weights=[np.zeros((64, 64)), np.ones(64)])
    assert nothing.quality.value < 0.9
    blind = reading(tmp_path, data, K.Flatten(), K.Dense(64, use_bias=False), weights=[np.eye(64)])
    assert "has an ROC AUC 0.500" in blind.notes[0]
    assert "no better than chance: was it trained on inputs of another scale" in blind.notes[0]
