"""Espressif's chips: cycles per instruction from one published network a kernel library."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from devices.device import Kernels
from devices.instructions import instructions_of
from devices.latency import Timing
from tests.benchmarks import esp
from tests.benchmarks.published import PERSON, graph_of, instructions, streamed
from tests.benchmarks.timing_sources import Spread, blank, sources


def fit_espressif(shared: Path) -> dict[str, Timing]:
    """Fit Espressif's chips, by kernel library; a core takes the timing of its chip."""
    published = esp.network_cycles(shared / "truth", "person")
    person = graph_of(shared, PERSON)
    chips = {n: e for n, e in sources().items() if e.get("fit") == "network"}
    timings: dict[tuple[str, Kernels], Timing] = {}
    for name, entry in chips.items():
        for kernels in esp.COLUMNS:
            timing = blank(entry)
            stalls = timing.stall_cycles_per_weight_byte * streamed(person, timing.flash_cache_bytes)
            constant = (published[entry["chip"], kernels] - stalls) / instructions(person, "m4", kernels)
            timings[name, kernels] = replace(timing, cycles_per_instruction=round(constant, 4), own_instructions=False)
    found = {}
    for (name, kernels), timing in timings.items():
        spread = espressif_spread(
            shared, kernels, {chips[n]["chip"]: t for (n, k), t in timings.items() if k == kernels}
        )
        low, high = spread.factors()
        label = "ESP-NN" if kernels == "esp-nn" else "the portable kernels"
        source = (
            f"One published network: person detection on {chips[name]['chip']} with {label} (espressif/esp-nn, "
            "README), on the instructions of a Cortex-M4. Interval from MobileNetV3-Small and single kernels that "
            f"were not fitted, on ESP32-S3 and ESP32-P4: spread {spread.deviation:.2f}. Flash: 4 bits at 80 MHz, "
            "about 80 of its clocks a line of 32 bytes, assumed."
        )
        for key in (name, chips[name]["core"]):
            found[f"{key}/{kernels}"] = replace(timing, low=low, high=high, source=source)
    return found


def espressif_errors(shared: Path, kernels: Kernels, timings: dict[str, Timing]) -> list[tuple[str, str, float]]:
    """(chip, network or kernel, logarithm of published over predicted cycles) of what was not fitted."""
    found = []
    for (chip, library), published in esp.network_cycles(shared / "truth", "MobileNetV3").items():
        if library == kernels:
            timing = timings[chip]
            stalls = timing.stall_cycles_per_weight_byte * esp.MOBILENET_V3_WEIGHT_BYTES
            expected = timing.cycles_per_instruction * esp.MOBILENET_V3[kernels] + stalls
            found.append((chip, "MobileNetV3-Small", math.log(published / expected)))
    if kernels == "esp-nn":
        for kernel in esp.kernels(shared / "truth"):
            count = instructions_of(kernel.work, "m4", kernels).count
            expected = timings[kernel.chip].cycles_per_instruction * count
            found.append((kernel.chip, f"{kernel.name} {kernel.shape}", math.log(kernel.cycles / expected)))
    return found


def espressif_spread(shared: Path, kernels: Kernels, timings: dict[str, Timing]) -> Spread:
    """Spread of networks and of convolution and fully connected kernels that were not fitted."""
    heavy = ("MobileNetV3", "conv", "depthwise", "fully")
    errors = [e for _, name, e in espressif_errors(shared, kernels, timings) if name.startswith(heavy)]
    return Spread(deviation=math.sqrt(float(np.mean(np.square(errors)))), freedom=len(errors))
