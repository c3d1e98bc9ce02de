"""Cycles per multiply-accumulate of Linux boards, from XNNPACK's published tables.

google/XNNPACK, README.md, tables "Mobile phones" (2020-03-27) and "Raspberry
Pi" (2022-02-08).  The Raspberry Pi was timed on four threads; one thread takes
the speed-up of four threads times as long, and that speed-up is taken from the
phone with four such cores (Pixel 2), whose table has both.
"""

from __future__ import annotations

import math

import numpy as np

from devices.latency import HostTiming

MACS = {"v1": 569e6, "v2": 301e6, "v3 large": 217e6, "v3 small": 57e6}
ONE_THREAD_PIXEL2_MS = {"v1": 86, "v2": 53, "v3 large": 42, "v3 small": 14}
FOUR_THREADS_PIXEL2_MS = {"v1": 27, "v2": 18, "v3 large": 16, "v3 small": 6}
# Raspberry Pi 4, 64-bit, four threads at 1.5 GHz; Raspberry Pi 3 B+, 32-bit, four threads at 1.4 GHz
PI4_MS = {"float32": {"v1": 77, "v2": 46, "v3 large": 40, "v3 small": 15}, "int8": {"v1": 24, "v2": 17}}
PI3_MS = {"float32": {"v1": 114, "v2": 79, "v3 large": 67, "v3 small": 22}, "int8": {"v1": 46, "v2": 30}}
# The least and the most that four threads can gain: memory-bound, and perfect.
SPEED_UP_RANGE = (1.6, 4.0)


def per_mac(milliseconds: dict[str, int], clock_hz: float) -> dict[str, float]:
    """Cycles per multiply-accumulate of one thread, by network, from times on four threads."""
    return {
        network: ms / 1e3 * clock_hz * ONE_THREAD_PIXEL2_MS[network] / FOUR_THREADS_PIXEL2_MS[network] / MACS[network]
        for network, ms in milliseconds.items()
    }


def _mean(values: dict[str, float]) -> float:
    return math.exp(float(np.mean(np.log(list(values.values())))))


def _interval(float32: dict[str, float]) -> tuple[float, float]:
    """The range of the speed-up over the assumed one, times the spread over networks."""
    assumed = _mean({n: ONE_THREAD_PIXEL2_MS[n] / FOUR_THREADS_PIXEL2_MS[n] for n in MACS})
    spread = math.exp(1.64 * float(np.std(np.log(list(float32.values())), ddof=1)))
    return round(SPEED_UP_RANGE[0] / assumed / spread, 2), round(SPEED_UP_RANGE[1] / assumed * spread, 2)


def _host(published: dict[str, dict[str, int]], clock_hz: float, name: str) -> HostTiming:
    float32, int8 = per_mac(published["float32"], clock_hz), per_mac(published["int8"], clock_hz)
    low, high = _interval(float32)
    return HostTiming(
        cycles_per_mac_int8=round(_mean(int8), 3),
        cycles_per_mac_float32=round(_mean(float32), 3),
        low=low,
        high=high,
        source=(
            f"{name}, google/XNNPACK README.md of 2022: MobileNet v1, v2 and v3 on four threads (int8 v1 and v2), "
            "times the speed-up of four threads on Pixel 2; float32 "
            f"{min(float32.values()):.2f} to {max(float32.values()):.2f}, int8 {min(int8.values()):.2f} to "
            f"{max(int8.values()):.2f} cycles a MAC. Interval: a speed-up of {SPEED_UP_RANGE[0]} to "
            f"{SPEED_UP_RANGE[1]}, times the spread over networks. Networks of less than some 10 M MACs take longer."
        ),
        basis="published networks",
    )


def hosts() -> dict[str, HostTiming]:
    """Timings of Linux boards and of their cores."""
    pi4 = _host(PI4_MS, 1.5e9, "Raspberry Pi 4 (Cortex-A72, 64-bit)")
    pi3 = _host(PI3_MS, 1.4e9, "Raspberry Pi 3 B+ (Cortex-A53, 32-bit)")
    pi5 = HostTiming(
        cycles_per_mac_int8=round(pi4.cycles_per_mac_int8 / 2, 3),
        cycles_per_mac_float32=round(pi4.cycles_per_mac_float32 / 2, 3),
        low=round(pi4.low / 2, 2),
        high=round(pi4.high * 1.5, 2),
        source=(
            "Half the cycles of raspberry-pi-4: a Cortex-A76 has two 128-bit vector pipes where the Cortex-A72 has two "
            "of 64 bits (Arm's software optimization guides). Its int8 dot product can halve them again, hence the "
            "lower end. No published result of this runtime."
        ),
        basis="taken after raspberry-pi-4",
    )
    boards = {"raspberry-pi-4": pi4, "raspberry-pi-5": pi5}
    return boards | {"cortex-a53": pi3, "cortex-a72": pi4, "cortex-a76": pi5}
