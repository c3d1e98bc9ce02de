"""A network as layers, without weights and without a framework.

One description, three uses: `compressors.network` builds the ``tf_keras``
network from it, `compressors.structured_pruning` narrows it, and
`compressors.lower` turns it into the `devices.Graph` that is costed before
any training.  Shapes here leave the batch out.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from compressors.layers import (
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Input,
    Shape,
    Spec,
    TopologyError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer: its name, what it is, and the names of the layers it reads."""

    name: str
    spec: Spec
    inputs: tuple[str, ...] = ()


def _branch_by_branch(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Depth-first order from the last layer, each layer after all that it reads."""
    by_name = {layer.name: layer for layer in layers}
    order: dict[str, Layer] = {}
    stack = [(layers[-1].name, False)]
    while stack:
        name, inputs_done = stack.pop()
        if name in order:
            continue
        if inputs_done:
            order[name] = by_name[name]
        else:
            stack.append((name, True))
            stack.extend((read, False) for read in reversed(by_name[name].inputs))
    unread = next((layer.name for layer in layers if layer.name not in order), None)
    if unread is not None:
        raise TopologyError(f"layer {unread!r} does not lead to the output {layers[-1].name!r}: leave it out")
    return tuple(order.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Layers in the order in which the runtime executes them.

    The first layer is the only `Input`; the last one is the output.  Given in
    any order in which each layer reads only earlier ones, they are put into
    one order at birth: branch by branch, the branches of a layer in the order
    of its inputs.  So equal networks are equal, whoever listed them, and the
    order survives the way through a network and a ``.tflite`` file.

    Raises
    ------
    TopologyError
        When a name repeats, there is a second `Input`, a layer reads one that
        does not precede it or more than it takes, a layer does not lead to
        the output, or shapes do not fit.
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers or not isinstance(self.layers[0].spec, Input):
            raise TopologyError("a topology starts with an Input layer")
        for layer in self.layers[1:]:
            if isinstance(layer.spec, Input):
                raise TopologyError(f"layer {layer.name!r} is a second Input: a network has one")
            if len(layer.inputs) > 1 and not isinstance(layer.spec, Add | Concatenate):
                raise TopologyError(f"layer {layer.name!r} reads {len(layer.inputs)} layers, but takes one")
        self.shapes()
        object.__setattr__(self, "layers", _branch_by_branch(self.layers))

    def shapes(self) -> Mapping[str, Shape]:
        """Output shape of every layer by name, without the batch."""
        shapes: dict[str, Shape] = {}
        for layer in self.layers:
            if layer.name in shapes:
                raise TopologyError(f"two layers are named {layer.name!r}")
            missing = [name for name in layer.inputs if name not in shapes]
            if missing:
                raise TopologyError(f"layer {layer.name!r} reads {missing[0]!r}, which does not precede it")
            if isinstance(layer.spec, Input) is bool(layer.inputs):
                raise TopologyError(f"layer {layer.name!r} has {len(layer.inputs)} inputs")
            shapes[layer.name] = layer.spec.output_shape(tuple(shapes[name] for name in layer.inputs))
        return shapes

    @property
    def input_shape(self) -> Shape:
        """Shape of the input, without the batch."""
        return self.shapes()[self.layers[0].name]

    @property
    def output_shape(self) -> Shape:
        """Shape of the output, without the batch."""
        return self.shapes()[self.layers[-1].name]

    def weights(self) -> int:
        """Number of weights and biases, batch normalisation folded into one bias a channel as the converter does."""
        shapes = self.shapes()
        return sum(_weights(layer.spec, shapes[layer.inputs[0]][-1]) for layer in self.layers if layer.inputs)

    def digest(self) -> str:
        """SHA-256 of the structure; names do not count, so equal networks are equal."""
        position = {layer.name: index for index, layer in enumerate(self.layers)}
        rows = [(repr(layer.spec), tuple(position[name] for name in layer.inputs)) for layer in self.layers]
        return hashlib.sha256(repr(rows).encode()).hexdigest()


def _weights(spec: Spec, channels: int) -> int:
    """Weights and biases of a layer that reads so many channels."""
    match spec:
        case Conv2D(filters=filters, kernel=kernel, use_bias=bias):
            return math.prod(kernel) * channels * filters + bias * filters
        case DepthwiseConv2D(kernel=kernel, depth_multiplier=multiplier, use_bias=bias):
            return (math.prod(kernel) + bias) * channels * multiplier
        case Dense(units=units, use_bias=bias):
            return channels * units + bias * units
        case BatchNormalization():
            return channels
        case _:
            return 0
