"""The kinds of layer that a network is described by, and the shape each gives.

Shapes leave the batch out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

Shape = tuple[int, ...]
Pair = tuple[int, int]
ConvPadding = Literal["same", "valid"]
ActivationName = Literal["linear", "relu", "relu6", "softmax", "sigmoid", "tanh"]


class TopologyError(ValueError):
    """A layer cannot follow the layers before it."""


def _spatial(size: int, kernel: int, stride: int, padding: ConvPadding) -> int:
    out = -(-size // stride) if padding == "same" else (size - kernel) // stride + 1
    if out < 1:
        raise TopologyError(f"kernel {kernel} does not fit into {size} positions: use padding 'same' or fewer layers")
    return out


def _rank3(shape: Shape, kind: str) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise TopologyError(f"{kind} needs (height, width, channels), got {shape}")
    return shape[0], shape[1], shape[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """The network's one input; `shape` without the batch."""

    shape: Shape

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:  # noqa: ARG002  # one signature for all specs
        """Shape of the output."""
        return self.shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv2D:
    """Standard convolution, weights (height, width, in, out)."""

    filters: int
    kernel: Pair
    strides: Pair = (1, 1)
    padding: ConvPadding = "same"
    use_bias: bool = True
    activation: ActivationName = "linear"

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output."""
        h, w, _ = _rank3(inputs[0], "Conv2D")
        return (
            _spatial(h, self.kernel[0], self.strides[0], self.padding),
            _spatial(w, self.kernel[1], self.strides[1], self.padding),
            self.filters,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthwiseConv2D:
    """Depthwise convolution, weights (height, width, in, multiplier); training leaves those of a fixed one alone."""

    kernel: Pair
    strides: Pair = (1, 1)
    padding: ConvPadding = "same"
    depth_multiplier: int = 1
    use_bias: bool = True
    activation: ActivationName = "linear"
    # Left out of the text, by whose digest the networks of runs made before are known.
    is_fixed: bool = field(default=False, repr=False)

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output."""
        h, w, c = _rank3(inputs[0], "DepthwiseConv2D")
        return (
            _spatial(h, self.kernel[0], self.strides[0], self.padding),
            _spatial(w, self.kernel[1], self.strides[1], self.padding),
            c * self.depth_multiplier,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """Fully connected layer on a flat input, weights (in, out)."""

    units: int
    use_bias: bool = True
    activation: ActivationName = "linear"

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output."""
        if len(inputs[0]) != 1:
            raise TopologyError(f"Dense needs a flat input, got {inputs[0]}: put Flatten or global pooling before it")
        return (self.units,)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNormalization:
    """Batch normalisation over the last axis."""

    momentum: float = 0.9
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output."""
        return inputs[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A stand-alone activation."""

    function: ActivationName

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output."""
        return inputs[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling2D:
    """Max or average pooling over windows."""

    kind: Literal["max", "average"]
    size: Pair
    strides: Pair
    padding: ConvPadding = "valid"

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output."""
        h, w, c = _rank3(inputs[0], "Pooling2D")
        return (
            _spatial(h, self.size[0], self.strides[0], self.padding),
            _spatial(w, self.size[1], self.strides[1], self.padding),
            c,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalPooling2D:
    """Max or average over all positions: (height, width, c) -> (c,)."""

    kind: Literal["max", "average"]

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output."""
        return (_rank3(inputs[0], "GlobalPooling2D")[2],)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten:
    """All axes into one, channels fastest."""

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output."""
        return (math.prod(inputs[0]),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshape:
    """The same values, the last axis fastest, in the axes of `shape`, without the batch."""

    shape: Shape

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output."""
        if math.prod(inputs[0]) != math.prod(self.shape):
            raise TopologyError(
                f"Reshape to {self.shape} needs {math.prod(self.shape)} values, got {inputs[0]}, "
                f"which are {math.prod(inputs[0])}"
            )
        return self.shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropout:
    """Dropout while training; nothing at inference."""

    rate: float

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output."""
        return inputs[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroPadding2D:
    """Zeros around an image: ((top, bottom), (left, right))."""

    padding: tuple[Pair, Pair]

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output."""
        h, w, c = _rank3(inputs[0], "ZeroPadding2D")
        return (h + sum(self.padding[0]), w + sum(self.padding[1]), c)


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """Elementwise sum of inputs of one shape."""

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output."""
        if len(set(inputs)) != 1:
            raise TopologyError(f"Add needs inputs of one shape, got {inputs}")
        return inputs[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concatenate:
    """Join along the last axis."""

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output."""
        if len({shape[:-1] for shape in inputs}) != 1:
            raise TopologyError(f"Concatenate needs inputs that differ in channels only, got {inputs}")
        return (*inputs[0][:-1], sum(shape[-1] for shape in inputs))


Spec = (
    Input
    | Conv2D
    | DepthwiseConv2D
    | Dense
    | BatchNormalization
    | Activation
    | Pooling2D
    | GlobalPooling2D
    | Flatten
    | Reshape
    | Dropout
    | ZeroPadding2D
    | Add
    | Concatenate
)
