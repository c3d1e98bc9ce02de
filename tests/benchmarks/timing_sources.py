"""Families of boards as ``timing_sources.toml`` states them, and the spread of a prediction."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import t as student

from devices.latency import Timing

SOURCES = Path(__file__).with_name("timing_sources.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Standard deviation of logarithms of measured over predicted time, with its degrees of freedom."""

    deviation: float
    freedom: int

    def factors(self, extra: float = 0.0) -> tuple[float, float]:
        """Factors of the 90 % interval, widened by an independent deviation `extra`."""
        half = float(student.ppf(0.95, self.freedom)) * math.hypot(self.deviation, extra)
        return round(math.exp(-half), 3), round(math.exp(half), 3)


def sources() -> dict[str, dict[str, Any]]:
    """Families of ``timing_sources.toml``."""
    return tomllib.loads(SOURCES.read_text(encoding="utf-8"))


def flash(entry: dict[str, Any]) -> tuple[float, int]:
    """Stall cycles a weight byte and bytes of cache of a family whose flash is stated."""
    wait, read, cache = entry["flash"]
    return wait / read, cache


def blank(entry: dict[str, Any], source: str = "") -> Timing:
    """Timing of a family before it is fitted."""
    stall, cache = flash(entry)
    return Timing(
        cycles_per_instruction=1.0,
        stall_cycles_per_weight_byte=stall,
        flash_cache_bytes=cache,
        low=1.0,
        high=1.0,
        instructions_of=entry.get("instructions_of", "m4"),
        own_instructions=entry.get("own", True),
        source=source,
    )


def basis_of(name: str) -> str:
    """What the entry `name` of the table was made from, in a few words."""
    families = sources()
    family = name.partition("/")[0]
    of_core = next((each for each in families.values() if each.get("core") == family), None)
    entry = families.get(family) or of_core
    if entry is None:
        raise ValueError(f"no family {name!r} in {SOURCES.name}")
    if "like" in entry:
        return f"taken after {entry['like']}"
    if entry["fit"] == "network":
        return f"one network on {entry['chip']}"
    return f"{entry['fit']} of {entry.get('board', 'NUCLEO-L4R5ZI')}"
