"""The network as the runtime executes it: tensors and operators in order.

A `Graph` is read from a ``.tflite`` file (`devices.flatbuffer`) or lowered
from a candidate before training (`compressors.lower`); both must agree, so
everything that costs flash, RAM or cycles is computed from a `Graph` alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Padding = Literal["SAME", "VALID"]
FusedActivation = Literal["NONE", "RELU", "RELU6", "RELU_N1_TO_1", "TANH", "SIGN_BIT"]


class DType(StrEnum):
    """Element types of the TFLite schema, by their schema names in lower case."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    FLOAT64 = "float64"
    INT4 = "int4"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    BOOL = "bool"
    STRING = "string"
    COMPLEX64 = "complex64"
    COMPLEX128 = "complex128"
    RESOURCE = "resource"
    VARIANT = "variant"
    BFLOAT16 = "bfloat16"
    INT2 = "int2"
    UINT4 = "uint4"
    FLOAT8E4M3FN = "float8_e4m3fn"
    FLOAT8E5M2 = "float8_e5m2"

    @property
    def bits(self) -> int:
        """Bits of one element; 0 where the size is not fixed."""
        return _BITS[self]


_BITS = {
    DType.FLOAT32: 32,
    DType.FLOAT16: 16,
    DType.FLOAT64: 64,
    DType.INT4: 4,
    DType.INT8: 8,
    DType.INT16: 16,
    DType.INT32: 32,
    DType.INT64: 64,
    DType.UINT8: 8,
    DType.UINT16: 16,
    DType.UINT32: 32,
    DType.UINT64: 64,
    DType.BOOL: 8,
    DType.STRING: 0,
    DType.COMPLEX64: 64,
    DType.COMPLEX128: 128,
    DType.RESOURCE: 0,
    DType.VARIANT: 0,
    DType.BFLOAT16: 16,
    DType.INT2: 2,
    DType.UINT4: 4,
    DType.FLOAT8E4M3FN: 8,
    DType.FLOAT8E5M2: 8,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One tensor of the graph.

    Attributes
    ----------
    shape
        Elements along each axis, static, batch included; ``()`` is a scalar.
    dtype
        Element type.
    constant_bytes
        Bytes of its buffer in the file; None when it is computed at run time.
    scales
        Number of quantisation scales: 0 unquantised, 1 per tensor, n per channel.
    is_variable
        True for state that survives an inference (an LSTM's, a VAR_HANDLE's).
    """

    shape: tuple[int, ...]
    dtype: DType
    constant_bytes: int | None = None
    scales: int = 0
    is_variable: bool = False

    @property
    def elements(self) -> int:
        """Number of elements; 1 for a scalar."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of its data, sub-byte types packed."""
        return (self.elements * self.dtype.bits + 7) // 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an operator's builtin options say; the defaults mean "not applicable"."""

    padding: Padding = "VALID"
    stride_height: int = 1
    stride_width: int = 1
    dilation_height: int = 1
    dilation_width: int = 1
    filter_height: int = 1
    filter_width: int = 1
    depth_multiplier: int = 1
    activation: FusedActivation = "NONE"
    axis: int = 0
    keep_dims: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator in execution order.

    Attributes
    ----------
    name
        Builtin operator name of the schema (``CONV_2D``), or a custom op's own.
    inputs, outputs
        Indexes into `Graph.tensors`; -1 stands for an absent optional input.
    is_custom
        True for an operator outside the builtin set.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Options = field(default_factory=Options)
    is_custom: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A whole network, operators in execution order."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def tensor(self, operator: Operator, position: int) -> Tensor | None:
        """Input tensor `position` of `operator`; None where absent."""
        if position >= len(operator.inputs) or operator.inputs[position] < 0:
            return None
        return self.tensors[operator.inputs[position]]

    def output(self, operator: Operator) -> Tensor:
        """First output tensor of `operator`."""
        return self.tensors[operator.outputs[0]]

    def macs(self, operator: Operator) -> int:
        """Multiply-accumulates of one inference of `operator`; 0 where it has none."""
        out = self.output(operator)
        weights = self.tensor(operator, 1)
        if weights is None or operator.is_custom:  # one may have the name of a builtin operator, and any shapes
            return 0
        match operator.name:
            case "CONV_2D":  # weights (out, height, width, in)
                return out.elements * math.prod(weights.shape[1:])
            case "DEPTHWISE_CONV_2D":  # weights (1, height, width, out)
                return out.elements * math.prod(weights.shape[1:3])
            case "FULLY_CONNECTED":  # weights (out, in)
                return out.elements * weights.shape[-1]
            case "TRANSPOSE_CONV":  # weights (out, height, width, in), its image is input 2
                source = self.tensor(operator, 2)
                return 0 if source is None else source.elements * math.prod(weights.shape[:3])
            case "SVDF":  # of features (filters, in) and of time (filters, memory)
                return out.shape[0] * self._elements(operator, range(1, 3))
            case "UNIDIRECTIONAL_SEQUENCE_LSTM":  # four gates of the input, four of the state, at every step
                return out.elements // max((1, *out.shape[-1:])) * self._elements(operator, range(1, 9))
        return 0

    def _elements(self, operator: Operator, positions: range) -> int:
        """Elements of those inputs of `operator` that are there."""
        found = (self.tensor(operator, position) for position in positions)
        return sum(tensor.elements for tensor in found if tensor is not None)
