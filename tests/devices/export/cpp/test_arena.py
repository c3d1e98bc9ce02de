"""What the exported program sets aside is enough, measured with the interpreter itself."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from devices.export.bundle import Bundle
from devices.export.cpp.arena import MARGIN_BYTES, arena_size
from devices.flatbuffer import read_graph
from devices.footprint import Footprint
from devices.memory import plan_arena

_STARTS = """
import sys
from tflite_micro import runtime
runtime.Interpreter.from_bytes(open(sys.argv[1], "rb").read(), arena_size=int(sys.argv[2])).invoke()
"""

_MODELS = (
    "ad01_fp32.tflite",
    "ad01_int8.tflite",
    "hello_world_int8.tflite",
    "keyword_scrambled.tflite",
    "kws_ref_model.tflite",
    "pretrainedResnet_quant.tflite",
    "str_ww_ref_model.tflite",
    "trained_lstm_int8.tflite",
    "vww_96_float.tflite",
    "vww_96_int8.tflite",
)


def _measured(shared: Path, model: str, footprint: Footprint) -> tuple[Path, Footprint]:
    """A reference model's file, and `footprint` with its arena as measured on an emulated Cortex-M4."""
    with (shared / "truth" / "models.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if (row["model"], row["core"]) == (model, "m4"))
    arena, head = int(row["arena_bytes"]), int(row["arena_head_bytes"])
    path = shared / "data" / row["file"]
    setup = plan_arena(read_graph(path.read_bytes()), "cortex-m4").setup_bytes
    return path, replace(footprint, activation_bytes=head, bookkeeping_bytes=arena - head, setup_bytes=setup)


@pytest.mark.parametrize("model", _MODELS)
def test_reference_models_start_on_a_host(shared: Path, bundle: Bundle, model: str) -> None:
    """From the measured 32-bit arena follows a 64-bit arena in which the real interpreter starts and runs.

    In a process of its own: with too small an arena some models crash the interpreter.
    """
    pytest.importorskip("tflite_micro", reason="tflite-micro has no wheel for this platform")
    path, footprint = _measured(shared, model, bundle.footprint)
    size = arena_size(read_graph(path.read_bytes()), footprint)
    ran = subprocess.run([sys.executable, "-c", _STARTS, str(path), str(size.host_bytes)], capture_output=True)
    assert ran.returncode == 0, ran.stderr.decode()


def test_device_arena_covers_what_planning_borrows(shared: Path, bundle: Bundle) -> None:
    """The autoencoder keeps 2580 bytes on a Cortex-M4, but does not start with fewer than 3024."""
    path, footprint = _measured(shared, "ad01_int8.tflite", bundle.footprint)
    assert footprint.arena_bytes == 2580
    assert arena_size(read_graph(path.read_bytes()), footprint).device_bytes >= 3024 + MARGIN_BYTES


def test_device_arena_is_the_footprints_plus_the_margin_where_activations_are_large(bundle: Bundle) -> None:
    large = replace(bundle.footprint, activation_bytes=50_000)
    size = arena_size(bundle.graph, large)
    assert size.device_bytes == -(-(large.arena_bytes + MARGIN_BYTES) // 16) * 16
    assert size.host_bytes > size.device_bytes
