"""What a front-end costs on a device: flash, RAM and time, from counted operations.

Operations are counted along the loops of the C++ sources.  What one of them
takes was not measured here on any board: on a core with a floating-point unit an
addition or multiplication is taken as one instruction and 1.6 more for loads,
stores, index and loop; a division or square root as 14, as Arm's Cortex-M4
manual gives for VDIV and VSQRT.  Without such a unit every operation is a call
of the compiler's library, taken as 70 instructions (250 for the slow ones).
Instructions become cycles by the board's own timing (`devices.latency`).  The
interval spans a factor of two either way, two and a half without the unit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from devices.device import Device
from devices.footprint import Footprint
from devices.latency import host_timing, milliseconds, timing_of

_SOFT_FLOAT = frozenset({"cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m23", "riscv32imc"})
_FAST, _SLOW, _INTEGER = 2.6, 14.0, 2.6  # instructions with a floating-point unit
_SOFT_FAST, _SOFT_SLOW = 70.0, 250.0
_INTERVAL, _SOFT_INTERVAL = 2.0, 2.5
# The library's own addition, multiplication, division, comparison and conversion.
_SOFT_LIBRARY_BYTES = 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Counted operations of one sample.

    Attributes
    ----------
    simple
        Additions, multiplications, comparisons and conversions in single precision.
    slow
        Divisions and square roots in single precision.
    integer
        Arithmetic on integers, index and loop apart.
    """

    simple: int
    slow: int = 0
    integer: int = 0

    def instructions(self, device: Device) -> float:
        """What the core of `device` executes for them (estimated)."""
        soft = device.core in _SOFT_FLOAT
        fast, slow = (_SOFT_FAST, _SOFT_SLOW) if soft else (_FAST, _SLOW)
        return fast * self.simple + slow * self.slow + _INTEGER * self.integer


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontendCost:
    """Cost of one front-end on one device, all of it estimated but the tables and buffers.

    Attributes
    ----------
    flash_bytes
        Tables (exact) and code.
    ram_bytes
        Static buffers, one row of features, and the raw sample.
    cycles
        Core cycles of one sample.
    latency_ms, latency_low_ms, latency_high_ms
        Their time, and an interval that is meant to hold the true one.
    """

    flash_bytes: int
    ram_bytes: int
    cycles: int
    latency_ms: float
    latency_low_ms: float
    latency_high_ms: float

    def added_to(self, footprint: Footprint) -> Footprint:
        """The cost of network and front-end together, from that of the network."""
        return replace(
            footprint,
            cycles=footprint.cycles + self.cycles,
            latency_ms=footprint.latency_ms + self.latency_ms,
            latency_low_ms=footprint.latency_low_ms + self.latency_low_ms,
            latency_high_ms=footprint.latency_high_ms + self.latency_high_ms,
            frontend_flash_bytes=self.flash_bytes,
            frontend_ram_bytes=self.ram_bytes,
            frontend_ms=self.latency_ms,
        )


def cost_of(
    operations: Operations, device: Device, *, table_bytes: int, code_bytes: int, ram_bytes: int
) -> FrontendCost:
    """Cost of counted operations with their tables, code and buffers on a device."""
    soft = device.core in _SOFT_FLOAT
    if device.runtime == "litert":
        host_timing(device)  # refuses an unknown board as the network's cost does
        per_instruction = 1.0
    else:
        per_instruction = timing_of(device).cycles_per_instruction
    cycles = round(per_instruction * operations.instructions(device))
    doubt = _SOFT_INTERVAL if soft else _INTERVAL
    return FrontendCost(
        flash_bytes=table_bytes + code_bytes + (_SOFT_LIBRARY_BYTES if soft else 0),
        ram_bytes=ram_bytes,
        cycles=cycles,
        latency_ms=milliseconds(cycles, device.clock_hz),
        latency_low_ms=milliseconds(cycles / doubt, device.clock_hz),
        latency_high_ms=milliseconds(cycles * doubt, device.clock_hz),
    )
