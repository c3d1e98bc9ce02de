"""Between a `Topology` and a ``tf_keras`` network, and a network's weights by layer name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from compressors.compressor import CompressionError, Network
from compressors.keras_layers import to_keras
from compressors.keras_reading import to_spec
from compressors.topology import Layer, Topology

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def build(topology: Topology) -> Network:
    """Untrained ``tf_keras`` functional network with the topology's layer names.

    Input and output are float32 (None, *shape).  Weights are drawn from the
    global seed, which ``tf_keras.utils.set_random_seed`` sets.
    """
    import tf_keras

    tensors: dict[str, Any] = {}
    for layer in topology.layers:
        keras_layer = to_keras(layer)
        reads = [tensors[name] for name in layer.inputs]
        if not reads:
            tensors[layer.name] = keras_layer.output
        else:
            tensors[layer.name] = keras_layer(reads if len(reads) > 1 else reads[0])
    return tf_keras.Model(tensors[topology.layers[0].name], tensors[topology.layers[-1].name])


def topology_of(network: Network) -> Topology:
    """Topology of a ``tf_keras`` Functional or Sequential network: ``topology_of(build(t)) == t``.

    Raises
    ------
    CompressionError
        When the network is of another framework, is not built, has several
        inputs or outputs, uses a layer twice, or has a layer of an unsupported
        kind; the message names the layer and its class.
    """
    layers: list[Layer] = []
    for node in nodes_of(network):
        layer = node.layer
        if any(layer.name == earlier.name for earlier in layers):
            raise CompressionError(
                f"layer {layer.name!r} ({type(layer).__name__}) is used twice: give each use its own"
            )
        reads = tuple(tensor.node.layer.name for tensor in node.keras_inputs)
        layers.append(Layer(name=layer.name, spec=to_spec(layer), inputs=reads))
    return Topology(layers=tuple(layers))


def nodes_of(network: Network) -> tuple[Any, ...]:
    """Layer calls of a network, depth first from its output: the order of `Topology.layers`.

    A node has ``layer``, ``keras_inputs`` and ``outputs``.

    Raises
    ------
    CompressionError
        When the network is not a built ``tf_keras`` Functional or Sequential
        network with one input and one output.
    """
    _require_functional(network)
    order: dict[int, Any] = {}
    stack = [(network.outputs[0].node, False)]
    while stack:
        node, inputs_done = stack.pop()
        if id(node) in order:
            continue
        if inputs_done:
            order[id(node)] = node
        else:
            stack.append((node, True))
            stack.extend((tensor.node, False) for tensor in reversed(node.keras_inputs))
    return tuple(order.values())


def _require_functional(network: Network) -> None:
    kind = type(network)
    if not kind.__module__.startswith("tf_keras.") or kind.__name__ not in ("Functional", "Sequential"):
        raise CompressionError(
            f"the network is a {kind.__module__}.{kind.__name__}, must be a tf_keras Functional or Sequential model"
        )
    if not network.outputs:
        raise CompressionError(f"network {network.name!r} has no input shape yet: give its first layer an input_shape")
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise CompressionError(
            f"network {network.name!r} has {len(network.inputs)} inputs and {len(network.outputs)} outputs, "
            "must have one of each"
        )


def weights_of(network: Network) -> dict[str, tuple[npt.NDArray[np.float32], ...]]:
    """Copies of the weights by layer name, each in ``layer.get_weights()`` order; layers without weights left out."""
    return {layer.name: tuple(layer.get_weights()) for layer in network.layers if layer.weights}


def set_weights(network: Network, weights: Mapping[str, tuple[npt.NDArray[np.float32], ...]]) -> None:
    """Set all weights of `network` in place; the inverse of `weights_of`.

    Raises
    ------
    CompressionError
        When a layer with weights is missing, a name is unknown, or shapes differ.
    """
    layers = {layer.name: layer for layer in network.layers if layer.weights}
    if layers.keys() != weights.keys():
        odd = sorted(layers.keys() ^ weights.keys())[0]
        raise CompressionError(
            f"weights of layer {odd!r} are missing"
            if odd in layers
            else f"no layer {odd!r} with weights in the network"
        )
    for name, layer in layers.items():
        expected = [tuple(weight.shape) for weight in layer.weights]
        given = [weight.shape for weight in weights[name]]
        if expected != given:
            raise CompressionError(f"layer {name!r} has weights of shapes {expected}, got {given}")
        layer.set_weights(list(weights[name]))


def copied(network: Network) -> Network:
    """A copy of a network, layer by layer, that shares nothing with it.

    Raises
    ------
    CompressionError
        As `topology_of`.
    """
    copy = build(topology_of(network))
    set_weights(copy, weights_of(network))
    return copy


def require_finite(weights: Mapping[str, tuple[npt.NDArray[np.float32], ...]]) -> None:
    """Refuse weights by layer name of which one is infinite or not a number.

    Raises
    ------
    CompressionError
        When there is one; the message names its layer.
    """
    import numpy as np

    for name, arrays in weights.items():
        if not all(np.isfinite(array).all() for array in arrays):
            raise CompressionError(f"layer {name!r} has weights that are not finite: its training diverged")


def parameters(network: Network) -> int:
    """Number of weights, batch normalisation's moving statistics included."""
    return int(network.count_params())
