"""What the artifact costs, as rows that every target renders alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from devices.export.target import Bundle


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
    exact, calculated, estimated = Certainty.EXACT, Certainty.CALCULATED, Certainty.ESTIMATED
    rows = [
        ("flash_bytes", f.flash_bytes, estimated, "model and runtime together"),
        ("model_bytes", f.model_bytes, exact, file),
        ("runtime_flash_bytes", f.runtime_flash_bytes, estimated, "code of the interpreter and the kernels used"),
        ("ram_bytes", f.ram_bytes, estimated, "arena (in use or for setting up, the larger) and static RAM together"),
        ("arena_bytes", f.arena_bytes, calculated, "tensor arena"),
        ("activation_bytes", f.activation_bytes, calculated, "part of the arena: activations and scratch"),
        ("bookkeeping_bytes", f.bookkeeping_bytes, calculated, "part of the arena: the interpreter's own records"),
        ("setup_bytes", f.setup_bytes, calculated, "arena needed while the interpreter is set up"),
        ("static_ram_bytes", f.static_ram_bytes, estimated, "static data and stack beside the arena"),
        ("macs", f.macs, exact, "multiply-accumulates of one inference"),
        ("cycles", f.cycles, estimated, "core cycles of one inference"),
        ("latency_ms", f.latency_ms, estimated, "one inference"),
        ("latency_low_ms", f.latency_low_ms, estimated, "lower end of the 90 % interval of latency_ms"),
        ("latency_high_ms", f.latency_high_ms, estimated, "upper end of the 90 % interval of latency_ms"),
    ]
    if f.instructions is not None:
        rows.insert(9, ("instructions", f.instructions, estimated, "instructions of one inference"))
    return tuple(Cost(name=n, value=v, certainty=c, meaning=m) for n, v, c, m in rows)
