"""Fit the cycles per instruction of every family of boards, and make its interval from residuals.

Run from the checkout, with scipy and the shared truth beside it::

    python -m tests.benchmarks.fit_timing [--shared ../shared] [--save]

One constant a family is fitted; the stall of weights read from flash is
physics on the calibrated board (``timing_sources.toml``), and stays in
proportion to that constant on others.

* *cycles*: NUCLEO-L4R5ZI, MLPerf Tiny v1.0, OctoML microTVM + CMSIS-NN.  The
  submitters' own source was rebuilt and emulated, so the instructions are
  those of the code that was timed.  Least squared relative error.
* *ratios*: boards that run the same runtime as the NUCLEO-L4R5ZI.  The mean
  logarithm of published over predicted ratio is made zero, every maker of
  runtimes counting once.
* *network*: Espressif's person detection, with and without ESP-NN.

Intervals are 90 % intervals of Student's t: of the four residuals (cycles),
of ratios predicted without their maker's other ratios, pooled over the boards
(ratios), of networks and kernels that were not fitted (network).  A family
taken after another adds its doubt.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from devices.latency import Timing
from tests.benchmarks.fit_calibrated import fit_calibrated
from tests.benchmarks.fit_cycles import CHECKOUT
from tests.benchmarks.fit_espressif import fit_espressif
from tests.benchmarks.fit_ratios import family_points, fit_ratios, group_means, in_proportion, ratio_spread
from tests.benchmarks.hosts import hosts
from tests.benchmarks.published import Ratio, ratios
from tests.benchmarks.timing_sources import Spread, basis_of, flash, sources

TIMING = CHECKOUT / "devices" / "cycles" / "timing.json"
UNIT = (
    "cycles = cycles_per_instruction x instructions + stall_cycles_per_weight_byte x weight bytes "
    "read from flash past a cache of flash_cache_bytes; hosts: cycles = cycles_per_mac x multiply-accumulates"
)
FLASH = (
    "The stall of the calibrated board is 5 wait states over 8 bytes of one read (RM0432, not read off it again; the "
    "5 wait states at 120 MHz were found in example code for that part too). Boards known by ratios keep its "
    "proportion to the cycles per instruction: predicting makers left out it errs less (0.155 against 0.166, root "
    "mean square of logarithms) than wait states and caches as the manuals have them. "
    "A doubt that is a number without data behind it is a judgement."
)
RUNTIME = (
    "TensorFlow Lite Micro 2026-08, GCC -O2, weights in flash, arena in zero-wait SRAM; "
    "hosts: LiteRT with XNNPACK on one thread"
)


def fit_families(shared: Path) -> dict[str, Timing]:
    """Fit every family of ``timing_sources.toml``, in its order; cores of Espressif's chips come last."""
    base, own = fit_calibrated(shared)
    points = ratios(shared / "truth")
    pooled = ratio_spread(shared, points, base, own)
    fitted: dict[str, Timing] = {"stm32l4": base}
    for name, entry in sources().items():
        if entry.get("fit") == "ratios":
            fitted[name] = _by_ratios(shared, family_points(points, entry), entry, base, pooled)
    board = board_deviation(fitted)
    spreads = {"stm32l4": own}
    for name, entry in sources().items():
        if "like" in entry:
            fitted[name] = _after(fitted[entry["like"]], entry, spreads.get(entry["like"], pooled), board)
    return fitted | fit_espressif(shared)


def _by_ratios(shared: Path, points: list[Ratio], entry: dict[str, Any], base: Timing, spread: Spread) -> Timing:
    timing = fit_ratios(shared, points, entry, base)
    low, high = spread.factors(entry.get("doubt", 0.0))
    published = [p.ratio for p in points]
    runs = sorted({f"{p.maker} {p.round}" for p in points})
    source = (
        f"Cycles of {entry['board']} over those of NUCLEO-L4R5ZI with the same runtime: {min(published):.2f} to "
        f"{max(published):.2f} ({', '.join(runs)}). {entry.get('why', '')}"
    )
    fitted = in_proportion(entry, base, round(timing.cycles_per_instruction, 4))
    stall = round(fitted.stall_cycles_per_weight_byte, 4)
    return replace(fitted, stall_cycles_per_weight_byte=stall, low=low, high=high, source=source.strip())


def board_deviation(fitted: dict[str, Timing]) -> float:
    """Spread of the cycles per instruction of calibrated boards with the same core."""
    cores = [t.instructions_of for t in fitted.values() if t.own_instructions]
    logs = [math.log(t.cycles_per_instruction) for t in fitted.values() if t.own_instructions]
    means = dict(zip(sorted(set(cores)), group_means(cores, logs), strict=True))
    squares = sum((value - means[core]) ** 2 for core, value in zip(cores, logs, strict=True))
    return math.sqrt(squares / (len(logs) - len(means)))


def _after(like: Timing, entry: dict[str, Any], spread: Spread, board: float) -> Timing:
    """Timing of a family that is taken after another."""
    doubt = board if entry["doubt"] == "board" else float(entry["doubt"])
    inherited = sources()[entry["like"]].get("doubt", 0.0)
    low, high = spread.factors(math.hypot(doubt, inherited))
    factor = entry.get("factor", 1.0)
    stall, cache = factor * like.stall_cycles_per_weight_byte, like.flash_cache_bytes
    if "flash" in entry:
        stall, cache = flash(entry)
    times = f"{factor:g} times the" if factor != 1 else "The"
    source = f"{times} cycles per instruction of {entry['like']}, with a doubt of {doubt:.2f} more. "
    return replace(
        like,
        cycles_per_instruction=round(factor * like.cycles_per_instruction, 4),
        stall_cycles_per_weight_byte=round(stall, 4),
        flash_cache_bytes=cache,
        low=low,
        high=high,
        instructions_of=entry.get("instructions_of", like.instructions_of),
        own_instructions=entry.get("own", like.own_instructions),
        source=(source + entry.get("why", "The nearest calibrated board of this core.")).strip(),
    )


def document(shared: Path) -> dict[str, object]:
    """Content of ``devices/cycles/timing.json``."""
    return {
        "unit": UNIT,
        "runtime": RUNTIME,
        "flash": FLASH,
        "fitted_by": "tests/benchmarks/fit_timing.py with tests/benchmarks/timing_sources.toml",
        "timings": {name: asdict(timing) | {"basis": basis_of(name)} for name, timing in fit_families(shared).items()},
        "hosts": {name: asdict(timing) for name, timing in hosts().items()},
    }


def main() -> None:
    """Print every family; with ``--save`` write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=CHECKOUT.parent / "shared")
    parser.add_argument("--save", action="store_true", help=f"write {TIMING.name}")
    arguments = parser.parse_args()
    made = document(arguments.shared)
    if arguments.save:
        TIMING.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    for name, entry in cast("dict[str, dict[str, Any]]", made["timings"]).items():
        constant, low, high = entry["cycles_per_instruction"], entry["low"], entry["high"]
        stall = entry["stall_cycles_per_weight_byte"]
        print(f"{name:20s} {constant:8.4f} cycles an instruction, {stall:6.3f} a weight byte, {low:.2f} to {high:.2f}")
    for name, entry in cast("dict[str, dict[str, Any]]", made["hosts"]).items():
        int8, float32 = entry["cycles_per_mac_int8"], entry["cycles_per_mac_float32"]
        print(
            f"{name:20s} {int8:.3f} int8, {float32:.3f} float32 cycles a MAC, {entry['low']:.2f} to {entry['high']:.2f}"
        )


if __name__ == "__main__":
    main()
