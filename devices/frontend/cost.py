"""What a front-end costs on a device: flash, RAM and time, from counted operations.

Operations are counted along the loops of the C++ sources.  What they take was
counted in emulation (``python -m tests.benchmarks.frontend_instructions``): the
exported sources, compiled by Clang (of Zig 0.17.1) for a Cortex-M4 at -O2, gave
the golden bits and took 3.0 instructions for each addition or multiplication
in single precision, loads, stores and loops included (2.0 to 3.5 for all but
the shortest), and 1.6 for each integer operation (1.3 for quiet sound to 1.7).
A division or square root takes as long as 14, as Arm's Cortex-M4 manual gives
for VDIV and VSQRT.  Without a floating-point unit every operation is a call of
the compiler's library: 57 instructions each were counted with LLVM's on
Armv7-M; 70 (250 for the slow ones) are taken, since Armv6-M has no long
multiplication, and 2.5 for each integer operation.  That, and all cores but the
Cortex-M4, was not measured.

Double precision, which the columns of a table are encoded in, has a unit on few
cores and is calls of the library elsewhere: with Zig's, the exported source of
1 to 20 columns of numbers took 350 to 375 instructions a column on the
Cortex-M4, which 70 for each operation are within 5 % of; 150 are taken without
long multiplication, which was not measured.  A Cortex-M7 is taken to have no
unit for it, as the smaller ones of its boards have none.  The library's code is
counted in full; TensorFlow Lite Micro's kernels, which prepare their
multipliers in double precision, may have linked some of it already.

Instructions become cycles by the board's own timing (`devices.latency`).  The
interval takes a factor of 1.5 either way for compiler and count, 2.5 where the
library computes, together with the board's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from devices.device import Device
from devices.footprint import Footprint
from devices.latency import host_timing, milliseconds, timing_of

_SOFT_FLOAT = frozenset({"cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m23", "riscv32imc"})
_DOUBLE_UNIT = frozenset({"cortex-m55", "cortex-m85", "cortex-a53", "cortex-a72", "cortex-a76"})
_FAST, _SLOW, _INTEGER = 3.0, 14.0, 1.6  # instructions with a floating-point unit
_SOFT_FAST, _SOFT_SLOW, _SOFT_INTEGER = 70.0, 250.0, 2.5
_LIBRARY_DOUBLE, _SOFT_DOUBLE = 70.0, 150.0  # without a unit for double precision, and without any
_INTERVAL, _SOFT_INTERVAL = 1.5, 2.5
# The library's own addition, multiplication, division, comparison and conversion; of double precision without division.
_SOFT_LIBRARY_BYTES, _DOUBLE_LIBRARY_BYTES = 1800, 2250


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
    double
        Additions, multiplications, comparisons and conversions in double precision.
    """

    simple: int
    slow: int = 0
    integer: int = 0
    double: int = 0

    def instructions(self, device: Device) -> float:
        """What the core of `device` executes for them (estimated)."""
        soft = device.core in _SOFT_FLOAT
        fast, slow, integer = (_SOFT_FAST, _SOFT_SLOW, _SOFT_INTEGER) if soft else (_FAST, _SLOW, _INTEGER)
        double = _FAST if device.core in _DOUBLE_UNIT else _SOFT_DOUBLE if soft else _LIBRARY_DOUBLE
        return fast * self.simple + slow * self.slow + integer * self.integer + double * self.double

    def library_bytes(self, device: Device) -> int:
        """Code of the compiler's library for what the core of `device` has no instructions for (estimated)."""
        single = device.core in _SOFT_FLOAT and self.simple + self.slow > 0
        double = device.core not in _DOUBLE_UNIT and self.double > 0
        return (_SOFT_LIBRARY_BYTES if single else 0) + (_DOUBLE_LIBRARY_BYTES if double else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontendCost:
    """Cost of one front-end, or of a table's encoding, on one device; all of it estimated but the tables and buffers.

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

    def and_then(self, other: FrontendCost) -> FrontendCost:
        """Of both together."""
        return FrontendCost(
            **{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        )

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
    per_instruction, low, high = _timing(device)
    cycles = round(per_instruction * operations.instructions(device))
    doubt = math.log(_SOFT_INTERVAL if operations.library_bytes(device) else _INTERVAL)
    fewest, most = math.exp(-math.hypot(doubt, math.log(low))), math.exp(math.hypot(doubt, math.log(high)))
    return FrontendCost(
        flash_bytes=table_bytes + code_bytes + operations.library_bytes(device),
        ram_bytes=ram_bytes,
        cycles=cycles,
        latency_ms=milliseconds(cycles, device.clock_hz),
        latency_low_ms=milliseconds(cycles * fewest, device.clock_hz),
        latency_high_ms=milliseconds(cycles * most, device.clock_hz),
    )


def _timing(device: Device) -> tuple[float, float, float]:
    """Cycles of an instruction, and the factors of their interval; one cycle where only multiplications are timed."""
    if device.runtime == "litert":
        timing = host_timing(device)
        return 1.0, timing.low, timing.high
    core = timing_of(device)
    return core.cycles_per_instruction, core.low, core.high
