"""Cycles and milliseconds of one inference, with an interval.

``cycles = cycles per instruction x instructions + stall per weight byte x weight bytes read from flash``

The instructions come from `devices.instructions`, the bytes from
`devices.weight_traffic`.  The stall is physics on the calibrated board (wait
states over the bytes of one read) and stays in proportion to the cycles per
instruction on others, which predicts published results better than wait
states and caches by their manuals did.  Only the cycles per instruction are
fitted, by ``tests/benchmarks/fit_timing.py``, to published results: of the
very code on one Cortex-M4 board, of boards that run the same runtime as that
board, and of Espressif's chips.  All of it stands with its sources and
intervals in ``devices/cycles/timing.json``.  Everything here is an estimate,
for TensorFlow Lite Micro of 2026-08, weights in flash and the arena in
zero-wait SRAM; other runtimes differ several times over
(``tests/benchmarks/board_error.py``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from devices.device import Device
from devices.footprint import OperatorCost
from devices.graph import Graph, Operator
from devices.instructions import instructions_of
from devices.weight_traffic import flash_weight_bytes
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
    cycles_per_instruction
        Cycles of one instruction whose operands are at hand.
    stall_cycles_per_weight_byte
        Cycles that the core waits for each weight byte read from flash.
    flash_cache_bytes
        Data cache in front of the flash: weights that fit are read once.
    low, high
        Factors of the 90 % interval.
    instructions_of
        Short name of the core whose instructions are meant.
    own_instructions
        False when the core executes other instructions than those counted.
    source
        Where the constants come from.
    basis
        The same in a few words: what was published, or the timing that it is taken after.
    """

    cycles_per_instruction: float
    stall_cycles_per_weight_byte: float
    flash_cache_bytes: int
    low: float
    high: float
    instructions_of: str
    own_instructions: bool
    source: str
    basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTiming:
    """How multiply-accumulates become cycles on a Linux board that runs LiteRT with XNNPACK on one thread.

    Attributes
    ----------
    cycles_per_mac_int8, cycles_per_mac_float32
        Core cycles of one multiply-accumulate, everything else of the network included.
    low, high
        Factors of the interval.
    source
        Where the constants come from.
    basis
        The same in a few words.
    """

    cycles_per_mac_int8: float
    cycles_per_mac_float32: float
    low: float
    high: float
    source: str
    basis: str = ""


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
    """Names a `Device` may give as its core or its timing, Linux boards included."""
    return tuple(dict.fromkeys((*(name.partition("/")[0] for name in _timings()), *_hosts())))


def timing_of(device: Device) -> Timing:
    """Look up the timing of `device`: its own if it names one, else that of its core.

    An entry ``<name>/<kernels>`` holds for one kernel library only and comes
    before the entry ``<name>``, which holds for any.

    Raises
    ------
    ValueError
        When there is no such timing, or none for the kernels of `device`.
    """
    name = device.timing or device.core
    timings = _timings()
    timing = timings.get(f"{name}/{device.kernels}") or timings.get(name)
    if timing is None:
        raise ValueError(
            f"no cycle model for {name!r} with {device.kernels} kernels (device {device.name!r}); "
            f"known cores and timings: {', '.join(timings)}"
        )
    return timing


def host_timing(device: Device) -> HostTiming:
    """Look up the timing of a Linux board: its own if it names one, else that of its core.

    Raises
    ------
    ValueError
        When there is no such timing.
    """
    name = device.timing or device.core
    timing = _hosts().get(name)
    if timing is None:
        known = ", ".join(_hosts())
        raise ValueError(f"no host timing for {name!r} (device {device.name!r}); known cores and timings: {known}")
    return timing


def milliseconds(cycles: float, clock_hz: float) -> float:
    """Time of so many cycles, to the nanosecond: finer digits mean nothing and would differ between machines."""
    return round(1000 * cycles / clock_hz, _MS_DIGITS)


def operator_costs(graph: Graph, device: Device) -> tuple[OperatorCost, ...]:
    """Cost of every operator of `graph`, in its order.

    An operator that was not measured gets a stated cost an element; its
    doubt shows in the interval of `estimate`.
    """
    timing = timing_of(device)
    return tuple(_cost(graph, device, timing, index, operator) for index, operator in enumerate(graph.operators))


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
        counted = instructions_of(workload(graph, operator), timing.instructions_of, device.kernels)
        low += cost.cycles / _both(1 / timing.low, 1 / counted.low)
        high += cost.cycles * _both(timing.high, counted.high)
    known = [cost.instructions for cost in costs if cost.instructions is not None]
    whole = timing.own_instructions and len(known) == len(costs)
    return Estimate(
        instructions=overhead + sum(known) if whole else None,
        cycles=cycles,
        latency_ms=milliseconds(cycles, device.clock_hz),
        latency_low_ms=milliseconds(low, device.clock_hz),
        latency_high_ms=milliseconds(high, device.clock_hz),
    )


def _both(first: float, second: float) -> float:
    """Combine two independent factors, both at least 1: their logarithms add as squares."""
    return math.exp(math.hypot(math.log(first), math.log(second)))


def _cost(graph: Graph, device: Device, timing: Timing, index: int, operator: Operator) -> OperatorCost:
    work = workload(graph, operator)
    counted = instructions_of(work, timing.instructions_of, device.kernels)
    weights = flash_weight_bytes(work, timing.flash_cache_bytes)
    cycles = round(timing.cycles_per_instruction * counted.count + timing.stall_cycles_per_weight_byte * weights)
    return OperatorCost(
        index=index,
        op=operator.name,
        output_shape=graph.output(operator).shape if operator.outputs else (),
        macs=graph.macs(operator) if operator.outputs else 0,
        instructions=round(counted.count) if counted.measured and timing.own_instructions else None,
        cycles=cycles,
        latency_ms=milliseconds(cycles, device.clock_hz),
    )


@cache
def _timings() -> dict[str, Timing]:
    return {name: Timing(**entry) for name, entry in _document()["timings"].items()}


@cache
def _hosts() -> dict[str, HostTiming]:
    return {name: HostTiming(**entry) for name, entry in _document()["hosts"].items()}


def _document() -> dict[str, dict[str, dict[str, Any]]]:
    text = (files("devices") / "cycles" / "timing.json").read_text(encoding="utf-8")
    return cast("dict[str, dict[str, dict[str, Any]]]", json.loads(text))
