"""The graph of a candidate's file, found before training: no weights, no TensorFlow, a few milliseconds."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

from compressors.fusion import WEIGHTED, fused
from compressors.layers import Shape, TopologyError
from compressors.program import Integers, Program, Step, Weights
from compressors.quantization import Quantization
from compressors.topology import Topology
from devices.graph import DType, Graph, Operator, Tensor

_ACTIVATIONS = {8: DType.INT8, 16: DType.INT16, 32: DType.FLOAT32}
_BIASES = {8: DType.INT32, 16: DType.INT64, 32: DType.FLOAT32}
_WEIGHTS = {4: DType.INT4, 8: DType.INT8, 16: DType.FLOAT16, 32: DType.FLOAT32}


def lower(topology: Topology, quantization: Quantization | None = None) -> Graph:
    """The graph that `devices.flatbuffer.read_graph` reads from the file of any trained network of `topology`.

    The file is that of `compressors.quantization` with the same settings (by
    default those of `Quantization`): batch of 1, slimmed.  Operators, their
    order and options, shapes, constants and numbers of scales are those of the
    file; constants may be numbered differently.

    Two things hang on values that are known after training only, and are not
    foretold: the QUANTIZE operators that TFLiteConverter adds where one
    activation goes into several concatenations whose scales it cannot make
    equal, and constants that happen to be equal, which are one in the file.

    Raises
    ------
    TopologyError
        When nothing is computed, so that the file would have no operator.
    """
    settings = quantization or Quantization()
    program = fused(topology, is_integer=settings.activation_bits < 32)
    if program.output.name == "INPUT":
        raise TopologyError("the output is the input: add a layer that computes something")
    return _Assembly(program, settings).graph()


@dataclass(frozen=True, slots=True)
class _Constant:
    """A trained constant of an operator, and what tells it from others."""

    key: Hashable
    shape: Shape
    dtype: DType
    scales: int


class _Assembly:
    """Numbers the tensors: the input, the constants, the outputs of the operators."""

    def __init__(self, program: Program, settings: Quantization) -> None:
        self._program = program
        self._settings = settings
        self._dtype = _ACTIVATIONS[settings.activation_bits]
        self._tensors: list[Tensor] = []
        self._indexes: dict[Hashable, int] = {}
        self._operators: list[Operator] = []

    def graph(self) -> Graph:
        source, *operations = self._program.steps
        self._activation(source)
        for step in operations:
            if step.integers is not None:
                self._add(step.integers, _stored(step.integers.shape, DType.INT32))
        for step in operations:
            for constant in self._constants(step):
                self._constant(constant)
        for step in operations:
            self._activation(step)
            self._operators.append(self._operator(step))
        return Graph(
            tensors=tuple(self._tensors),
            operators=tuple(self._operators),
            inputs=(self._indexes[source],),
            outputs=(self._indexes[self._program.output],),
        )

    def _add(self, key: Hashable, tensor: Tensor) -> None:
        if key not in self._indexes:
            self._indexes[key] = len(self._tensors)
            self._tensors.append(tensor)

    def _activation(self, step: Step) -> None:
        scales = 0 if self._dtype is DType.FLOAT32 else 1
        self._add(step, Tensor(shape=step.shape, dtype=self._dtype, scales=scales))

    def _constants(self, step: Step) -> list[_Constant]:
        """Weights and bias, or the constant of a sum or product."""
        if step.weights is None:
            return []
        weights, is_half = step.weights, self._settings.weight_bits == 16
        if step.name not in WEIGHTED:
            dtype = DType.FLOAT16 if is_half else self._dtype
            return [_Constant(weights, weights.shape, dtype, 0 if self._settings.activation_bits == 32 else 1)]
        bits = self._settings.bits_of(step.name, step.layer)
        scales = self._settings.weight_scales(step.name, bits, weights.channels)
        made = [_Constant(weights, weights.shape, _WEIGHTS[bits], scales)]
        if _has_bias(step):
            # Slimming drops the scales of a convolution's bias: they follow from those of its input and weights.
            is_scaled = self._settings.activation_bits < 32 and not step.is_convolution
            dtype = DType.FLOAT16 if is_half else _BIASES[self._settings.activation_bits]
            made.append(_Constant(self._bias(step), (weights.channels,), dtype, scales if is_scaled else 0))
        return made

    def _constant(self, constant: _Constant) -> None:
        tensor = _stored(constant.shape, constant.dtype, constant.scales)
        if constant.dtype is not DType.FLOAT16:
            self._add(constant.key, tensor)
        elif constant.key not in self._indexes:
            self._add((constant.key, "half"), tensor)
            self._add(constant.key, Tensor(shape=constant.shape, dtype=DType.FLOAT32))
            source, target = self._indexes[constant.key, "half"], self._indexes[constant.key]
            self._operators.append(Operator(name="DEQUANTIZE", inputs=(source,), outputs=(target,)))

    def _operator(self, step: Step) -> Operator:
        inputs = [self._indexes[read] for read in step.reads]
        constant: Weights | Integers | None = step.weights or step.integers
        if constant is not None:
            inputs.append(self._indexes[constant])
        if _has_bias(step):
            inputs.append(self._indexes[self._bias(step)])
        elif step.name == "FULLY_CONNECTED":
            inputs.append(-1)
        return Operator(name=step.name, inputs=tuple(inputs), outputs=(self._indexes[step],), options=step.options)

    def _bias(self, step: Step) -> Hashable:
        """Steps with the same weights have the same real bias; as an integer it hangs on the input's scale too."""
        return (step.weights if self._settings.activation_bits == 32 else step), "bias"


def _stored(shape: Shape, dtype: DType, scales: int = 0) -> Tensor:
    size = (math.prod(shape) * dtype.bits + 7) // 8
    return Tensor(shape=shape, dtype=dtype, constant_bytes=size, scales=scales)


def _has_bias(step: Step) -> bool:
    return step.is_convolution or step.bias
