"""Target ``cpp`` against TensorFlow Lite Micro itself, where ``TFLM_DIR`` names it; skipped elsewhere."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from devices.export.bundle import Bundle
from devices.export.cpp.cpp import CppTarget
from devices.export.cpp.kernels import BUILTIN_METHODS, CUSTOM_METHODS, TYPED
from devices.export.records import ExportError, Golden
from devices.export.templates import render, verbatim
from devices.export.write import export

_MODELS = (
    "models_mlperf_tiny/keyword_spotting/kws_ref_model.tflite",
    "models_mlperf_tiny/anomaly_detection/ad01_int8.tflite",
)


def _make(folder: Path, tflm: Path) -> subprocess.CompletedProcess[str]:
    command = ["make", f"TFLM_DIR={tflm}", "CXXFLAGS=-O1 -Wall -Wextra", "run"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_needs_a_golden_sample(bundle: Bundle) -> None:
    with pytest.raises(ExportError, match="target 'cpp' compares answers and needs a golden sample"):
        CppTarget().files(replace(bundle, golden=()))


def test_the_program_passes(bundle: Bundle, tflm: Path, tmp_path: Path) -> None:
    export(bundle, CppTarget(), tmp_path / "out")
    ran = _make(tmp_path / "out", tflm)
    assert ran.returncode == 0, ran.stderr
    assert "PASS" in ran.stderr
    assert ran.stderr.count(", 0 of 5 values differ") == len(bundle.golden)


def test_the_program_fails_on_one_wrong_value(bundle: Bundle, tflm: Path, tmp_path: Path) -> None:
    first = bundle.golden[0]
    wrong = Golden(input=first.input, output=bytes([first.output[0] ^ 1, *first.output[1:]]), interpreter="wrong")
    export(replace(bundle, golden=(bundle.golden[1], wrong)), CppTarget(), tmp_path / "out")
    ran = _make(tmp_path / "out", tflm)
    assert ran.returncode != 0
    assert ", 1 of 5 values differ" in ran.stderr
    assert "FAIL" in ran.stderr
    assert "PASS" not in ran.stderr


@pytest.mark.parametrize("model", _MODELS)
def test_real_networks_pass(
    tflm: Path, shared: Path, tmp_path: Path, bundle_of: Callable[[bytes], Bundle], model: str
) -> None:
    """With an arena that follows from the one measured on a Cortex-M4."""
    bundle = bundle_of((shared / "data" / model).read_bytes())
    arena = {"kws_ref_model.tflite": (16000, 6820), "ad01_int8.tflite": (768, 1812)}[Path(model).name]
    footprint = replace(bundle.footprint, activation_bytes=arena[0], bookkeeping_bytes=arena[1])
    export(replace(bundle, footprint=footprint), CppTarget(), tmp_path / "out")
    ran = _make(tmp_path / "out", tflm)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("define", ["-DREFERENCE_KERNELS", "-DCMSIS_NN"])
def test_every_registration_of_the_table_is_declared(tflm: Path, tmp_path: Path, define: str) -> None:
    """All methods and all typed registrations, with the portable headers and with CMSIS-NN's."""
    calls = [f"{method}()" for method in (*BUILTIN_METHODS.values(), *CUSTOM_METHODS.values())]
    for name, typed in TYPED.items():
        suffixes = sorted(set(typed.suffixes.values()))
        calls += [f"{BUILTIN_METHODS[name]}(tflite::Register_{name}_{suffix}())" for suffix in suffixes]
    included = {typed.header for typed in TYPED.values()} - {""}
    included.add("tensorflow/lite/micro/micro_mutable_op_resolver.h")
    fields = {
        "includes": "\n".join(f'#include "{header}"' for header in sorted(included)),
        "count": str(len(calls)),
        "calls": "\n".join(f"  TF_LITE_ENSURE_STATUS(resolver.{call});" for call in calls),
    }
    (tmp_path / "model.h").write_bytes(render("devices.export.cpp", "op_resolver.h", fields))
    for name in ("arena.h", "golden.h", "labels.h", "op_resolver.h", "quantization.h", "model.cc"):
        (tmp_path / name).write_text("")
    source = '#include "model.h"\nint main() { tinyfront::OpResolver r; return tinyfront::RegisterOperators(r); }\n'
    (tmp_path / "main.cc").write_text(source)
    (tmp_path / "Makefile").write_bytes(verbatim("devices.export.cpp", "Makefile"))
    command = ["make", f"TFLM_DIR={tflm}", "TFLM_LIBRARY=", f"CXXFLAGS=-w -fsyntax-only {define}"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr


def test_refuses_a_linux_board(bundle: Bundle) -> None:
    """The sources are for another runtime than the costs are of."""
    board = replace(bundle.device, name="raspberry-pi-4b", core="cortex-a72", kernels="xnnpack")
    with pytest.raises(ExportError, match="raspberry-pi-4b runs LiteRT; export 'tflite'"):
        CppTarget().files(replace(bundle, device=board))


def test_a_coded_network_passes(coded_bundle: Bundle, tflm: Path, tmp_path: Path) -> None:
    """The program unpacks the network and answers as the plain one; a torn package is noticed."""
    export(coded_bundle, CppTarget(), tmp_path / "out")
    ran = _make(tmp_path / "out", tflm)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.count(", 0 of 5 values differ") == len(coded_bundle.golden)
    source = tmp_path / "out" / "model.cc"
    source.write_text(source.read_text().replace("0x54, 0x46, 0x48, 0x31", "0x54, 0x46, 0x48, 0x30", 1))
    torn = _make(tmp_path / "out", tflm)
    assert torn.returncode != 0
    assert "FAIL: the model cannot be unpacked." in torn.stderr
