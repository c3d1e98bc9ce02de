"""The topology and the weights of the channels that stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from compressors.channel_groups import Indices
from compressors.layers import BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Reshape
from compressors.topology import Layer, Topology

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Weights = Mapping[str, tuple[npt.NDArray[np.float32], ...]]


def narrowed(topology: Topology, kept: Mapping[str, Indices]) -> Topology:
    """`topology` with as many channels on each layer's last axis as `kept` has positions for it."""

    def narrow(layer: Layer) -> Layer:
        width = len(kept[layer.name])
        match layer.spec:
            case Conv2D():
                return replace(layer, spec=replace(layer.spec, filters=width))
            case Dense():
                return replace(layer, spec=replace(layer.spec, units=width))
            case Reshape(shape=shape):
                return replace(layer, spec=Reshape(shape=(*shape[:-1], width)))
        return layer

    return Topology(layers=tuple(narrow(layer) for layer in topology.layers))


def sliced(topology: Topology, weights: Weights, kept: Mapping[str, Indices]) -> Weights:
    """The weights of the channels that stay, by layer name.

    Parameters
    ----------
    weights
        By layer name, as `compressors.network.weights_of` gives them.
    kept
        By layer name the positions that stay on its last axis, ascending.
    """
    left = {}
    for layer in topology.layers:
        if layer.name not in weights:
            continue
        out = kept[layer.name]
        if isinstance(layer.spec, BatchNormalization):
            left[layer.name] = tuple(vector[out] for vector in weights[layer.name])
            continue
        kernel, *bias = weights[layer.name]
        kernel = kernel[..., kept[layer.inputs[0]], :]
        if not isinstance(layer.spec, DepthwiseConv2D):  # its last axis is the multiplier, which stays whole
            kernel = kernel[..., out]
        left[layer.name] = (kernel, *(vector[out] for vector in bias))
    return left
