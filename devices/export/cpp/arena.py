"""Size of the tensor arena that the exported program sets aside.

The footprint's arena is what the interpreter keeps.  While it plans, it also
borrows the part that the activations take later, so that a network of small
activations needs more at the start than it keeps::

    max(arena, bookkeeping + planner) + MARGIN_BYTES

A 64-bit host, on which the same program can be tried, needs larger records.

Source: `MicroAllocator` and `GreedyMemoryPlanner` of tensorflow/tflite-micro
at commit 90b983c2b.  The MLPerf Tiny autoencoder keeps 2580 bytes on a
Cortex-M4 and starts with no less than 3024.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.footprint import Footprint
from devices.graph import DType, Graph, Operator

MARGIN_BYTES = 512
"""For the records that change a little from one version of the interpreter to the next."""

_PLANNED_BYTES = 40  # of the planner, a buffer: requirement 16, list entry 12, sorted size, index, offset 4 each
_MANY_SCRATCH_BUFFERS = {"UNIDIRECTIONAL_SEQUENCE_LSTM": 6, "SVDF": 2, "BATCH_MATMUL": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaSize:
    """Bytes of the arena, margin included, in a 32-bit and in a 64-bit build."""

    device_bytes: int
    host_bytes: int


def arena_size(graph: Graph, footprint: Footprint) -> ArenaSize:
    """What the exported program sets aside for `graph`, multiples of 16."""
    device_plan = footprint.bookkeeping_bytes + _planner_bytes(graph, record_bytes=24)
    host_plan = footprint.bookkeeping_bytes + _planner_bytes(graph, record_bytes=32)
    extra = _host_extra_bytes(graph)
    return ArenaSize(
        device_bytes=_up(max(footprint.arena_bytes, device_plan) + MARGIN_BYTES),
        host_bytes=_up(max(footprint.arena_bytes, host_plan) + extra + MARGIN_BYTES),
    )


def _planner_bytes(graph: Graph, *, record_bytes: int) -> int:
    """What planning borrows, from above: a record per tensor and scratch buffer, more for those that are planned."""
    scratch = sum(_MANY_SCRATCH_BUFFERS.get(operator.name, 1) for operator in graph.operators)
    planned = sum(1 for tensor in graph.tensors if tensor.constant_bytes is None)
    return record_bytes * (len(graph.tensors) + scratch) + _PLANNED_BYTES * (planned + scratch)


def _host_extra_bytes(graph: Graph) -> int:
    """What a 64-bit build with portable kernels keeps beyond the 32-bit arena, from above.

    Pointers double: 12 bytes a tensor (`TfLiteEvalTensor` 24 instead of 12)
    and 32 an operator (`NodeAndRegistration` 64 instead of 32), to which come
    16 for the pointers in an operator's own data, 32 for each port
    (`TfLiteTensor` 64 instead of 32) and 512 for the interpreter's fixed
    objects.  The portable kernels also keep a multiplier and a shift for each
    channel of a float convolution, which CMSIS-NN does without.
    """
    channels = sum(_float_channels(graph, operator) for operator in graph.operators)
    return 12 * len(graph.tensors) + 48 * len(graph.operators) + 32 * 2 + 512 + 8 * channels


def _float_channels(graph: Graph, operator: Operator) -> int:
    output = graph.output(operator)
    if operator.name not in {"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"} or output.dtype is not DType.FLOAT32:
        return 0
    return output.shape[-1]


def _up(size: int) -> int:
    return (size + 15) // 16 * 16
