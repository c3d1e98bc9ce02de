"""A board: what it holds, how fast it is, and where each number comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kernels = Literal["cmsis-nn", "esp-nn", "reference", "xnnpack"]
Runtime = Literal["tflm", "litert"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """An Arm Ethos-U beside the core, in the words of Arm's Vela compiler.

    Attributes
    ----------
    config
        ``--accelerator-config``, such as ``ethos-u55-128``.
    system_config, memory_mode
        Sections of Vela's ``Arm/vela.ini``: clock and bandwidths, and where
        weights and activations live.
    """

    config: str
    system_config: str
    memory_mode: str


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
        Kernel library the runtime is built with: ``cmsis-nn``, ``esp-nn`` or
        ``reference`` (portable loops) in TensorFlow Lite Micro, ``xnnpack`` in
        LiteRT on a Linux board.
    timing
        Entry of ``devices/cycles/timing.json`` that turns instructions into
        cycles; "" takes the entry named as the core.
    sources
        ``(field, where the number was read)`` for every number above.
    accelerator
        The Ethos-U that executes the network; None for the core alone.
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
    accelerator: Accelerator | None = None

    @property
    def runtime(self) -> Runtime:
        """The interpreter that runs the model file on this board."""
        return "litert" if self.kernels == "xnnpack" else "tflm"
