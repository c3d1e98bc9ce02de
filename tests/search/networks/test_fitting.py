"""A network is made to go with its data, or refused: inputs, outputs, weights, and equal outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras

from search.errors import DataError
from search.networks.fitting import fit
from search.networks.load import load
from search.networks.loader import Loaded
from tests.search.networks.models import branches, chain, nested, pictures, randomised

K = tf_keras.layers


def loaded(model: Any) -> Loaded:
    return Loaded(network=model, original=model)


def dense(inputs: tuple[int, ...], *layers: Any) -> Any:
    return randomised(tf_keras.Sequential([tf_keras.Input(inputs), *layers]))


@pytest.mark.parametrize("make", [branches, chain, nested])
def test_a_classifier_is_taken_as_it_is(make: Any) -> None:
    """Equal probabilities from the record of layers and weights, and nothing to say."""
    model, data = make(tf_keras), pictures()
    found = fit(loaded(model), data)
    assert found.notes == ()
    expected = np.asarray(model(data.test.x))
    assert np.abs(np.asarray(found.network.build()(data.test.x)) - expected).max() < 1e-5


def test_logits_get_a_softmax() -> None:
    """Which is said; the order of the outputs is the same."""
    model, data = chain(tf_keras, K.Dense(3)), pictures()
    found = fit(loaded(model), data)
    assert "its outputs are taken for logits" in found.notes[0]
    probabilities = np.asarray(found.network.build()(data.test.x))
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert np.array_equal(probabilities.argsort(axis=1), np.asarray(model(data.test.x)).argsort(axis=1))


@pytest.mark.parametrize("activation", ["sigmoid", "linear"])
def test_one_output_for_two_classes_becomes_two(activation: str) -> None:
    """The second class has the probability that the one output gave."""
    model, data = chain(tf_keras, K.Dense(1, activation=activation)), pictures(classes=2)
    found = fit(loaded(model), data)
    raw = np.asarray(model(data.test.x))
    expected = raw if activation == "sigmoid" else 1 / (1 + np.exp(-raw))
    probabilities = np.asarray(found.network.build()(data.test.x))
    assert np.abs(probabilities[:, 1:] - expected).max() < 1e-5
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert "the probability of 'b'" in found.notes[0]


@pytest.mark.parametrize("shape", [(8, 8), (64,)])
def test_pictures_are_taken_in_the_network_s_own_shape(shape: tuple[int, ...]) -> None:
    """(28, 28) and (784,) are what many networks take of what a loader calls (28, 28, 1)."""
    model, data = dense(shape, K.Flatten(), K.Dense(3, activation="softmax")), pictures()
    found = fit(loaded(model), data)
    assert found.network.topology.input_shape == (8, 8, 1)
    expected = np.asarray(model(data.test.x.reshape(-1, *shape)))
    assert np.abs(np.asarray(found.network.build()(data.test.x)) - expected).max() < 1e-5
    assert str(shape) in found.notes[0]


@pytest.mark.parametrize(
    ("model", "data", "words"),
    [
        (lambda: chain(tf_keras, inputs=(6, 6, 1)), pictures(), r"shape \(6, 6, 1\), data 'pictures' has \(8, 8, 1\)"),
        (lambda: chain(tf_keras, inputs=(16, 4, 1)), pictures(), "give the data it was made for"),
        (lambda: chain(tf_keras), pictures(classes=4), r"outputs of shape \(3,\), data 'pictures' has 4 classes"),
        (lambda: dense((6,), K.Dense(2), K.Dense(6)), pictures((6,)), "as an autoencoder does"),
        (lambda: chain(tf_keras, K.Dense(3, activation="relu")), pictures(), "it ends in relu"),
        (lambda: chain(tf_keras, K.LeakyReLU(), K.Dense(3)), pictures(), "LeakyReLU"),
        (lambda: chain(tf_keras, K.Dense(3, activation="gelu")), pictures(), "activation is 'gelu'"),
    ],
    ids=["shape", "same-size", "classes", "autoencoder", "end", "layer", "activation"],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(model: Any, data: Any, words: str) -> None:
    """With both sides and a remedy."""
    with pytest.raises(DataError, match=words):
        fit(loaded(model()), data)


def test_weights_that_are_not_finite_are_refused() -> None:
    """Named by layer."""
    model = chain(tf_keras, K.Dense(3, activation="softmax", name="end"))
    kernel, bias = model.get_layer("end").get_weights()
    kernel[0, 0] = np.nan
    model.get_layer("end").set_weights([kernel, bias])
    with pytest.raises(DataError, match="layer 'end' has weights that are not finite"):
        fit(loaded(model), pictures())


def test_other_outputs_are_refused() -> None:
    """A network that computes something else than its record, as an unknown option would make it."""
    model, other = chain(tf_keras), chain(tf_keras)
    other.set_weights([2 * weight for weight in model.get_weights()])
    with pytest.raises(DataError, match="its outputs differ by"):
        fit(Loaded(network=model, original=other), pictures())


def test_the_networks_of_mlperf_tiny(shared: Path) -> None:
    """ResNet-8 and MobileNetV1 as published are read with equal outputs; the autoencoder is no classifier."""
    models = shared / "data" / "models_mlperf_tiny"
    for name, shape, classes in (("image_classification/pretrainedResnet.h5", (32, 32, 3), 10),
                                 ("visual_wake_words/vww_96.h5", (96, 96, 3), 2)):  # fmt: skip
        found = fit(load(models / name), pictures(shape, classes))
        assert found.notes == ()
        assert found.network.topology.output_shape == (classes,)
    with pytest.raises(DataError, match="as an autoencoder does, and no class"):
        fit(load(models / "anomaly_detection/ad01.h5"), pictures((640,), 2))


def test_outputs_that_are_not_finite_are_refused() -> None:
    """In words of their own, before they are compared: weights may be finite and their sums not."""
    model = chain(tf_keras, K.Dense(3, activation="softmax", name="end"))
    kernel, bias = model.get_layer("end").get_weights()
    model.get_layer("end").set_weights([np.sign(kernel) * 3e38, np.full_like(bias, 3e38)])
    with pytest.raises(DataError, match=r"its outputs are not finite on \d+ of \d+ validation samples: train it again"):
        fit(loaded(model), pictures())
