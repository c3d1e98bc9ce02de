"""A user's network in our layer kinds computes what it computed before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compressors.compressor import CompressionError, Context
from compressors.layers import Conv2D, Dense, DepthwiseConv2D, Input, Reshape
from compressors.network import topology_of, weights_of
from compressors.standard import standardized
from compressors.structured_pruning import StructuredPruner, StructuredPruning


def _randomized(network: Any) -> Any:
    """Every weight distinct and every moving variance positive."""
    rng = np.random.default_rng(3)
    network.set_weights([rng.uniform(0.2, 1.0, w.shape) * rng.choice([-1, 1], w.shape) for w in network.get_weights()])
    for layer in network.submodules:
        if hasattr(layer, "moving_variance"):
            layer.moving_variance.assign(np.abs(layer.moving_variance.numpy()))
    return network


def _functional(*layers: Any) -> Any:
    import tf_keras

    values = [layers[0]]
    for layer in layers[1:]:
        values.append(layer(values[-1]))
    return tf_keras.Model(values[0], values[-1])


def _series(k: Any) -> Any:
    return _functional(
        k.Input((24, 3), name="signal"),
        k.Conv1D(8, 5, strides=2, padding="same", activation="relu", name="c1"),
        k.BatchNormalization(name="n1"),
        k.MaxPooling1D(2, name="p1"),
        k.SeparableConv1D(6, 3, depth_multiplier=2, name="s1"),
        k.ReLU(name="r1"),
        k.GlobalAveragePooling1D(name="gap"),
        k.Dense(3, name="out"),
    )


def _causal(k: Any) -> Any:
    return _functional(
        k.Input((20, 2)),
        k.ZeroPadding1D((1, 2)),
        k.Conv1D(4, 4, padding="causal"),
        k.DepthwiseConv1D(3, strides=2, padding="same", activation="tanh"),
        k.AveragePooling1D(3, strides=2, padding="same"),
        k.Dropout(0.3),
        k.Flatten(),
        k.Dense(3),
        k.Softmax(),
    )


def _series_to_series(k: Any) -> Any:
    return _functional(k.Input((6, 4)), k.Conv1D(5, 3, padding="same"), k.Dense(7, activation="relu"), k.Dense(2))


def _reshaped(k: Any) -> Any:
    """Features taken for an image, as in keyword spotting; pooling that keeps its axes."""
    return _functional(
        k.Input((48,)),
        k.Reshape((8, 6)),
        k.Reshape((8, 6, 1)),
        k.SeparableConv2D(6, 3, padding="same", activation="relu", use_bias=False),
        k.GlobalMaxPooling2D(keepdims=True),
        k.Reshape((-1,)),
        k.Dense(3),
    )


def _nested(k: Any) -> Any:
    """A Functional in a Sequential in a Functional, with two branches over one series."""
    import tf_keras

    inner = _functional(k.Input((10, 3)), k.Conv1D(4, 3, padding="same"), k.ReLU())
    middle = tf_keras.Sequential([k.Input((10, 3)), inner, k.Conv1D(4, 1)], name="middle")
    source = k.Input((10, 3), name="x")
    joined = k.Concatenate()([middle(source), k.AveragePooling1D(3, strides=1, padding="same")(source)])
    summed = k.Add()([k.Conv1D(7, 1)(joined), joined])
    return tf_keras.Model(source, k.Dense(3, activation="softmax")(k.GlobalMaxPooling1D()(summed)))


def _sequential(k: Any) -> Any:
    import tf_keras

    return tf_keras.Sequential(
        [k.Conv2D(4, 3, input_shape=(6, 6, 1)), k.BatchNormalization(), k.Flatten(), k.Dense(3)], name="plain"
    )


NETWORKS = (_series, _causal, _series_to_series, _reshaped, _nested, _sequential)


@pytest.fixture(params=NETWORKS, ids=lambda make: make.__name__.strip("_"))
def network(request: pytest.FixtureRequest) -> Any:
    from tf_keras import layers

    return _randomized(request.param(layers))


def _inputs(network: Any) -> Any:
    return np.random.default_rng(4).normal(size=(7, *network.input_shape[1:])).astype(np.float32)


def test_computes_the_same_from_the_same_inputs(network: Any) -> None:
    """Input and output shapes stay, outputs agree within 1e-5 of their size, the given network stays."""
    before = [weight.copy() for weight in network.get_weights()]
    standard = standardized(network)
    assert standard.input_shape == network.input_shape
    assert standard.output_shape == network.output_shape
    expected = network(_inputs(network), training=False).numpy()
    got = standard(_inputs(network), training=False).numpy()
    np.testing.assert_allclose(got, expected, atol=1e-5 * max(1.0, np.abs(expected).max()))
    assert np.ptp(expected) > 0.01
    assert all(np.array_equal(a, b) for a, b in zip(network.get_weights(), before, strict=True))


def test_is_read_as_a_topology_and_stays_itself(network: Any) -> None:
    """What comes out is of the known kinds, and a second time changes nothing."""
    standard = standardized(network)
    topology = topology_of(standard)
    assert topology_of(standardized(standard)) == topology
    assert topology.input_shape == network.input_shape[1:]


def test_can_be_pruned(network: Any) -> None:
    """The input and output survive pruning, with or without a series."""
    context = Context(calibration=_inputs(network), fine_tune=lambda _network, _share, **_options: None)
    standard = standardized(network)
    settings = StructuredPruning(filters=0.5, neurons=0.5, fine_tune=0.0)
    pruned = StructuredPruner().compress(standard, settings, context)
    assert pruned.input_shape == network.input_shape
    assert pruned.output_shape == network.output_shape
    assert pruned.count_params() < standard.count_params()
    assert topology_of(pruned) == StructuredPruner().outline(topology_of(standard), settings)


def test_layers_by_name() -> None:
    """A series becomes an image behind the input, kernels (k, 1), a separable convolution two layers."""
    from tf_keras import layers

    standard = standardized(_randomized(_series(layers)))
    specs = {layer.name: layer.spec for layer in topology_of(standard).layers}
    assert list(specs) == ["signal", "signal_image", "c1", "n1", "p1", "s1_depthwise", "s1", "r1", "gap", "out"]
    assert specs["signal"] == Input(shape=(24, 3))
    assert specs["signal_image"] == Reshape(shape=(24, 1, 3))
    assert specs["c1"] == Conv2D(filters=8, kernel=(5, 1), strides=(2, 1), activation="relu")
    assert specs["s1_depthwise"] == DepthwiseConv2D(kernel=(3, 1), padding="valid", depth_multiplier=2, use_bias=False)
    assert specs["s1"] == Conv2D(filters=6, kernel=(1, 1))
    assert specs["out"] == Dense(units=3)
    assert weights_of(standard)["c1"][0].shape == (5, 1, 3, 8)


def test_nested_layers_bear_the_name_of_their_network() -> None:
    from tf_keras import layers

    names = [layer.name for layer in topology_of(standardized(_nested(layers))).layers]
    assert any(name.startswith("middle_model") for name in names)
    assert len(set(names)) == len(names)


def _twice(k: Any) -> Any:
    import tf_keras

    source = k.Input((4, 4))
    conv = k.Conv1D(4, 1, name="twice")
    return tf_keras.Model(source, k.Add()([conv(source), conv(conv(source))]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda k: _functional(k.Input((8, 2)), k.Conv1D(2, 3, dilation_rate=2, name="odd")), ["odd", "dilation_rate"]),
        (lambda k: _functional(k.Input((8, 2)), k.Conv1D(2, 3, groups=2, name="odd")), ["odd", "groups is 2"]),
        (lambda k: _functional(k.Input((8, 2)), k.Conv1D(2, 3, activation="gelu", name="odd")), ["odd", "gelu"]),
        (lambda k: _functional(k.Input((8, 2)), k.LSTM(2, name="odd")), ["odd", "LSTM", "supported are"]),
        (lambda k: _functional(k.Input((8, 2)), k.LeakyReLU(name="odd")), ["odd", "LeakyReLU", "use ReLU"]),
        (_twice, ["twice", "used twice"]),
    ],
)
def test_refuses_by_layer_and_reason(make: Callable[[Any], Any], words: list[str]) -> None:
    from tf_keras import layers

    with pytest.raises(CompressionError) as error:
        standardized(make(layers))
    assert all(word in str(error.value) for word in words)
