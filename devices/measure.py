"""What a network costs on a device: everything together."""

from __future__ import annotations

from dataclasses import replace

from devices import ethos_u
from devices.device import Device
from devices.flatbuffer import read_graph
from devices.footprint import Footprint, OperatorCost
from devices.graph import Graph
from devices.host import host_footprint
from devices.latency import estimate, operator_costs
from devices.memory import Arena, plan_arena
from devices.storage import runtime_flash_bytes, static_ram_bytes


def footprint(graph: Graph, device: Device, model_bytes: int) -> Footprint:
    """Cost of `graph` on `device`; the same arguments give the same figures, bit for bit.

    Parameters
    ----------
    model_bytes
        Bytes of the file: exact, or predicted (`devices.slim.predicted_bytes`).

    Notes
    -----
    A board with an accelerator executes a compiled file, whose cost is known
    only to the compiler: `measure` asks it.  Here, without a file, the least
    that the network can cost stands in.

    Raises
    ------
    devices.vela.VelaError
        On a board with an accelerator: Vela is not installed, or cannot take the network.
    """
    if device.accelerator is not None:
        return ethos_u.least_footprint(graph, device, model_bytes)
    if device.runtime == "litert":
        return host_footprint(graph, device, model_bytes)[0]
    arena = plan_arena(graph, device.core, device.kernels)
    return _footprint(graph, device, model_bytes, operator_costs(graph, device), arena)


def measure(content: bytes, device: Device) -> tuple[Footprint, tuple[OperatorCost, ...]]:
    """Cost of a ``.tflite`` on `device`: of the whole, and of each operator in the file's order.

    On a board with an accelerator both are those of the compiled file.

    Raises
    ------
    devices.flatbuffer.ModelFileError
        When the bytes are not a model that can be read.
    devices.vela.VelaError
        On a board with an accelerator: Vela is not installed, or does not compile the model.
    """
    return measure_graph(read_graph(content), content, device)


def measure_graph(graph: Graph, content: bytes, device: Device) -> tuple[Footprint, tuple[OperatorCost, ...]]:
    """As `measure`, of a file whose graph was read before: `graph` is ``read_graph(content)``."""
    if device.accelerator is not None:
        return ethos_u.compiled_cost(graph, content, device)
    if device.runtime == "litert":
        return host_footprint(graph, device, len(content))
    costs, arena = operator_costs(graph, device), plan_arena(graph, device.core, device.kernels)
    alive = zip(costs, arena.live_bytes, strict=True)
    return (
        _footprint(graph, device, len(content), costs, arena),
        tuple(replace(cost, live_bytes=nbytes) for cost, nbytes in alive),
    )


def _footprint(
    graph: Graph, device: Device, model_bytes: int, costs: tuple[OperatorCost, ...], arena: Arena
) -> Footprint:
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
