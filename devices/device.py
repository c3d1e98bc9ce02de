"""A board: what it holds, how fast it is, and where each number comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kernels = Literal["cmsis-nn", "reference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One board, read from a TOML file of `devices/catalog`.

    Attributes
    ----------
    name
        The vendor's name of the board in lower case with hyphens.
    core
        Processor core, such as ``cortex-m4``.
    clock_hz
        Clock of the core in hertz.
    flash_bytes, ram_bytes
        All the flash and RAM that a program can use.
    kernels
        Kernel library the runtime is built with.
    timing
        Entry of ``devices/cycles/timing.json`` that turns instructions into
        cycles; "" takes the entry named as the core.
    sources
        ``(field, where the number was read)`` for every number above.
    """

    name: str
    description: str
    core: str
    clock_hz: int
    flash_bytes: int
    ram_bytes: int
    kernels: Kernels
    sources: tuple[tuple[str, str], ...]
    timing: str = ""
