"""Espressif's published times: whole networks, and single kernels of ESP-NN."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from devices.device import Kernels
from devices.graph import DType
from devices.workload import Workload

COLUMNS: dict[Kernels, str] = {"reference": "without ESP-NN", "esp-nn": "with ESP-NN"}
# MobileNetV3-Small of Keras, 224 x 224, 1000 classes, converted to int8 with random weights: multiply-accumulates,
# weight bytes read from flash, and instructions of a Cortex-M4 by devices.instructions, with the portable kernels
# and with those of CMSIS-NN.
MOBILENET_V3_MACS = 56.5e6
MOBILENET_V3_WEIGHT_BYTES = 2.53e6
MOBILENET_V3: dict[Kernels, float] = {"reference": 884.6e6, "esp-nn": 335.8e6}
_KERNELS = {
    "convolution": "CONV_2D",
    "depthwise conv": "DEPTHWISE_CONV_2D",
    "fully connected": "FULLY_CONNECTED",
    "max pool": "MAX_POOL_2D",
    "avg pool": "AVERAGE_POOL_2D",
    "elementwise_add": "ADD",
    "elementwise_mul": "MUL",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """One row of ESP-NN's tables: cycles of the optimised kernel alone."""

    chip: str
    name: str
    shape: str
    work: Workload
    cycles: float

    @property
    def macs(self) -> int:
        """Multiply-accumulates; 0 for pooling and elementwise kernels."""
        taps = {"CONV_2D": self.work.columns, "DEPTHWISE_CONV_2D": self.work.kernel_height * self.work.kernel_width}
        return self.work.out_elements * (taps | {"FULLY_CONNECTED": self.work.in_channels}).get(self.work.op, 0)


def _rows(truth: Path) -> list[dict[str, str]]:
    with (truth / "published_espressif_tinyengine.csv").open(newline="") as lines:
        return [row for row in csv.DictReader(lines) if row["source_repo"].startswith("espressif/esp-nn")]


def network_cycles(truth: Path, network: str) -> dict[tuple[str, Kernels], float]:
    """Published cycles by chip and kernels; `network` is ``MobileNetV3`` or ``person`` (person detection)."""
    found: dict[str, dict[str, float]] = {}
    for row in _rows(truth):
        is_mobilenet = "MobileNetV3" in row["context"].rsplit("/", 1)[-1]
        if row["row"].startswith("ESP32") and is_mobilenet == (network == "MobileNetV3"):
            number = re.match(r"\d+", row["value"])
            assert number is not None, row
            found.setdefault(row["row"], {})[row["column"]] = float(number[0])
    return {
        (chip, kernels): times[column] * times["CPU Freq"] * 1e3
        for chip, times in found.items()
        for kernels, column in COLUMNS.items()
    }


def kernels(truth: Path) -> list[Kernel]:
    """Kernels whose operator we count; activations alone (relu6, softmax, ...) are left out."""
    found = []
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for row in _rows(truth):
        chip = re.search(r"ESP32-\w\d chip", row["context"])
        if chip and row["row"] in _KERNELS:
            entry = rows.setdefault((chip[0].removesuffix(" chip"), row["source_path"]), {"row": row["row"]})
            entry[row["column"]] = row["value"]
    for (chip_name, _), row in rows.items():
        work = _work(_KERNELS[row["row"]], row["Data info"])
        cycles = float(row["Optimized"])
        found.append(Kernel(chip=chip_name, name=row["row"], shape=row["Data info"], work=work, cycles=cycles))
    return found


def _work(op: str, shape: str) -> Workload:
    """Workload of a row such as ``input(10,10), filter(64x1x1x64), pad(0,0), stride(1,1)``."""
    numbers = [int(n) for n in re.findall(r"\d+", shape)]
    if op in ("ADD", "MUL"):
        size = numbers[0]
        return Workload(op=op, dtype=DType.INT8, in_elements=size, out_elements=size)
    if op == "FULLY_CONNECTED":
        length, outputs = numbers
        return Workload(
            op=op, dtype=DType.INT8, in_channels=length, out_channels=outputs, in_elements=length,
            out_elements=outputs, weight_bytes=length * outputs, weight_bits=8,
        )  # fmt: skip
    size = int(re.findall(r"input ?\((\d+)", shape)[0])
    pads = re.findall(r"pad\((\d+)", shape)
    first, height, _, last = (int(n) for n in re.findall(r"(\d+)x(\d+)x(\d+)x(\d+)", shape)[0])
    out = size + 2 * int(pads[0] if pads else 0) - height + 1
    channels = {"CONV_2D": first, "DEPTHWISE_CONV_2D": first * last}.get(op, last)
    weights = first * height * height * last if op.endswith("CONV_2D") else 0
    return Workload(
        op=op, dtype=DType.INT8, height=size, width=size, in_channels=last, out_channels=channels,
        kernel_height=height, kernel_width=height, out_height=out, out_width=out, same=out == size,
        multiplier=first if op == "DEPTHWISE_CONV_2D" else 1, in_elements=size * size * last,
        out_elements=out * out * channels, weight_bytes=weights, weight_bits=8 if weights else 0,
    )  # fmt: skip
