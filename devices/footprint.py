"""What a network costs on a device: flash, RAM, cycles, milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Hard limits.

    Apart from `Footprint` because a limit is three numbers of which latency
    may be absent, while a footprint always has them all.

    Attributes
    ----------
    flash_bytes, ram_bytes
        Most bytes that model + runtime, and arena + static RAM, may take.
    latency_ms
        Most milliseconds of one inference; None for no limit.
    """

    flash_bytes: int
    ram_bytes: int
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Cost of one network on one device.

    Attributes
    ----------
    model_bytes
        Bytes of the ``.tflite``: exact for a file, predicted for a candidate.
    runtime_flash_bytes
        Code of interpreter and kernels for the operators used, and of the
        decoder where there is a package (estimated).
    activation_bytes, bookkeeping_bytes
        The two parts of the tensor arena of the 32-bit interpreter.
    setup_bytes
        Smallest arena in which the interpreter can be set up: for networks of
        small activations it needs more at the start than it keeps.
    static_ram_bytes
        ``.data``, ``.bss`` and stack beside the arena (estimated).
    macs
        Multiply-accumulates of one inference.
    instructions
        Instructions of one inference as the core executes them (estimated), of
        the network alone; None where no kernel of that core was measured.
    cycles
        Core cycles of one inference (estimated), the front-end's included.
    latency_ms, latency_low_ms, latency_high_ms
        Estimate and 90 % interval of one inference, the front-end's included.
    stored_bytes
        Bytes of the package that flash holds in the model's place, which then
        lies in RAM (`devices.coding.stored`): exact for a file, a lower bound for a
        candidate; None where flash holds the model itself.
    frontend_flash_bytes, frontend_ram_bytes
        Tables (exact) and code, buffers and raw sample (estimated) of the front-end
        that makes the network's input; 0 where there is none.
    frontend_ms
        The part of `latency_ms` that the front-end takes (estimated).
    """

    model_bytes: int
    runtime_flash_bytes: int
    activation_bytes: int
    bookkeeping_bytes: int
    setup_bytes: int
    static_ram_bytes: int
    macs: int
    instructions: int | None
    cycles: int
    latency_ms: float
    latency_low_ms: float
    latency_high_ms: float
    stored_bytes: int | None = None
    frontend_flash_bytes: int = 0
    frontend_ram_bytes: int = 0
    frontend_ms: float = 0.0

    @property
    def flash_bytes(self) -> int:
        """What is stored of the model, itself or its package, runtime and front-end together."""
        stored = self.model_bytes if self.stored_bytes is None else self.stored_bytes
        return stored + self.runtime_flash_bytes + self.frontend_flash_bytes

    @property
    def unpacked_bytes(self) -> int:
        """RAM that holds the unpacked model, a multiple of 16; 0 where flash holds it."""
        return 0 if self.stored_bytes is None else -(-self.model_bytes // 16) * 16

    @property
    def arena_bytes(self) -> int:
        """Tensor arena in use: activations and bookkeeping together, TFLM's ``arena_used_bytes()``."""
        return self.activation_bytes + self.bookkeeping_bytes

    @property
    def ram_bytes(self) -> int:
        """What must be set aside.

        Static RAM, the arena in use or for setting up, the larger, an unpacked model, and a front-end's buffers.
        """
        arena = max(self.arena_bytes, self.setup_bytes)
        return arena + self.static_ram_bytes + self.unpacked_bytes + self.frontend_ram_bytes

    def excess_over(self, budget: Budget) -> tuple[tuple[str, float], ...]:
        """How far each figure is above its limit: ``<= 0`` fits.

        Exactly what Optuna takes as constraints, named by the figure.
        """
        pairs = [
            ("flash_bytes", float(self.flash_bytes - budget.flash_bytes)),
            ("ram_bytes", float(self.ram_bytes - budget.ram_bytes)),
        ]
        if budget.latency_ms is not None:
            pairs.append(("latency_ms", self.latency_ms - budget.latency_ms))
        return tuple(pairs)


def exceeded(excess: Mapping[str, float]) -> str:
    """The limits that are broken and by how much, exactly: ``"flash_bytes by 17284, ram_bytes by 524"``."""
    return ", ".join(f"{name} by {value:.10g}" for name, value in excess.items() if value > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCost:
    """Cost of one operator of the file, in execution order.

    Attributes
    ----------
    instructions
        As the core executes them (estimated); None where its kernel was not measured.
    cycles, latency_ms
        Estimated.
    live_bytes
        Activations and scratch buffers in memory while it runs, each rounded
        up as the planner does; None where that is not known.
    """

    index: int
    op: str
    output_shape: tuple[int, ...]
    macs: int
    instructions: int | None
    cycles: int
    latency_ms: float
    live_bytes: int | None = None


def peak_operator(costs: Sequence[OperatorCost]) -> int | None:
    """Position of the operator with most bytes alive, the first among equals; None where none is known."""
    alive = [cost.live_bytes or 0 for cost in costs]
    return alive.index(max(alive)) if any(alive) else None
