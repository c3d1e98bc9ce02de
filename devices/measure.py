"""What a network costs on a device: everything together."""

from __future__ import annotations

from devices.device import Device
from devices.flatbuffer import read_graph
from devices.footprint import Footprint, OperatorCost
from devices.graph import Graph
from devices.latency import estimate, operator_costs
from devices.memory import plan_arena
from devices.storage import runtime_flash_bytes, static_ram_bytes


def footprint(graph: Graph, device: Device, model_bytes: int) -> Footprint:
    """Cost of `graph` on `device`; the same arguments give the same figures, bit for bit.

    Parameters
    ----------
    model_bytes
        Bytes of the file: exact, or predicted (`devices.slim.predicted_bytes`).
    """
    return _footprint(graph, device, model_bytes, operator_costs(graph, device))


def measure(content: bytes, device: Device) -> tuple[Footprint, tuple[OperatorCost, ...]]:
    """Cost of a ``.tflite`` on `device`: of the whole, and of each operator in the file's order.

    Raises
    ------
    devices.flatbuffer.ModelFileError
        When the bytes are not a model that can be read.
    """
    graph = read_graph(content)
    costs = operator_costs(graph, device)
    return _footprint(graph, device, len(content), costs), costs


def _footprint(graph: Graph, device: Device, model_bytes: int, costs: tuple[OperatorCost, ...]) -> Footprint:
    arena = plan_arena(graph, device.core)
    time = estimate(graph, device, costs)
    return Footprint(
        model_bytes=model_bytes,
        runtime_flash_bytes=runtime_flash_bytes(graph, device),
        activation_bytes=arena.activation_bytes,
        bookkeeping_bytes=arena.bookkeeping_bytes,
        setup_bytes=arena.setup_bytes,
        static_ram_bytes=static_ram_bytes(graph, device),
        macs=sum(cost.macs for cost in costs),
        instructions=time.instructions,
        cycles=time.cycles,
        latency_ms=time.latency_ms,
        latency_low_ms=time.latency_low_ms,
        latency_high_ms=time.latency_high_ms,
    )
