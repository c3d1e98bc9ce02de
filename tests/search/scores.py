"""Files and boards that tests of ``tinyfront score`` share."""

from __future__ import annotations

from pathlib import Path

from tests.devices.models import custom_softmax, dense_softmax

# DESIGN.md section 8, `score --json`, and what was added to it.
KEYS = [
    "model", "device", "core", "runtime", "kernels", "fits", "reasons", "flash_bytes", "model_bytes",
    "runtime_flash_bytes", "ram_bytes", "arena_bytes", "activation_bytes", "bookkeeping_bytes", "setup_bytes",
    "static_ram_bytes", "macs", "instructions", "cycles", "latency_ms", "latency_low_ms", "latency_high_ms",
    "slimmed_bytes", "latency_source", "peak_operator", "operators",
]  # fmt: skip
OPERATOR_KEYS = ["index", "op", "output_shape", "macs", "instructions", "cycles", "latency_ms", "live_bytes"]
BOARD_KEYS = KEYS[1:22]
BOARD = "nucleo-l432kc"


def dense_file(folder: Path) -> Path:
    """The small real network of 12 inputs and 5 classes, as a file."""
    file = folder / "dense.tflite"
    file.write_bytes(dense_softmax())
    return file


def custom_operator(folder: Path, name: bytes = b"MyOp") -> Path:
    """The small network with a custom operator in place of its SOFTMAX, as a file."""
    file = folder / "custom.tflite"
    file.write_bytes(custom_softmax(name))
    return file
