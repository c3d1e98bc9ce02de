"""Cycles and milliseconds of one inference, with an interval.

``cycles = a x instructions + b x weight bytes read from flash``

The instructions come from `devices.instructions`; a and b belong to a core or
a family of boards and stand with their sources in ``devices/cycles/timing.json``.
They were fitted to published results of a Cortex-M4 board (residuals within
3.4 %) and carried to other cores by published ratios of boards that run the
same runtime.  Everything here is an estimate, for TensorFlow Lite Micro of
2026-08 with CMSIS-NN, weights in internal flash and the arena in zero-wait
SRAM; other runtimes differ several times over.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from devices.device import Device
from devices.footprint import OperatorCost
from devices.graph import Graph, Operator
from devices.instructions import Instructions, flash_weight_bytes, instructions_of
from devices.workload import workload

# Instructions of the interpreter itself: of one inference, and of the dispatch of one operator.
# models.csv, interpreter_insns: 392, 1050, 1332, 1614, 3024 with 3, 10, 13, 16, 31 operators.
INTERPRETER_INSTRUCTIONS = (110, 94)
_MS_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How instructions become cycles on one core or family of boards.

    Attributes
    ----------
    cycles_per_instruction, cycles_per_weight_byte
        The constants a and b.
    low, high
        Factors of the 90 % interval.
    instructions_of
        Short name of the core whose instructions are meant.
    own_instructions
        False when the core executes other instructions than those counted.
    source
        Where the constants come from.
    """

    cycles_per_instruction: float
    cycles_per_weight_byte: float
    low: float
    high: float
    instructions_of: str
    own_instructions: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Time of a whole inference.

    Attributes
    ----------
    instructions
        Interpreter and operators; None where an operator's kernel was not
        measured on the core.
    cycles
        Core cycles.
    latency_ms, latency_low_ms, latency_high_ms
        Estimate and 90 % interval in milliseconds.
    """

    instructions: int | None
    cycles: int
    latency_ms: float
    latency_low_ms: float
    latency_high_ms: float


def timing_names() -> tuple[str, ...]:
    """Names a `Device` may give as its core or its timing."""
    return tuple(_timings())


def timing_of(device: Device) -> Timing:
    """Look up the timing of `device`: its own if it names one, else that of its core.

    Raises
    ------
    ValueError
        When there is no such timing.
    """
    name = device.timing or device.core
    timing = _timings().get(name)
    if timing is None:
        known = ", ".join(_timings())
        raise ValueError(f"no cycle model for {name!r} (device {device.name!r}); known cores and timings: {known}")
    return timing


def operator_costs(graph: Graph, device: Device) -> tuple[OperatorCost, ...]:
    """Cost of every operator of `graph`, in its order.

    An operator that was not measured gets a stated cost an element; its
    doubt shows in the interval of `estimate`.
    """
    timing = timing_of(device)
    return tuple(
        _cost(graph, device, index, operator, _counted(graph, operator, device, timing))
        for index, operator in enumerate(graph.operators)
    )


def estimate(graph: Graph, device: Device, costs: Sequence[OperatorCost]) -> Estimate:
    """Time of a whole inference from its operators' costs (`operator_costs` of the same graph and device).

    The interval widens with the share of cycles spent in operators, types or
    cores that were not measured.
    """
    timing = timing_of(device)
    start, each = INTERPRETER_INSTRUCTIONS
    overhead = start + each * len(costs)
    overhead_cycles = round(overhead * timing.cycles_per_instruction)
    cycles = overhead_cycles + sum(cost.cycles for cost in costs)
    low, high = overhead_cycles * timing.low, overhead_cycles * timing.high
    for cost, operator in zip(costs, graph.operators, strict=True):
        counted = _counted(graph, operator, device, timing)
        low += cost.cycles * timing.low * counted.low
        high += cost.cycles * timing.high * counted.high
    known = [cost.instructions for cost in costs if cost.instructions is not None]
    whole = timing.own_instructions and len(known) == len(costs)
    return Estimate(
        instructions=overhead + sum(known) if whole else None,
        cycles=cycles,
        latency_ms=_milliseconds(cycles, device),
        latency_low_ms=_milliseconds(low, device),
        latency_high_ms=_milliseconds(high, device),
    )


def _counted(graph: Graph, operator: Operator, device: Device, timing: Timing) -> Instructions:
    return instructions_of(workload(graph, operator), timing.instructions_of, device.kernels)


def _cost(graph: Graph, device: Device, index: int, operator: Operator, counted: Instructions) -> OperatorCost:
    timing = timing_of(device)
    weights = flash_weight_bytes(workload(graph, operator))
    cycles = round(timing.cycles_per_instruction * counted.count + timing.cycles_per_weight_byte * weights)
    return OperatorCost(
        index=index,
        op=operator.name,
        output_shape=graph.output(operator).shape if operator.outputs else (),
        macs=graph.macs(operator) if operator.outputs else 0,
        instructions=round(counted.count) if counted.measured and timing.own_instructions else None,
        cycles=cycles,
        latency_ms=_milliseconds(cycles, device),
    )


def _milliseconds(cycles: float, device: Device) -> float:
    return round(1000 * cycles / device.clock_hz, _MS_DIGITS)


@cache
def _timings() -> dict[str, Timing]:
    text = (files("devices") / "cycles" / "timing.json").read_text(encoding="utf-8")
    return {name: Timing(**entry) for name, entry in json.loads(text)["timings"].items()}
