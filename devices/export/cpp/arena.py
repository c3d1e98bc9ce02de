"""Size of the tensor arena that the exported program sets aside.

The footprint's arena is what the interpreter keeps.  While it plans, tables
take the place of the activations, so that a network of small activations needs
more at the start than it keeps (`Footprint.setup_bytes`)::

    max(arena, setup) + MARGIN_BYTES

The MLPerf Tiny autoencoder keeps 2580 bytes on a Cortex-M4 and starts with no
less than 3024.  A 64-bit host, on which the same program can be tried, needs
larger records.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.footprint import Footprint
from devices.graph import DType, Graph, Operator
from devices.planner import aligned

MARGIN_BYTES = 512
"""For the records that change a little from one version of the interpreter to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaSize:
    """Bytes of the arena, margin included, in a 32-bit and in a 64-bit build."""

    device_bytes: int
    host_bytes: int


def arena_size(graph: Graph, footprint: Footprint) -> ArenaSize:
    """What the exported program sets aside for `graph`, multiples of 16."""
    needed = max(footprint.arena_bytes, footprint.setup_bytes) + MARGIN_BYTES
    return ArenaSize(device_bytes=aligned(needed), host_bytes=aligned(needed + _host_extra_bytes(graph)))


def _host_extra_bytes(graph: Graph) -> int:
    """What a 64-bit build with portable kernels keeps beyond the 32-bit arena, from above.

    Pointers double: 12 bytes a tensor (`TfLiteEvalTensor` 24 instead of 12)
    and 32 an operator (`NodeAndRegistration` 64 instead of 32), to which come
    16 for the pointers in an operator's own data, 32 for each port
    (`TfLiteTensor` 64 instead of 32) and 512 for the interpreter's fixed
    objects.  While it plans, a record of 32 instead of 24 bytes stands for each
    tensor and scratch buffer, of which two an operator are counted.  The
    portable kernels also keep a multiplier and a shift for each channel of a
    float convolution, which CMSIS-NN does without.
    """
    channels = sum(_float_channels(graph, operator) for operator in graph.operators)
    return (12 + 8) * len(graph.tensors) + (48 + 16) * len(graph.operators) + 32 * 2 + 512 + 8 * channels


def _float_channels(graph: Graph, operator: Operator) -> int:
    output = graph.output(operator)
    if operator.name not in {"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"} or output.dtype is not DType.FLOAT32:
        return 0
    return output.shape[-1]
