"""Where a network does nothing on its data that is said, with the scale of inputs that helps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tf_keras

from search.datasets.dataset import Dataset
from search.datasets.load import load
from search.datasets.rescale import normalization_of, rescaled
from tests.search.given import fitted, reading

K = tf_keras.layers


@pytest.fixture(scope="module")
def table() -> Dataset:
    """Ages, pressures and blood values, of 0..1 as a whole."""
    return load("diabetes")


def test_values_no_better_than_the_mean_are_said_with_the_scale_that_helps(table: Dataset, tmp_path: Path) -> None:
    """Of one that was trained on values as they are."""
    raw = rescaled(table, normalization_of("none"))
    found = reading(tmp_path, table, K.Dense(1), weights=fitted(raw))
    assert reading(tmp_path, raw, K.Dense(1), weights=fitted(raw)).quality.value > 0.4
    assert found.quality.value < 0.3
    assert (
        "on the validation data, no better than answering the mean of the targets: was it trained on" in found.notes[2]
    )
    assert found.notes[3].startswith("with --set normalization=none its R2 is 0.")


def test_what_outputs_mean_is_decided_anew_on_every_scale(tmp_path: Path) -> None:
    """Of inputs 0..1 the values that a network of 0..255 gives are so small that they look standardised."""
    x = np.random.default_rng(4).integers(0, 256, (300, 3)).astype(np.float32)
    kernel = np.array([[1.0], [0.5], [0.25]], np.float32)
    np.savez(tmp_path / "counts.npz", x_train=x, y_train=x @ kernel)
    data = load(str(tmp_path / "counts.npz"))
    found = reading(tmp_path, data, K.Dense(1), weights=[kernel, np.zeros(1)])
    assert found.notes[0].startswith("its outputs are taken for standardised values")
    assert found.notes[2].startswith("the network has an R2 ")
    assert found.notes[3] == "with --set normalization=none its R2 is 1.000"


def axes_of(data: Dataset, n: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """What projects an input onto the n greatest axes of the training inputs, (64, 64)."""
    axes = np.linalg.svd(data.train.x.reshape(-1, 64), full_matrices=False)[2][:n]
    return np.asarray(axes.T @ axes, np.float32)


def test_an_autoencoder_that_tells_nothing_is_said(tmp_path: Path) -> None:
    """What gives everything back finds no input strange."""
    data = load("digits", normal="3")
    blind = reading(tmp_path, data, K.Flatten(), K.Dense(64, use_bias=False), weights=[np.eye(64)])
    assert blind.notes[0].startswith("the network has an ROC AUC 0.500")
    assert "on the validation data, no better than chance: was it trained on inputs of another scale" in blind.notes[0]
    assert blind.notes[1].startswith("none of the usual scales does better: give its own with")


def test_an_autoencoder_of_another_scale_is_said_whatever_it_tells(tmp_path: Path) -> None:
    """Ones of 0..16, taken as 0..1: all are far from what is given back, and others happen to be farther."""
    data = load("digits", normal="1")
    raw = rescaled(data, normalization_of("none"))
    bias = raw.train.x.reshape(-1, 64).mean(axis=0)
    kernel = axes_of(replace(raw, train=replace(raw.train, x=raw.train.x - bias.reshape(8, 8, 1))), 12)
    layers = (K.Flatten(), K.Dense(64))
    found = reading(tmp_path, data, *layers, weights=[kernel, bias - bias @ kernel])
    assert found.quality.low > 0.8
    assert found.notes[0].startswith(
        "the network gives normal inputs back no better than their mean: was it trained on"
    )
    assert found.notes[1].startswith("with --set normalization=none it gives back ")
    share = float(found.notes[1].split("gives back ")[1].split(" %")[0])
    normal = raw.validation.x[raw.validation.y == 0].reshape(-1, 64)
    left = ((normal - bias) - (normal - bias) @ kernel) ** 2
    assert share == pytest.approx(100 * (1 - left.sum() / ((normal - bias) ** 2).sum()), abs=0.06)
    assert reading(tmp_path, raw, *layers, weights=[kernel, bias - bias @ kernel]).notes == ()
