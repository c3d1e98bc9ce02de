"""A user's network in the layer kinds of `compressors.layers`: nested networks opened, one dimension as two.

A series (time, channels) becomes an image (time, 1, channels), a layer on it
the same layer with kernels (k, 1).  The network's input keeps the shape
(time, channels): a Reshape behind it, which moves no data, makes the image, so
that data, calibration and the shipped file's input stay as they were.  An
output (time, channels) is shaped back alike.
"""

from __future__ import annotations

from typing import Any

from compressors.compressor import CompressionError, Network
from compressors.keras_reading import to_spec
from compressors.layers import Flatten, Reshape
from compressors.network import build, nodes_of, set_weights
from compressors.preprocessing_layers import PREPROCESSING
from compressors.standard_layers import REWRITERS, Assembly, Value
from compressors.topology import Topology

_REWRITERS = {**REWRITERS, **PREPROCESSING}


def standardized(network: Network) -> Network:
    """A new network of the known layer kinds that computes the same from the same inputs.

    Opened or rewritten are nested Functional and Sequential networks, Conv1D
    (causal too), DepthwiseConv1D, SeparableConv1D and 2D, pooling and padding
    in one dimension, Dense along positions, global pooling with keepdims, and
    Rescaling and Normalization (see `compressors.preprocessing_layers`).
    A layer keeps its name; within a nested network it is preceded by the
    network's name.  All layers of the new network are trainable, but for what
    Rescaling and Normalization became and depthwise convolutions that are frozen.

    Raises
    ------
    CompressionError
        When the network is not a built ``tf_keras`` network of one input and
        one output, uses a layer twice, or has a layer or an option that is
        not supported; the message names the layer and its class.
    """
    reader = _Reader()
    output = reader.read(network, None, "")
    if output.is_image and len(output.shape) == 2:
        reader.made.add("series", Reshape(shape=output.shape), output)
    rebuilt = build(Topology(layers=tuple(reader.made.layers)))
    set_weights(rebuilt, reader.made.weights)
    return rebuilt


class _Reader:
    """Walks a network and the networks within it."""

    def __init__(self) -> None:
        self.made = Assembly()
        self._used: set[int] = set()

    def read(self, network: Network, source: Value | None, prefix: str) -> Value:
        """Add the layers of `network`, which reads `source`; its output."""
        values: dict[int, Value] = {}
        for node in nodes_of(network):
            layer = node.layer
            reads = [values[id(tensor)] for tensor in node.keras_inputs]
            if id(layer) in self._used:
                raise CompressionError(
                    f"layer {layer.name!r} ({type(layer).__name__}) is used twice: give each use its own"
                )
            self._used.add(id(layer))
            values[id(node.outputs)] = self._value(layer, reads, source, prefix)
        return values[id(network.outputs[0])]

    def _value(self, layer: Any, reads: list[Value], source: Value | None, prefix: str) -> Value:
        kind, name = type(layer).__name__, prefix + layer.name
        if not reads:
            spec = to_spec(layer)
            shape = spec.output_shape(())
            return source or Value(name=self.made.add(name, spec), shape=shape)
        if kind in ("Functional", "Sequential"):
            return self.read(layer, reads[0], f"{name}_")
        if kind in _REWRITERS:
            return _REWRITERS[kind](self.made, layer, name, reads[0])
        return self._as_it_is(layer, name, reads)

    def _as_it_is(self, layer: Any, name: str, reads: list[Value]) -> Value:
        spec = to_spec(layer)
        if not isinstance(spec, Flatten):
            reads = [self.made.image(read) for read in reads]
        added = self.made.add(name, spec, *reads, weights=tuple(layer.get_weights()))
        shape = tuple(layer.output_shape[1:])
        return Value(name=added, shape=shape, is_image=len(shape) == 2)
