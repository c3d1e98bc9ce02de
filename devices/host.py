"""What a network costs on a Linux board: LiteRT with XNNPACK's kernels, one thread.

Everything here but the file's own bytes is estimated.

Memory is counted as resident memory of the process that cannot be given back
(the pages of the mapped model file can): activations, weights as XNNPACK
repacks them, its tables of pointers, a part for each operator, and the
runtime itself.  Beside the runtime, LiteRT 2.3.0 on x86-64 took 0.97 to 1.11
times what is counted here for the nine networks of MLPerf Tiny (118 kB to
1.6 MB), and 0.4 to 2.0 times for five smaller ones.

Time is multiply-accumulates times the cycles of one (`devices.latency.host_timing`),
a part for each operator, and one for each element of operators that multiply
nothing.  The interval of networks below 10 M multiply-accumulates reaches up
to five times higher, for published times are of larger ones.
"""

from __future__ import annotations

from devices.device import Device
from devices.footprint import Footprint, OperatorCost
from devices.graph import DType, Graph, Operator, Tensor
from devices.latency import HostTiming, host_timing, milliseconds
from devices.lifetimes import activations, live_bytes
from devices.planner import aligned, place

LIBRARY_BYTES = 5_991_672  # libLiteRt.so of the aarch64 wheel of ai-edge-litert 2.3.0: interpreter and XNNPACK
_HEAP_BYTES = 900_000  # of the runtime before it holds a network, measured on x86-64
_OPERATOR_BYTES = 5_000  # of the runtime's own records, from the comparison above
_INT16_FACTOR = 40.0  # over float32: XNNPACK has no int16 kernels and LiteRT's own took 33 to 62 times on x86-64
_OPERATOR_CYCLES = 1_000  # of the runtime around each kernel: below 0.3 microseconds on x86-64
_ELEMENT_CYCLES = 2  # of an output element where there is nothing to multiply: an assumption
# The published times are of networks of 57 M multiply-accumulates and more.  Smaller ones spend their time in
# starts and remainders of loops that nothing here was calibrated on: an assumption, this factor at none of them.
_SMALL_MACS, _SMALL_HIGH = 10_000_000, 5.0
_ALIGNMENT = 64
_POINTER = 8
_TILE = 16  # output channels that XNNPACK packs together
_PIXELS = 4  # output pixels that it works on together
_PACKED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})


def host_footprint(graph: Graph, device: Device, model_bytes: int) -> tuple[Footprint, tuple[OperatorCost, ...]]:
    """Cost of `graph` on a board with LiteRT: of the whole, and of each operator in the file's order.

    The parts of the footprint hold: ``runtime_flash_bytes`` the runtime's
    shared library; ``activation_bytes`` activations where LiteRT's planner puts
    them; ``bookkeeping_bytes`` repacked weights, tables and records;
    ``setup_bytes`` the same two together; ``static_ram_bytes`` the library in
    memory and its heap.  Instructions are not known.

    Parameters
    ----------
    model_bytes
        Bytes of the file: exact, or predicted.

    Raises
    ------
    ValueError
        When the board has no timing.
    """
    timing = host_timing(device)
    buffers = activations(graph, _ALIGNMENT)
    activation_bytes = max((o + b.nbytes for o, b in zip(place(buffers), buffers, strict=True)), default=0)
    kept = sum(_kept_bytes(graph, operator) for operator in graph.operators)
    alive = live_bytes(buffers, len(graph.operators))
    costs = tuple(
        _cost(graph, device, timing, index, operator, nbytes)
        for index, (operator, nbytes) in enumerate(zip(graph.operators, alive, strict=True))
    )
    cycles, macs = sum(cost.cycles for cost in costs), sum(cost.macs for cost in costs)
    high = timing.high * (1 + (_SMALL_HIGH - 1) * max(0.0, 1 - macs / _SMALL_MACS))
    footprint = Footprint(
        model_bytes=model_bytes,
        runtime_flash_bytes=LIBRARY_BYTES,
        activation_bytes=activation_bytes,
        bookkeeping_bytes=kept,
        setup_bytes=activation_bytes + kept,
        static_ram_bytes=LIBRARY_BYTES + _HEAP_BYTES,
        macs=macs,
        instructions=None,
        cycles=cycles,
        latency_ms=milliseconds(cycles, device.clock_hz),
        latency_low_ms=milliseconds(cycles * timing.low, device.clock_hz),
        latency_high_ms=milliseconds(cycles * high, device.clock_hz),
    )
    return footprint, costs


def _cost(graph: Graph, device: Device, timing: HostTiming, index: int, operator: Operator, live: int) -> OperatorCost:
    macs = graph.macs(operator) if operator.outputs else 0
    work = macs * _cycles_per_mac(graph, operator, timing) if macs else _ELEMENT_CYCLES * _elements(graph, operator)
    cycles = round(_OPERATOR_CYCLES + work)
    return OperatorCost(
        index=index,
        op=operator.name,
        output_shape=graph.output(operator).shape if operator.outputs else (),
        macs=macs,
        instructions=None,
        cycles=cycles,
        latency_ms=milliseconds(cycles, device.clock_hz),
        live_bytes=live,
    )


def _elements(graph: Graph, operator: Operator) -> int:
    return graph.output(operator).elements if operator.outputs else 0


def _cycles_per_mac(graph: Graph, operator: Operator, timing: HostTiming) -> float:
    """Weights of 8 bits or fewer run as int8, also under float activations; the rest as float32."""
    source, weights = graph.tensor(operator, 0), graph.tensor(operator, 1)
    if source is not None and source.dtype is DType.INT16:
        return _INT16_FACTOR * timing.cycles_per_mac_float32
    if weights is not None and weights.dtype.bits <= 8:
        return timing.cycles_per_mac_int8
    return timing.cycles_per_mac_float32


def _kept_bytes(graph: Graph, operator: Operator) -> int:
    """Repacked weights, tables of pointers and records of one operator; int16 is not repacked."""
    weights, source = graph.tensor(operator, 1), graph.tensor(operator, 0)
    if operator.name not in _PACKED or weights is None or source is None or not weights.shape:
        return _OPERATOR_BYTES
    if source.dtype is DType.INT16:
        return _OPERATOR_BYTES
    return (
        _OPERATOR_BYTES + _packed_bytes(operator, weights) + _pointer_bytes(operator, weights, graph.output(operator))
    )


def _packed_bytes(operator: Operator, weights: Tensor) -> int:
    """Output channels in tiles, with a bias each, and a scale where the weights are integers."""
    is_integer = weights.dtype.bits <= 8
    element, extra = (1, 8) if is_integer else (4, 4)
    channels = weights.shape[-1 if operator.name == "DEPTHWISE_CONV_2D" else 0]
    taps = weights.elements // max(1, channels)
    if is_integer and operator.name != "DEPTHWISE_CONV_2D":
        taps = aligned(taps, 8)
    return aligned(channels, _TILE) * (taps * element + extra)


def _pointer_bytes(operator: Operator, weights: Tensor, out: Tensor) -> int:
    """A pointer for every pixel under the window at every position of it."""
    if operator.name == "FULLY_CONNECTED" or len(weights.shape) != 4 or len(out.shape) != 4:
        return 0
    (height, width), at = weights.shape[1:3], operator.options
    if operator.name == "DEPTHWISE_CONV_2D":
        step = min(at.stride_width, width)
        return _POINTER * out.shape[1] * (height * width + (out.shape[2] - 1) * step * height)
    if (height, width, at.stride_height, at.stride_width) == (1, 1, 1, 1):
        return 0
    return _POINTER * height * width * aligned(out.shape[1] * out.shape[2], _PIXELS)
