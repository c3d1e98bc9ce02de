"""The graph of a candidate's file, found before training: no weights, no TensorFlow, a few milliseconds."""

from __future__ import annotations

from typing import Literal

from compressors.fusion import Program, fused
from compressors.program import Integers, Step, Weights
from compressors.topology import Topology
from devices.graph import DType, Graph, Operator, Tensor

_INT32_BYTES = 4


def lower(topology: Topology, granularity: Literal["channel", "tensor"] = "channel") -> Graph:
    """The graph that `devices.flatbuffer.read_graph` reads from the file of any trained network of `topology`.

    The file is that of `compressors.quantization` with the same granularity:
    full-integer, batch of 1, slimmed.  Operators, their order and options,
    tensors, constants and numbers of scales are those of the file, given that
    all weights are finite and no two constants happen to be equal.

    Raises
    ------
    ValueError
        When the network computes nothing, so that the converter would write an
        empty float file.
    """
    program = fused(topology)
    if not program.steps[1:]:
        raise ValueError("the topology has no layer that computes anything: add one")
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
                self._integers(step.integers)
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

    def _integers(self, integers: Integers) -> None:
        size = _INT32_BYTES * len(integers.values)
        self._add(integers, Tensor(shape=integers.shape, dtype=DType.INT32, constant_bytes=size))

    def _constants(self, step: Step) -> None:
        if step.weights is None:
            return
        scales = step.weights.channels if self._per_channel else 1
        if _has_bias(step):
            # Slimming drops the scales of a convolution's bias: they follow from those of its input and weights.
            shape = (step.weights.channels,)
            kept = 0 if step.is_convolution else scales
            size = _INT32_BYTES * step.weights.channels
            self._add(_bias(step), Tensor(shape=shape, dtype=DType.INT32, constant_bytes=size, scales=kept))
        weights = Tensor(shape=step.weights.shape, dtype=DType.INT8, scales=scales)
        self._add(step.weights, Tensor(shape=weights.shape, dtype=DType.INT8, constant_bytes=weights.nbytes, scales=scales))

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
