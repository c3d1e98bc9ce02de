"""Boards that run the same runtime as the NUCLEO-L4R5ZI: cycles per instruction from ratios of cycles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq

from devices.latency import Timing
from tests.benchmarks.fit_calibrated import fit_calibrated
from tests.benchmarks.published import Ratio, log_errors, ratios
from tests.benchmarks.timing_sources import Spread, sources


def fit_ratios(shared: Path, points: Sequence[Ratio], entry: dict[str, Any], base: Timing) -> Timing:
    """Make the mean logarithmic error of `points` zero, every maker counting once.

    Stalls keep the proportion to the cycles per instruction that the base has.
    """

    def mean_error(logarithm: float) -> float:
        errors = log_errors(shared, list(points), in_proportion(entry, base, math.exp(logarithm)), base)
        return float(np.mean(list(group_means([p.maker for p in points], errors))))

    return in_proportion(entry, base, math.exp(brentq(mean_error, math.log(0.01), math.log(100))))


def in_proportion(entry: dict[str, Any], base: Timing, constant: float) -> Timing:
    """Timing of a family with these cycles per instruction."""
    return replace(
        base,
        cycles_per_instruction=constant,
        stall_cycles_per_weight_byte=base.stall_cycles_per_weight_byte * constant / base.cycles_per_instruction,
        instructions_of=entry["instructions_of"],
        own_instructions=entry.get("own", True),
    )


def group_means(groups: Sequence[str], values: Sequence[float]) -> Iterable[float]:
    for group in sorted(set(groups)):
        yield float(np.mean([v for g, v in zip(groups, values, strict=True) if g == group]))


def held_out_errors(
    shared: Path, points: Sequence[Ratio], entry: dict[str, Any], base: Timing, group: Callable[[Ratio], str]
) -> list[float]:
    """Logarithmic errors of each group's points, predicted from the other groups; none where there is one group."""
    errors: list[float] = []
    for name in sorted({group(p) for p in points}):
        rest = [p for p in points if group(p) != name]
        if rest:
            held = [p for p in points if group(p) == name]
            errors += log_errors(shared, held, fit_ratios(shared, rest, entry, base), base)
    return errors


def family_points(points: Sequence[Ratio], entry: dict[str, Any]) -> list[Ratio]:
    """Ratios of the boards that stand for a family."""
    return [p for p in points if p.board in (entry["board"], entry.get("also"))]


def ratio_spread(shared: Path, points: Sequence[Ratio], base: Timing, own: Spread) -> Spread:
    """Spread of a runtime that was never published on a family, pooled over the families, with that of the base.

    Degrees of freedom: makers of runtimes, less one; ours would be one more of
    them, and a maker who is off on one board is off on others too.
    """
    errors: list[float] = []
    for entry in sources().values():
        if entry.get("fit") == "ratios":
            held = family_points(points, entry)
            errors += held_out_errors(shared, held, entry, base, lambda p: p.maker)
    deviation = math.sqrt(float(np.mean(np.square(errors))))
    freedom = len({p.maker for p in points}) - 1
    return Spread(deviation=math.hypot(deviation, own.deviation), freedom=freedom)


def covered(shared: Path) -> tuple[int, int]:
    """Ratios predicted without their maker's others that lie in the interval shown, and their number."""
    base, own = fit_calibrated(shared)
    points = ratios(shared / "truth")
    spread = ratio_spread(shared, points, base, own)
    errors = [
        (error, spread.factors(entry.get("doubt", 0.0)))
        for entry in sources().values()
        if entry.get("fit") == "ratios"
        for error in held_out_errors(shared, family_points(points, entry), entry, base, lambda p: p.maker)
    ]
    return sum(math.log(low) <= error <= math.log(high) for error, (low, high) in errors), len(errors)


def coverage(shared: Path, group: Callable[[Ratio], str]) -> tuple[int, int]:
    """Held-out ratios inside the interval, and their number; constant and interval are both made without the group."""
    base, own = fit_calibrated(shared)
    points = ratios(shared / "truth")
    inside = total = 0
    for name in sorted({group(p) for p in points}):
        rest = [p for p in points if group(p) != name]
        spread = ratio_spread(shared, rest, base, own)
        for entry in (e for e in sources().values() if e.get("fit") == "ratios"):
            known = family_points(rest, entry)
            held = [p for p in family_points(points, entry) if group(p) == name]
            if known and held:
                low, high = spread.factors(entry.get("doubt", 0.0))
                errors = log_errors(shared, held, fit_ratios(shared, known, entry, base), base)
                inside += sum(math.log(low) <= error <= math.log(high) for error in errors)
                total += len(errors)
    return inside, total
