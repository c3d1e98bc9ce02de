"""Errors of our times against published results of real boards, as Markdown tables.

Run from the checkout, with scipy and the shared truth beside it::

    python -m tests.benchmarks.board_error [--shared ../shared]

Nothing judged here was fitted on: the board with CMSIS-NN kernels leaves out
one network at a time, boards known by same-runtime ratios leave out one maker
of runtimes (one round where there is one maker), Espressif's chips are judged
on a network and on kernels that were not fitted.  MACs times one constant,
fitted on the same points, stands beside ours.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from devices.latency import Timing
from tests.benchmarks import esp
from tests.benchmarks.fit_calibrated import left_out, observations
from tests.benchmarks.fit_cycles import CHECKOUT
from tests.benchmarks.fit_espressif import espressif_errors
from tests.benchmarks.fit_ratios import coverage, family_points, held_out_errors
from tests.benchmarks.fit_timing import fit_families
from tests.benchmarks.published import MODELS, PERSON, Ratio, graph_of, macs, ratios
from tests.benchmarks.timing_sources import sources

PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: relative errors of estimate over published, in percent."""

    board: str
    runtime: str
    judged: str
    ours: Sequence[float]
    baseline: Sequence[float]

    def markdown(self) -> str:
        """The line as Markdown."""
        return (
            f"| {self.board} | {self.runtime} | {self.judged} | {len(self.ours)} "
            f"| {_summary(self.ours)} | {_summary(self.baseline)} |"
        )


def _summary(errors: Sequence[float]) -> str:
    size = np.abs(errors)
    return f"{np.median(size):.1f} % / {size.max():.1f} %"


def _relative(logarithms: Sequence[float]) -> list[float]:
    """Error in percent of the estimate, from the logarithm of published over estimated."""
    return [PERCENT * (math.exp(-value) - 1) for value in logarithms]


def calibrated_row(shared: Path) -> Row:
    """NUCLEO-L4R5ZI with CMSIS-NN, one network left out at a time."""
    rows, cycles = observations(shared)
    work = np.array([macs(graph_of(shared, path)) for path in MODELS.values()], dtype=float)
    baseline = []
    for i in range(len(cycles)):
        relative = np.delete(work / cycles, i)
        constant = relative.sum() / (relative @ relative)
        baseline.append(PERCENT * (constant * work[i] / cycles[i] - 1))
    return Row(
        board="NUCLEO-L4R5ZI",
        runtime="microTVM + CMSIS-NN, its own code emulated",
        judged="time, network left out",
        ours=list(left_out(rows, cycles)),
        baseline=baseline,
    )


def ratio_rows(shared: Path, base: Timing) -> list[Row]:
    """Boards known by same-runtime ratios."""
    points = ratios(shared / "truth")
    rows = []
    for entry in sources().values():
        if entry.get("fit") == "ratios":
            rows.append(_ratio_row(shared, family_points(points, entry), entry["board"], entry, base))
    return rows


def _ratio_row(shared: Path, points: Sequence[Ratio], board: str, entry: dict[str, Any], base: Timing) -> Row:
    by_maker = len({p.maker for p in points}) > 1
    by_round = len({p.round for p in points}) > 1
    group, judged = _grouping(by_maker, by_round)
    ours = held_out_errors(shared, points, entry, base, group)
    return Row(
        board=board,
        runtime=", ".join(sorted({p.maker for p in points})),
        judged=judged,
        ours=_relative(ours),
        baseline=_relative(_constant_ratio_errors(points, group)),
    )


def _grouping(by_maker: bool, by_round: bool) -> tuple[Callable[[Ratio], str], str]:
    if by_maker:
        return (lambda p: p.maker), "ratio, maker left out"
    if by_round:
        return (lambda p: p.round), "ratio, round left out"
    return (lambda p: p.model), "ratio, network left out"


def _constant_ratio_errors(points: Sequence[Ratio], group: Callable[[Ratio], str]) -> list[float]:
    """Logarithmic errors of one ratio for all networks: what MACs times a constant predicts."""
    errors = []
    for name in sorted({group(p) for p in points}):
        rest = [p for p in points if group(p) != name]
        makers = sorted({p.maker for p in rest})
        mean = np.mean([np.mean([math.log(p.ratio) for p in rest if p.maker == maker]) for maker in makers])
        errors += [math.log(p.ratio) - float(mean) for p in points if group(p) == name]
    return errors


def espressif_rows(shared: Path, fitted: dict[str, Timing]) -> list[Row]:
    """MobileNetV3-Small and single kernels of ESP-NN; calibrated on person detection."""
    person = esp.network_cycles(shared / "truth", "person")
    mobilenet = esp.network_cycles(shared / "truth", "MobileNetV3")
    per_mac = {key: cycles / macs(graph_of(shared, PERSON)) for key, cycles in person.items()}
    rows = []
    for chip in ("ESP32-S3", "ESP32-P4"):
        for kernels in esp.COLUMNS:
            errors = espressif_errors(
                shared, kernels, {c: fitted[f"{c.lower()}/{kernels}"] for c in ("ESP32-S3", "ESP32-P4")}
            )
            own = [(name, e) for c, name, e in errors if c == chip]
            constant = per_mac[chip, kernels]
            baseline = PERCENT * (constant * esp.MOBILENET_V3_MACS / mobilenet[chip, kernels] - 1)
            label = "TFLM + ESP-NN" if kernels == "esp-nn" else "TFLM, portable kernels"
            judged = "time of MobileNetV3-Small"
            whole = _relative([e for name, e in own if name.startswith("MobileNet")])
            rows.append(Row(board=chip, runtime=label, judged=judged, ours=whole, baseline=[baseline]))
            if kernels == "esp-nn":
                rows.append(_kernel_row(shared, chip, constant, dict(own)))
    return rows


def _kernel_row(shared: Path, chip: str, constant: float, errors: dict[str, float]) -> Row:
    """Convolutions and fully connected layers alone."""
    judged = [k for k in esp.kernels(shared / "truth") if k.chip == chip and k.macs]
    return Row(
        board=chip,
        runtime="ESP-NN",
        judged="single kernels",
        ours=_relative([errors[f"{k.name} {k.shape}"] for k in judged]),
        baseline=[PERCENT * (constant * k.macs / k.cycles - 1) for k in judged],
    )


def error_table(shared: Path) -> str:
    """Errors by board, ours and the baseline's, as Markdown."""
    fitted = fit_families(shared)
    rows = [calibrated_row(shared), *ratio_rows(shared, fitted["stm32l4"]), *espressif_rows(shared, fitted)]
    head = "| board | runtime that was measured | judged | n | ours, median / worst | MACs x constant, median / worst |"
    return "\n".join([head, "|---|---|---|---|---|---|", *(row.markdown() for row in rows)])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=CHECKOUT.parent / "shared")
    shared = parser.parse_args().shared
    print(error_table(shared))
    networks = " ".join(f"{m} {e:+.1f} %" for m, e in zip(MODELS, calibrated_row(shared).ours, strict=True))
    print(f"\nNUCLEO-L4R5ZI by network, left out: {networks}")
    for name, group in (("round", lambda p: p.round), ("maker", lambda p: p.maker)):
        inside, total = coverage(shared, group)
        print(f"Ratios inside the 90 % interval, one {name} left out: {inside} of {total}")


if __name__ == "__main__":
    main()
