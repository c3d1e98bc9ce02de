"""What the artifact costs, as rows that every target renders alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from devices.export.bundle import Bundle


class Certainty(StrEnum):
    """How far a figure can be trusted."""

    EXACT = "exact"
    CALCULATED = "calculated"
    ESTIMATED = "estimated"

    @property
    def meaning(self) -> str:
        """What the word stands for, as a clause."""
        return _MEANING[self]


_MEANING = {
    Certainty.EXACT: "counted in the file itself",
    Certainty.CALCULATED: "by the rules of the 32-bit TensorFlow Lite Micro interpreter, not read on the board",
    Certainty.ESTIMATED: "by a model fitted to measurements of other networks, not measured on the board",
}

_IN_ARENA = {
    "runtime_flash_bytes": "code of the interpreter and the kernels used",
    "ram_bytes": "arena (in use or for setting up, the larger) and static RAM together",
    "arena_bytes": "tensor arena",
    "activation_bytes": "part of the arena: activations and scratch",
    "bookkeeping_bytes": "part of the arena: the interpreter's own records",
    "setup_bytes": "arena needed while the interpreter is set up",
    "static_ram_bytes": "static data and stack beside the arena",
}
_ON_LINUX = {
    "runtime_flash_bytes": "the runtime's shared library",
    "ram_bytes": "resident memory of the process",
    "arena_bytes": "what the network adds to the runtime's own memory",
    "activation_bytes": "part of it: activations",
    "bookkeeping_bytes": "part of it: repacked weights, tables and records",
    "setup_bytes": "the same while the interpreter is set up",
    "static_ram_bytes": "shared library in memory and its heap",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One figure.

    Attributes
    ----------
    name
        As in `Footprint`, unit included.
    value
        In the unit of the name.
    certainty
        Exact, calculated or estimated.
    meaning
        What is counted, for people.
    """

    name: str
    value: float
    certainty: Certainty
    meaning: str


def costs(bundle: Bundle) -> tuple[Cost, ...]:
    """Every figure of the footprint; a sum is as uncertain as its least certain part."""
    f = bundle.footprint
    file = "the .tflite file" if bundle.compiled is None else "the compiled .tflite file"
    exact, estimated = Certainty.EXACT, Certainty.ESTIMATED
    on_linux = bundle.device.runtime == "litert"
    calculated = estimated if on_linux or bundle.compiled is not None else Certainty.CALCULATED
    meanings = _ON_LINUX if on_linux else _IN_ARENA
    rows = [
        ("flash_bytes", f.flash_bytes, estimated, "model and runtime together"),
        ("model_bytes", f.model_bytes, exact, file),
        ("runtime_flash_bytes", f.runtime_flash_bytes, estimated, meanings["runtime_flash_bytes"]),
        ("ram_bytes", f.ram_bytes, estimated, meanings["ram_bytes"]),
        ("arena_bytes", f.arena_bytes, calculated, meanings["arena_bytes"]),
        ("activation_bytes", f.activation_bytes, calculated, meanings["activation_bytes"]),
        ("bookkeeping_bytes", f.bookkeeping_bytes, calculated, meanings["bookkeeping_bytes"]),
        ("setup_bytes", f.setup_bytes, calculated, meanings["setup_bytes"]),
        ("static_ram_bytes", f.static_ram_bytes, estimated, meanings["static_ram_bytes"]),
        ("macs", f.macs, exact, "multiply-accumulates of one inference"),
        ("cycles", f.cycles, estimated, "core cycles of one inference"),
        ("latency_ms", f.latency_ms, estimated, "one inference"),
        ("latency_low_ms", f.latency_low_ms, estimated, "lower end of the 90 % interval of latency_ms"),
        ("latency_high_ms", f.latency_high_ms, estimated, "upper end of the 90 % interval of latency_ms"),
    ]
    if f.instructions is not None:
        rows.insert(9, ("instructions", f.instructions, estimated, "instructions of one inference"))
    if f.stored_bytes is not None:
        rows[0] = ("flash_bytes", f.flash_bytes, estimated, "package and runtime together")
        rows.insert(2, ("stored_bytes", f.stored_bytes, exact, "the package, in flash in the model's place"))
        rows.insert(5, ("unpacked_bytes", f.unpacked_bytes, exact, "part of the RAM: the unpacked model"))
    if bundle.frontend is not None or bundle.table is not None:
        rows += _frontend_rows(bundle)
    return tuple(Cost(name=n, value=v, certainty=c, meaning=m) for n, v, c, m in rows)


def _frontend_rows(bundle: Bundle) -> list[tuple[str, float, Certainty, str]]:
    f, estimated, whose, raw = bundle.footprint, Certainty.ESTIMATED, "the front-end's", "sample"
    if bundle.table is not None:
        whose, raw = "the encoding's" if bundle.frontend is None else "the encoding's and the front-end's", "row"
    return [
        (
            "frontend_flash_bytes",
            f.frontend_flash_bytes,
            estimated,
            f"part of the flash: {whose} tables and code",
        ),
        ("frontend_ram_bytes", f.frontend_ram_bytes, estimated, f"part of the RAM: {whose} buffers and the raw {raw}"),
        ("frontend_ms", f.frontend_ms, estimated, f"part of latency_ms: {whose}, by counted operations"),
    ]
