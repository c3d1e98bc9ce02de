"""The graph of a candidate's file, found before training: no weights, no TensorFlow, a few milliseconds."""

from __future__ import annotations

import math
from typing import Literal

from compressors.fusion import fused
from compressors.layers import Shape, TopologyError
from compressors.program import Integers, Program, Step, Weights
from compressors.topology import Topology
from devices.graph import DType, Graph, Operator, Tensor


def lower(topology: Topology, granularity: Literal["channel", "tensor"] = "channel") -> Graph:
    """The graph that `devices.flatbuffer.read_graph` reads from the file of any trained network of `topology`.

    The file is that of `compressors.quantization` with the same granularity:
    full-integer, batch of 1, slimmed.  Operators, their order and options,
    shapes, constants and numbers of scales are those of the file; constants
    may be numbered differently.

    Two things hang on values that are known after calibration only, and are
    not foretold: the QUANTIZE operators that the converter adds where one
    activation goes into several concatenations whose scales it cannot make
    equal, and constants that happen to be equal, which are one in the file.

    Raises
    ------
    TopologyError
        When nothing is computed, so that the file would have no operator.
    """
    program = fused(topology)
    if program.output.name == "INPUT":
        raise TopologyError("the output is the input: add a layer that computes something")
    return _Assembly(program, granularity).graph()


class _Assembly:
    """Numbers the tensors: the input, the constants, the outputs of the operators."""

    def __init__(self, program: Program, granularity: Literal["channel", "tensor"]) -> None:
        self._program = program
        self._per_channel = granularity == "channel"
        self._tensors: list[Tensor] = []
        self._indexes: dict[object, int] = {}

    def graph(self) -> Graph:
        source, *operations = self._program.steps
        self._activation(source)
        for step in operations:
            if step.integers is not None:
                self._constant(step.integers, step.integers.shape, DType.INT32, scales=0)
        for step in reversed(operations):
            self._constants(step)
        for step in operations:
            self._activation(step)
        return Graph(
            tensors=tuple(self._tensors),
            operators=tuple(self._operator(step) for step in operations),
            inputs=(self._indexes[source],),
            outputs=(self._indexes[self._program.output],),
        )

    def _add(self, key: object, tensor: Tensor) -> None:
        if key not in self._indexes:
            self._indexes[key] = len(self._tensors)
            self._tensors.append(tensor)

    def _activation(self, step: Step) -> None:
        self._add(step, Tensor(shape=step.shape, dtype=DType.INT8, scales=1))

    def _constants(self, step: Step) -> None:
        if step.weights is None:
            return
        scales = step.weights.channels if self._per_channel else 1
        if _has_bias(step):
            # Slimming drops the scales of a convolution's bias: they follow from those of its input and weights.
            kept = 0 if step.is_convolution else scales
            self._constant(_bias(step), (step.weights.channels,), DType.INT32, kept)
        self._constant(step.weights, step.weights.shape, DType.INT8, scales)

    def _constant(self, key: object, shape: Shape, dtype: DType, scales: int) -> None:
        size = math.prod(shape) * dtype.bits // 8
        self._add(key, Tensor(shape=shape, dtype=dtype, constant_bytes=size, scales=scales))

    def _operator(self, step: Step) -> Operator:
        inputs = [self._indexes[read] for read in step.reads]
        constant: Weights | Integers | None = step.weights or step.integers
        if constant is not None:
            inputs.append(self._indexes[constant])
        if _has_bias(step):
            inputs.append(self._indexes[_bias(step)])
        elif step.name == "FULLY_CONNECTED":
            inputs.append(-1)
        return Operator(name=step.name, inputs=tuple(inputs), outputs=(self._indexes[step],), options=step.options)


def _has_bias(step: Step) -> bool:
    return step.is_convolution or step.bias


def _bias(step: Step) -> tuple[Step, str]:
    return step, "bias"
