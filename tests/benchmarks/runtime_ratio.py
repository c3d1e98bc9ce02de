"""How far runtimes other than ours are from our times: published over estimated, as a Markdown table.

Run from the checkout, with scipy and the shared truth beside it::

    python -m tests.benchmarks.runtime_ratio [--shared ../shared]

A ratio, no claim: our times are for TensorFlow Lite Micro with CMSIS-NN of
2026, a vendor's runtime runs other code.  Four networks of MLPerf Tiny; reruns
of the same submission count once more.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from devices.latency import Timing
from tests.benchmarks.fit_cycles import CHECKOUT
from tests.benchmarks.fit_timing import fit_families
from tests.benchmarks.published import MODELS, cycles, graph_of, mlperf, row_cycles

# Part of the board's name, and its family; RX65N is no Arm core and is held against the Cortex-M4 cycle for cycle.
FAMILIES = {
    "L4R5ZI": "stm32l4",
    "M467": "m467",
    "062": "psoc6",
    "H7A3": "stm32h7",
    "F746": "stm32f7",
    "U575": "stm32u5",
    "U585": "stm32u5",
    "U385": "stm32u3",
    "G0B1": "stm32g0",
    "RX65N": "stm32l4",
}
# Submissions that trade time for memory, or run float32 networks.
_OTHER = re.compile(r"float|max_performance|min_ram")


def runtime_name(row: dict[str, str]) -> str:
    """Runtime and version of a submission."""
    system, framework = row["system"].lower(), row["framework"]
    if framework == "microTVM":
        return "microTVM + CMSIS-NN" if "cmsis" in system else "microTVM, native kernels"
    if framework.startswith("TensorFlow Lite for Micro"):
        return "TFLM 2.3.1 (v0.5 reference)"
    if framework.startswith("Bosch"):
        return f"Bosch HALE ({row['round']})"
    if framework == "Plumerai Inference Engine":
        return f"Plumerai ({row['round']})"
    if framework == "ONNC":
        return "ONNC + CMSIS-NN 5"
    if "RX65N" in row["board"]:
        return "tflite-micro, Renesas' kernels"
    return re.sub(r"v(\d+\.\d+).*", r"\1", framework.replace("Inference Engine ", ""))


def family_of(row: dict[str, str]) -> str | None:
    """Family of the board, None for a board or a submission that is not compared."""
    if _OTHER.search(row["system"]) or row["benchmark"] not in MODELS:
        return None
    return next((family for part, family in FAMILIES.items() if part in row["board"]), None)


def collect(shared: Path, fitted: dict[str, Timing]) -> dict[tuple[str, str], list[float]]:
    """Published over estimated time, by (runtime, board)."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in mlperf(shared / "truth"):
        family = family_of(row)
        if family:
            ours = cycles(graph_of(shared, MODELS[row["benchmark"]]), fitted[family])
            board = row["board"].upper().removesuffix("-Q").removesuffix("-P")
            found[runtime_name(row), board].append(row_cycles(row) / ours)
    return dict(found)


def table(shared: Path) -> str:
    """The ratios as Markdown, sorted by runtime."""
    lines = ["| runtime | board | n | published / ours: median | least to most |", "|---|---|---|---|---|"]
    for (runtime, board), values in sorted(collect(shared, fit_families(shared)).items()):
        spread = f"{min(values):.2f} to {max(values):.2f}"
        lines.append(f"| {runtime} | {board} | {len(values)} | {np.median(values):.2f} | {spread} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=CHECKOUT.parent / "shared")
    print(table(parser.parse_args().shared))


if __name__ == "__main__":
    main()
