"""How a board's latency is known: what ``devices`` says of it before any model is scored."""

from __future__ import annotations

from dataclasses import dataclass

from devices.device import Device
from devices.ethos_u import NPU_INTERVAL
from devices.latency import host_timing, timing_of

_VELA = "Arm's Vela"
_VELA_SOURCE = "What the Ethos-U runs: Vela's cycles, an estimate without hardware. What is left to the core:"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardLatency:
    """Where the milliseconds of a board come from.

    Attributes
    ----------
    timing
        Entry of ``devices/cycles/timing.json``.
    basis
        In a few words what it was made from.
    low, high
        Factors of its 90 % interval, before what a model's operators add.
    source
        The whole of it, with what was published.
    """

    timing: str
    basis: str
    low: float
    high: float
    source: str


def board_latency(device: Device) -> BoardLatency:
    """How the latency of `device` is known."""
    timing = host_timing(device) if device.runtime == "litert" else timing_of(device)
    name = device.timing or device.core
    if device.accelerator is not None:
        low, high = NPU_INTERVAL
        source = f"{_VELA_SOURCE} {timing.source}"
        return BoardLatency(timing=name, basis=_VELA, low=low, high=high, source=source)
    return BoardLatency(timing=name, basis=timing.basis, low=timing.low, high=timing.high, source=timing.source)
