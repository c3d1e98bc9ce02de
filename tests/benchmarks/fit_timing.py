"""Fit cycles = a x instructions + b x weight bytes from flash to published board results.

Run from the checkout, with scipy and the shared truth beside it::

    python -m tests.benchmarks.fit_timing

Published: NUCLEO-L4R5ZI (Cortex-M4 at 120 MHz), MLPerf Tiny v1.0, OctoML
microTVM + CMSIS-NN.  The submitters' own source was rebuilt and emulated, so
the instructions below are those of the code that was timed.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from devices.flatbuffer import read_graph
from devices.instructions import flash_weight_bytes
from devices.workload import workload
from tests.benchmarks.fit_cycles import CHECKOUT

# shared/facts/scoring.md section 7: emulated instructions of the published microTVM + CMSIS-NN code
EMULATED = {"kws": 8.48e6, "ic": 31.91e6, "vww": 24.94e6, "ad": 0.602e6}
MODELS = {
    "kws": "models_mlperf_tiny/keyword_spotting/kws_ref_model.tflite",
    "ic": "models_mlperf_tiny/image_classification/pretrainedResnet_quant.tflite",
    "vww": "models_mlperf_tiny/visual_wake_words/vww_96_int8.tflite",
    "ad": "models_mlperf_tiny/anomaly_detection/ad01_int8.tflite",
}
SYSTEM = "microtvm_cmsis_nn/NUCLEO_L4R5ZI"


def published_cycles(truth: Path) -> dict[str, float]:
    """Cycles of one inference by benchmark."""
    with (truth / "published_cycles_against_emulated.csv").open(newline="") as lines:
        return {r["benchmark"]: float(r["cycles"]) for r in csv.DictReader(lines) if r["system"] == SYSTEM}


def observations(shared: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows (instructions, weight bytes from flash), and the published cycles, in the order of `MODELS`."""
    cycles = published_cycles(shared / "truth")
    rows = []
    for name, path in MODELS.items():
        graph = read_graph((shared / "data" / path).read_bytes())
        rows.append((EMULATED[name], sum(flash_weight_bytes(workload(graph, o)) for o in graph.operators)))
    return np.array(rows, dtype=float), np.array([cycles[name] for name in MODELS])


def fit(rows: NDArray[np.float64], cycles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find (a, b) with the least squared relative error."""
    relative = rows / cycles[:, None]
    scale = relative.max(axis=0)
    solution, _ = nnls(relative / scale, np.ones(len(cycles)))
    return np.asarray(solution / scale, dtype=float)


def main() -> None:
    """Print the constants, their residuals and the errors of the left-out models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=CHECKOUT.parent / "shared")
    rows, cycles = observations(parser.parse_args().shared)
    constants = fit(rows, cycles)
    print(f"cycles per instruction {constants[0]:.4f}, per weight byte {constants[1]:.4f}")
    residuals = 100 * (rows @ constants / cycles - 1)
    for i, name in enumerate(MODELS):
        others = np.arange(len(cycles)) != i
        left_out = 100 * (rows[i] @ fit(rows[others], cycles[others]) / cycles[i] - 1)
        print(f"  {name:4s} residual {residuals[i]:+5.1f} %   left out {left_out:+6.1f} %")
    print(f"  standard deviation with 2 degrees of freedom {np.sqrt((residuals**2).sum() / 2):.1f} %")


if __name__ == "__main__":
    main()
