"""The whole network with the removed channels masked, found by running the framework, not by our channel map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from compressors.layers import Activation, BatchNormalization, Conv2D, Dense, DepthwiseConv2D
from compressors.network import build, set_weights, topology_of, weights_of
from compressors.topology import Layer, Topology

Floats = npt.NDArray[np.float32]


def masked(network: Any, kept: Mapping[str, npt.NDArray[np.int64]]) -> Any:
    """`network` in which no layer reads what comes from channels that its convolutions and dense layers lose.

    `kept` gives the output channels that stay, by layer; only its entries for
    convolutions and dense layers are looked at.  Where these channels end up
    behind Flatten, Concatenate and the like is seen from a network of the same
    shape that passes 1 for a channel that stays and 0 for one that goes.
    """
    import tf_keras

    topology = topology_of(network)
    weights = {name: tuple(weight.copy() for weight in arrays) for name, arrays in weights_of(network).items()}
    passing = _passing(topology, kept)
    readers = [layer for layer in topology.layers if isinstance(layer.spec, Conv2D | Dense)]
    seen = tf_keras.Model(passing.input, [passing.get_layer(layer.inputs[0]).output for layer in readers])
    marks = seen(np.ones((1, *topology.input_shape), np.float32), training=False)
    for layer, mark in zip(readers, marks if len(readers) > 1 else [marks], strict=True):
        channels = np.asarray(mark)
        stays = channels.reshape(-1, channels.shape[-1]).max(axis=0) > 0
        weights[layer.name][0][..., ~stays, :] = 0.0
    made = build(topology)
    set_weights(made, weights)
    return made


def _passing(topology: Topology, kept: Mapping[str, npt.NDArray[np.int64]]) -> Any:
    """A network of these layers whose convolutions and dense layers give 1 in channels that stay, else 0."""
    made = build(Topology(layers=tuple(_linear(layer) for layer in topology.layers)))
    for layer in topology.layers:
        keras = made.get_layer(layer.name)
        if isinstance(layer.spec, Conv2D | Dense):
            kernel, bias = (np.zeros(weight.shape, np.float32) for weight in keras.weights)
            bias[kept[layer.name]] = 1.0
            keras.set_weights([kernel, bias])
        elif isinstance(layer.spec, DepthwiseConv2D):
            kernel, bias = keras.weights
            keras.set_weights([np.ones(kernel.shape, np.float32), np.zeros(bias.shape, np.float32)])
    return made  # a new BatchNormalization passes its input on, but for epsilon


def _linear(layer: Layer) -> Layer:
    match layer.spec:
        case Conv2D() | Dense() | DepthwiseConv2D():
            return replace(layer, spec=replace(layer.spec, use_bias=True, activation="linear"))
        case Activation():
            return replace(layer, spec=Activation(function="linear"))
        case BatchNormalization():
            return replace(layer, spec=replace(layer.spec, scale=True, center=True))
    return layer


def largest_difference(one: Any, other: Any, x: Floats) -> float:
    """Largest difference of two networks' outputs, over the largest output where that is above 1.

    float32 itself is no more exact than 6e-8 of an output's size.
    """
    a, b = one(x, training=False).numpy(), other(x, training=False).numpy()
    return float(np.abs(a - b).max() / max(1.0, np.abs(b).max()))
