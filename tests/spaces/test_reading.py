from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as k

from compressors.layers import (
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalPooling2D,
    Input,
    Pooling2D,
    ZeroPadding2D,
)
from compressors.network import build, set_weights, topology_of, weights_of
from spaces.errors import SpaceError
from spaces.reading import read


def zoo() -> Any:
    """A Keras 3 model with every layer that can be read, two branches, a sum and a join."""
    source = keras.Input((9, 11, 2))
    x = k.Identity()(source)
    x = k.ZeroPadding2D(((1, 0), (2, 1)))(x)
    x = k.Conv2D(6, (3, 5), strides=(2, 1), padding="valid", use_bias=False)(x)
    x = k.BatchNormalization(momentum=0.8, epsilon=1e-2)(x)
    x = k.ReLU(max_value=6.0)(x)
    branch = k.DepthwiseConv2D(3, padding="same", depth_multiplier=1, activation="relu")(x)
    other = k.SeparableConv2D(6, 3, padding="same", activation="relu", depth_multiplier=2)(x)
    x = k.Add()([branch, other])
    x = k.Concatenate()([x, k.Activation("tanh")(branch)])
    x = k.MaxPooling2D(2)(x)
    x = k.AveragePooling2D((2, 1), strides=1, padding="same")(x)
    pooled = k.GlobalMaxPooling2D()(x)
    averaged = k.GlobalAveragePooling2D()(x)
    x = k.Concatenate()([pooled, averaged, k.Flatten()(x)])
    x = k.Dropout(0.25)(x)
    x = k.Dense(8, activation="sigmoid")(x)
    x = k.BatchNormalization(scale=False)(x)
    x = k.ReLU()(x)
    return keras.Model(source, k.Softmax()(k.Dense(3, use_bias=False)(x)))


def randomise(model: Any, seed: int) -> None:
    """Distinct weights everywhere, so that a swapped pair shows."""
    rng = np.random.default_rng(seed)
    model.set_weights([np.abs(rng.normal(0.4, 0.2, weight.shape)).astype("float32") for weight in model.get_weights()])


def test_every_layer_is_read_with_its_options() -> None:
    """Specs in order, depth first from the output."""
    topology, _ = read(zoo())
    specs = {layer.name: layer.spec for layer in topology.layers}
    assert specs["input"] == Input(shape=(9, 11, 2))
    assert specs["zero_padding2d_1"] == ZeroPadding2D(padding=((1, 0), (2, 1)))
    assert specs["conv2d_1"] == Conv2D(filters=6, kernel=(3, 5), strides=(2, 1), padding="valid", use_bias=False)
    assert specs["batch_normalization_1"] == BatchNormalization(momentum=0.8, epsilon=1e-2)
    assert specs["activation_1"] == Activation(function="relu6")
    assert specs["depthwise_conv2d_1"] == DepthwiseConv2D(kernel=(3, 3), activation="relu")
    assert specs["depthwise_conv2d_2"] == DepthwiseConv2D(kernel=(3, 3), depth_multiplier=2, use_bias=False)
    assert specs["conv2d_2"] == Conv2D(filters=6, kernel=(1, 1), activation="relu")
    assert specs["add_1"] == Add()
    assert specs["activation_2"] == Activation(function="tanh")
    assert specs["concatenate_1"] == Concatenate()
    assert specs["max_pooling2d_1"] == Pooling2D(kind="max", size=(2, 2), strides=(2, 2))
    assert specs["average_pooling2d_1"] == Pooling2D(kind="average", size=(2, 1), strides=(1, 1), padding="same")
    assert specs["global_max_pooling2d_1"] == GlobalPooling2D(kind="max")
    assert specs["global_average_pooling2d_1"] == GlobalPooling2D(kind="average")
    assert specs["flatten_1"] == Flatten()
    assert specs["dropout_1"] == Dropout(rate=0.25)
    assert specs["dense_1"] == Dense(units=8, activation="sigmoid")
    assert specs["batch_normalization_2"] == BatchNormalization(momentum=0.99, scale=False)
    assert specs["activation_3"] == Activation(function="relu")
    assert specs["dense_2"] == Dense(units=3, use_bias=False)
    assert topology.layers[-1].spec == Activation(function="softmax")
    assert len(specs) == 23


def test_the_network_built_from_it_computes_the_same() -> None:
    """tf_keras with the read weights agrees with the Keras 3 model, and reads back as the same topology."""
    model = zoo()
    randomise(model, 0)
    topology, weights = read(model)
    network = build(topology)
    set_weights(network, weights)
    probes = np.random.default_rng(1).normal(size=(5, 9, 11, 2)).astype("float32")
    np.testing.assert_allclose(np.asarray(network(probes)), np.asarray(model(probes)), atol=1e-6)
    assert topology_of(network) == topology
    for name, arrays in weights_of(network).items():
        for given, kept in zip(weights[name], arrays, strict=True):
            np.testing.assert_array_equal(given, kept)


def test_names_do_not_depend_on_what_was_built_before() -> None:
    """Keras' own counters go on; the topology's names start anew."""
    assert read(zoo())[0] == read(zoo())[0]


def image_model(*make: Callable[[Any], Any]) -> Any:
    source = keras.Input((8, 8, 3))
    x = source
    for layer in make:
        x = layer(x)
    return keras.Model(source, x)


def shared_model() -> Any:
    layer = k.Conv2D(3, 3, padding="same", name="twice")
    return image_model(layer, layer)


def two_outputs() -> Any:
    source = keras.Input((4,))
    return keras.Model(source, [k.Dense(2)(source), k.Dense(3)(source)])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: image_model(k.UpSampling2D(2, name="up")), r"layer 'up' \(UpSampling2D\) cannot be used"),
        (lambda: image_model(lambda x: keras.ops.mean(x, axis=1)), r"layer 'mean.*' \(Mean\) cannot be used"),
        (lambda: image_model(lambda x: x + x), r"\(Add\) cannot be used: keras.src.ops.numpy is not supported"),
        (
            lambda: image_model(k.Conv2D(4, 3, dilation_rate=2, name="wide")),
            r"'wide' \(Conv2D\).*dilation_rate is \(2, 2\)",
        ),
        (lambda: image_model(k.Conv2D(3, 3, groups=3)), "groups is 3, must be 1"),
        (lambda: image_model(k.Conv2D(3, 3, activation="gelu")), "activation is 'gelu', must be one of linear, relu"),
        (lambda: image_model(k.ReLU(max_value=2.0)), "max_value is 2.0, must be None or 6"),
        (lambda: image_model(k.ReLU(negative_slope=0.1)), "negative_slope is 0.1"),
        (lambda: image_model(k.BatchNormalization(axis=1)), "axis is 1, must be the last"),
        (lambda: image_model(k.Softmax(axis=1)), "axis is 1, must be -1"),
        (lambda: image_model(k.GlobalAveragePooling2D(keepdims=True)), "keepdims is True"),
        (lambda: image_model(k.Conv2D(3, 3, dtype="mixed_float16")), "must be float32"),
        (lambda: image_model(k.Dense(4)), "the model cannot be expressed: Dense needs a flat input"),
        (shared_model, r"layer 'twice' \(Conv2D\) cannot be used: it is used 2 times"),
        (two_outputs, "one input and one output, got 1 and 2"),
        (lambda: keras.Model(s := keras.Input((None, 8, 1)), k.Conv2D(2, 3)(s)), "every axis needs a fixed size"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(model: Callable[[], Any], message: str) -> None:
    """Nothing is silently changed: the error names the layer, its class and the option."""
    with pytest.raises(SpaceError, match=message):
        read(model())
