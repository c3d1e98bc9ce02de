"""A topology and its network are the same thing, and what cannot be said in a topology is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compressors.compressor import CompressionError
from compressors.layers import Activation, Conv2D, Dense, Flatten
from compressors.network import build, copied, parameters, require_finite, set_weights, topology_of, weights_of
from compressors.topology import Topology

Trained = Callable[..., Any]


def test_round_trip(example: Topology) -> None:
    """Every layer kind and option survives, and so do names and order."""
    network = build(example)
    assert topology_of(network) == example
    assert network.input_shape == (None, *example.input_shape)
    assert network.output_shape == (None, *example.output_shape)


def test_shapes_agree(example: Topology) -> None:
    """The shapes a topology computes are those the framework finds."""
    network = build(example)
    for name, shape in example.shapes().items():
        assert tuple(network.get_layer(name).output.shape[1:]) == shape


def test_options_survive() -> None:
    from tf_keras import layers as k

    from compressors.layers import BatchNormalization, Input
    from compressors.topology import Layer

    norm = BatchNormalization(momentum=0.7, epsilon=1e-5, center=False, scale=True)
    functions = ("relu", "relu6", "sigmoid", "tanh", "linear", "softmax")
    layers = [Layer(name="x", spec=Input(shape=(4, 4, 2)))]
    for index, function in enumerate(functions):
        fused = Conv2D(filters=2, kernel=(1, 3), strides=(1, 2), use_bias=False, activation=function)  # type: ignore[arg-type]
        alone = Activation(function=function)  # type: ignore[arg-type]
        for kind, spec in (("fused", fused), ("alone", alone), ("norm", norm)):
            layers.append(Layer(name=f"{kind}{index}", spec=spec, inputs=(layers[-1].name,)))
    topology = Topology(layers=tuple(layers))
    network = build(topology)
    assert topology_of(network) == topology
    assert isinstance(network.get_layer("alone1"), k.ReLU)
    assert network.get_layer("norm0").momentum == 0.7


def test_order_of_the_branches_is_that_of_the_inputs(examples: dict[str, Topology]) -> None:
    """However the layers are listed, one network has one topology and one digest."""
    topology = examples["resnet_projection"]
    layers = list(topology.layers)
    shortcut = layers.pop(next(i for i, layer in enumerate(layers) if layer.name == "s"))
    layers.insert(2, shortcut)
    assert Topology(layers=tuple(layers)) == topology
    assert Topology(layers=tuple(layers)).digest() == topology.digest()


def test_reads_sequential_and_equivalent_layers() -> None:
    import tf_keras
    from tf_keras import layers as k

    network = tf_keras.Sequential(
        [
            k.Conv2D(3, 3, input_shape=(6, 6, 1), name="c"),
            k.ReLU(max_value=6, name="r"),
            k.MaxPooling2D(name="p"),
            k.Flatten(name="f"),
            k.Dense(2, name="d"),
            k.Softmax(name="s"),
        ]
    )
    specs = {layer.name: layer.spec for layer in topology_of(network).layers}
    assert specs["c"] == Conv2D(filters=3, kernel=(3, 3), padding="valid")
    assert specs["r"] == Activation(function="relu6")
    assert specs["f"] == Flatten()
    assert specs["d"] == Dense(units=2)
    assert specs["s"] == Activation(function="softmax")


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda k: k.SeparableConv2D(3, 3, name="odd"), ["odd", "SeparableConv2D", "standard.standardized"]),
        (lambda k: k.LeakyReLU(name="odd"), ["odd", "LeakyReLU"]),
        (lambda k: k.Conv2D(4, 3, groups=2, name="odd"), ["odd", "Conv2D", "groups is 2, must be 1"]),
        (lambda k: k.Conv2D(4, 3, dilation_rate=2, name="odd"), ["odd", "dilation_rate"]),
        (lambda k: k.Conv2D(4, 3, activation="gelu", name="odd"), ["odd", "gelu", "relu6"]),
        (lambda k: k.ReLU(max_value=4.0, name="odd"), ["odd", "max_value is 4.0"]),
        (lambda k: k.ReLU(negative_slope=0.1, name="odd"), ["odd", "negative_slope"]),
        (lambda k: k.BatchNormalization(axis=1, name="odd"), ["odd", "axis"]),
        (lambda k: k.Softmax(axis=1, name="odd"), ["odd", "axis"]),
        (lambda k: k.GlobalMaxPooling2D(keepdims=True, name="odd"), ["odd", "keepdims"]),
        (lambda k: k.Dropout(0.1, noise_shape=(None, 1, 1, 2), name="odd"), ["odd", "noise_shape"]),
        (lambda k: k.Lambda(lambda x: x, name="odd"), ["odd", "Lambda", "supported are"]),
    ],
)
def test_refuses_by_layer_and_class(make: Callable[[Any], Any], names: list[str]) -> None:
    import tf_keras
    from tf_keras import layers as k

    source = k.Input((6, 6, 2))
    with pytest.raises(CompressionError) as error:
        topology_of(tf_keras.Model(source, make(k)(source)))
    assert all(name in str(error.value) for name in names)


def test_refuses_other_networks() -> None:
    import tf_keras
    from tf_keras import layers as k

    a, b = k.Input((4,)), k.Input((4,))
    twice = k.Dense(4, name="twice")
    shared = tf_keras.Model(a, k.Add()([twice(a), twice(twice(a))]))
    nested = tf_keras.Model(b, shared(b))
    for network, message in (
        (object(), "builtins.object"),
        (tf_keras.Sequential([k.Dense(3)]), "no input shape"),
        (tf_keras.Model([a, b], k.Add()([a, b])), "2 inputs"),
        (shared, "'twice' \\(Dense\\) is used twice"),
        (nested, "standard.standardized"),
    ):
        with pytest.raises(CompressionError, match=message):
            topology_of(network)


def test_refuses_keras_3() -> None:
    import keras

    source = keras.Input((4,))
    with pytest.raises(CompressionError, match="must be a tf_keras"):
        topology_of(keras.Model(source, keras.layers.Dense(2)(source)))


def test_weights_travel(example: Topology, trained: Trained) -> None:
    """Weights read from one network make another compute the same."""
    source, target = trained(example), build(example)
    x = np.random.default_rng(1).normal(size=(3, *example.input_shape)).astype(np.float32)
    assert not np.allclose(source(x), target(x))
    set_weights(target, weights_of(source))
    np.testing.assert_array_equal(source(x), target(x))
    assert parameters(source) == sum(w.size for ws in weights_of(source).values() for w in ws)


def test_weights_must_fit(examples: dict[str, Topology]) -> None:
    network = build(examples["mlp"])
    weights = weights_of(network)
    with pytest.raises(CompressionError, match="'h1' are missing"):
        set_weights(network, {name: ws for name, ws in weights.items() if name != "h1"})
    with pytest.raises(CompressionError, match="no layer 'x'"):
        set_weights(network, {**weights, "x": weights["h1"]})
    with pytest.raises(CompressionError, match="'h1' has weights of shapes"):
        set_weights(network, {**weights, "h1": weights["h2"]})


def test_a_copy_shares_nothing(example: Topology, trained: Callable[..., Any]) -> None:
    """Same layers and weights; changing one leaves the other."""
    network = trained(example)
    copy = copied(network)
    assert topology_of(copy) == topology_of(network)
    before = weights_of(network)
    set_weights(copy, {name: tuple(array + 1 for array in arrays) for name, arrays in before.items()})
    for name, arrays in weights_of(network).items():
        assert all(np.array_equal(a, b) for a, b in zip(arrays, before[name], strict=True))


def test_weights_that_are_not_finite_are_refused_by_layer() -> None:
    weights = {"fine": (np.ones(2, np.float32),), "broken": (np.ones(2, np.float32), np.array([np.inf], np.float32))}
    with pytest.raises(CompressionError, match="layer 'broken' has weights that are not finite"):
        require_finite(weights)
