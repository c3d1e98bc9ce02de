"""Target ``cpp`` with compressed weights, against TensorFlow Lite Micro itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from devices.export.bundle import Bundle
from devices.export.cpp.cpp import CppTarget
from devices.export.cpp.resolver import registrations
from devices.export.write import export
from devices.flatbuffer import read_graph
from devices.memory import plan_arena
from tests.devices.compressed import compressed

_MODEL = "models_mlperf_tiny/image_classification/pretrainedResnet_quant.tflite"


def test_the_decoder_is_registered(shared: Path) -> None:
    content = compressed((shared / "data" / _MODEL).read_bytes(), 2048)
    assert registrations(read_graph(content)).count("AddDecode()") == 1


def test_the_program_passes(tflm: Path, shared: Path, tmp_path: Path, bundle_of: Callable[[bytes], Bundle]) -> None:
    """Golden samples of the interpreter, in the arena that was calculated."""
    content = compressed((shared / "data" / _MODEL).read_bytes(), 2048)
    bundle, arena = bundle_of(content), plan_arena(read_graph(content), "cortex-m4")
    footprint = replace(
        bundle.footprint,
        activation_bytes=arena.activation_bytes,
        bookkeeping_bytes=arena.bookkeeping_bytes,
        setup_bytes=arena.setup_bytes,
    )
    export(replace(bundle, footprint=footprint), CppTarget(), tmp_path / "out")
    command = ["make", f"TFLM_DIR={tflm}", "CXXFLAGS=-O1 -Wall -Wextra", "run"]
    ran = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "PASS" in ran.stderr
