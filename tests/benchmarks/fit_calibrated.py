"""The NUCLEO-L4R5ZI: cycles per instruction from published cycles of the very code that was emulated."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from devices.latency import Timing
from tests.benchmarks.published import EMULATED, MODELS, calibration_cycles, graph_of, streamed
from tests.benchmarks.timing_sources import Spread, blank, flash, sources


def observations(shared: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows (instructions, stall cycles) of the published code, and its published cycles, in the order of `MODELS`."""
    stall, cache = flash(sources()["stm32l4"])
    published = calibration_cycles(shared / "truth")
    rows = [(EMULATED[m], stall * streamed(graph_of(shared, p), cache)) for m, p in MODELS.items()]
    return np.array(rows, dtype=float), np.array([published[m] for m in MODELS])


def fit(rows: NDArray[np.float64], cycles: NDArray[np.float64]) -> float:
    """Find the cycles per instruction with the least squared relative error; the stalls are given."""
    weight = rows[:, 0] / cycles
    return float(weight @ ((cycles - rows[:, 1]) / cycles) / (weight @ weight))


def predicted(rows: NDArray[np.float64], per_instruction: float) -> NDArray[np.float64]:
    """Cycles of `rows` by the model."""
    return np.asarray(per_instruction * rows[:, 0] + rows[:, 1])


def left_out(rows: NDArray[np.float64], cycles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative error in percent of each network, predicted from the others."""
    errors = []
    for i in range(len(cycles)):
        others = np.arange(len(cycles)) != i
        errors.append(100 * (predicted(rows[[i]], fit(rows[others], cycles[others]))[0] / cycles[i] - 1))
    return np.array(errors)


def calibrated_spread(rows: NDArray[np.float64], cycles: NDArray[np.float64]) -> Spread:
    """Spread of one new network on the calibrated board."""
    residuals = np.log(cycles / predicted(rows, fit(rows, cycles)))
    n = len(cycles)
    return Spread(deviation=math.sqrt(float(residuals @ residuals) / (n - 1) * (1 + 1 / n)), freedom=n - 1)


def fit_calibrated(shared: Path) -> tuple[Timing, Spread]:
    """Fit the family of the NUCLEO-L4R5ZI."""
    rows, cycles = observations(shared)
    constant, spread = fit(rows, cycles), calibrated_spread(rows, cycles)
    residuals = " ".join(f"{e:+.1f}" for e in 100 * (predicted(rows, constant) / cycles - 1))
    without = " ".join(f"{e:+.1f}" for e in left_out(rows, cycles))
    entry = sources()["stm32l4"]
    low, high = spread.factors()
    source = (
        "Fitted to four published results of NUCLEO-L4R5ZI at 120 MHz (MLPerf Tiny v1.0, OctoML microTVM + CMSIS-NN) "
        f"over the instructions of that very code, emulated. KWS, IC, VWW, AD: residuals {residuals} %, "
        f"each left out {without} %. {entry['why']}"
    )
    timing = replace(blank(entry, source), cycles_per_instruction=round(constant, 4), low=low, high=high)
    return timing, spread
