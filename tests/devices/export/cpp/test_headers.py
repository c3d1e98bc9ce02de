"""The generated C++ compiles without a warning and holds the very values that went in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from devices.artifact import Normalization
from devices.export.bundle import Bundle
from devices.export.cpp import headers
from devices.export.cpp.cpp import CppTarget
from devices.export.records import ExportError, Golden
from devices.export.write import export
from devices.graph import DType, Operator

RunCpp = Callable[[Path, tuple[str, ...], str], bytes]

_DUMP = """
#include <cstdint>
#include <cstdio>
#include <cstring>
#include "arena.h"
#include "golden.h"
#include "labels.h"
#include "model.h"
#include "quantization.h"
int main() {
  std::printf("%d %zu\\n", static_cast<int>(reinterpret_cast<std::uintptr_t>(tinyfront::kModel) % 16),
              sizeof(tinyfront::kModel));
  std::fwrite(tinyfront::kModel, 1, tinyfront::kModelBytes, stdout);
  std::fwrite(tinyfront::kGoldenInputs, 1, sizeof(tinyfront::kGoldenInputs), stdout);
  std::fwrite(tinyfront::kGoldenOutputs, 1, sizeof(tinyfront::kGoldenOutputs), stdout);
  for (std::size_t i = 0; i < tinyfront::kLabelCount; ++i) {
    std::fwrite(tinyfront::kLabels[i], 1, std::strlen(tinyfront::kLabels[i]) + 1, stdout);
  }
  std::fwrite(tinyfront::kRun, 1, sizeof(tinyfront::kRun), stdout);
  std::printf("%d", tinyfront::kGoldenLabels[tinyfront::kGoldenCount - 1]);
  return tinyfront::kTensorArenaSize >= tinyfront::kArenaBytes ? 0 : 1;
}
"""

_QUANTIZE = """
#include <cstdio>
#include "quantization.h"
int main() {
  for (float raw; std::scanf("%f", &raw) == 1;) {
    const tinyfront::InputType stored = tinyfront::QuantizeInput(tinyfront::Normalize(raw));
    std::printf("%d %a\\n", static_cast<int>(stored),
                static_cast<double>(tinyfront::DequantizeOutput(static_cast<tinyfront::OutputType>(stored))));
  }
}
"""


def _export(bundle: Bundle, folder: Path, program: str) -> Path:
    export(bundle, CppTarget(), folder)
    (folder / "test.cc").write_text(program)
    return folder


def _printed(bundle: Bundle) -> bytes:
    """What the dump of `bundle` must print."""
    stored = [bundle.artifact.content, *(g.input for g in bundle.golden), *(g.output for g in bundle.golden)]
    labels = [label.encode() + b"\0" for label in (*bundle.artifact.labels, bundle.provenance.run)]
    last = bundle.golden[-1].label
    return b"".join([b"0 %d\n" % bundle.artifact.model_bytes, *stored, *labels, b"%d" % (-1 if last is None else last)])


def test_arrays_are_aligned_and_equal_to_the_byte(bundle: Bundle, run_cpp: RunCpp, tmp_path: Path) -> None:
    """Model bytes on 16, golden samples, labels and run name (quotes, backslashes, trigraphs, newlines, emoji)."""
    folder = _export(bundle, tmp_path / "out", _DUMP)
    assert run_cpp(folder, ("test.cc", "model.cc"), "") == _printed(bundle)


def _float_bundle(bundle: Bundle) -> Bundle:
    """The same bundle as if the network were a float one without labels."""
    rng = np.random.default_rng(3)
    x, y = (rng.normal(size=shape).astype(np.float32) for shape in ((1, 12), (1, 5)))
    return replace(
        bundle,
        graph=replace(bundle.graph, tensors=tuple(replace(t, dtype=DType.FLOAT32) for t in bundle.graph.tensors)),
        artifact=replace(
            bundle.artifact,
            input=replace(bundle.artifact.input, dtype=DType.FLOAT32, scale=0.0, zero_point=0),
            output=replace(bundle.artifact.output, dtype=DType.FLOAT32, scale=0.0, zero_point=0),
            labels=(),
        ),
        golden=(Golden.from_arrays(x, y, interpreter="x"),),
    )


def test_float_networks_without_labels_too(bundle: Bundle, run_cpp: RunCpp, tmp_path: Path) -> None:
    floats = _float_bundle(bundle)
    folder = _export(floats, tmp_path / "out", _DUMP)
    assert run_cpp(folder, ("test.cc", "model.cc"), "") == _printed(floats)
    assert "kGoldenTolerance = 9.99999975e-05f" in (folder / "golden.h").read_text()
    assert "kGoldenTolerance = 0.0f" in headers.golden_h(bundle).decode()


def _quantized(raw: npt.NDArray[np.float32], bundle: Bundle) -> npt.NDArray[np.int64]:
    """Reference: single precision, halves away from zero, cut off, not-a-number lowest."""
    port, normalization = bundle.artifact.input, bundle.normalization
    x = (raw - np.float32(normalization.offset)) * np.float32(normalization.factor) / np.float32(port.scale)
    stored = np.copysign(np.floor(np.abs(x) + np.float32(0.5)), x) + port.zero_point
    return np.where(np.isnan(stored), -128, np.clip(np.nan_to_num(stored), -128, 127)).astype(np.int64)


def test_quantisation_is_the_networks(bundle: Bundle, run_cpp: RunCpp, tmp_path: Path) -> None:
    """Raw values over and beyond the range, halves, infinities and not-a-number."""
    exact = replace(bundle, normalization=Normalization(offset=0.5, factor=0.025))  # 1 raw = half a step of 0.05
    raw = np.array([*range(-300, 301, 7), 0.5, 1.5, -0.5, 2.5, 3.5, 1e30, -1e30, np.inf, -np.inf, np.nan], np.float32)
    folder = _export(exact, tmp_path / "out", _QUANTIZE)
    lines = run_cpp(folder, ("test.cc",), " ".join(map(str, raw))).decode().split()
    stored = np.array(lines[::2], np.int64)
    assert stored.tolist() == _quantized(raw, exact).tolist()
    real = np.array([float.fromhex(text) for text in lines[1::2]])
    assert np.array_equal(real, (stored + 128) / 256)


_VALUES = """
#include <cstdio>
#include <cstring>
#include "targets.h"
int main() {
  for (std::size_t i = 0; i < tinyfront::kTargetCount; ++i) {
    std::fwrite(tinyfront::kTargetNames[i], 1, std::strlen(tinyfront::kTargetNames[i]) + 1, stdout);
  }
  for (std::size_t i = 0; i < tinyfront::kTargetCount; ++i) {
    std::printf("%a ", static_cast<double>(tinyfront::TargetValue(i, 28)));
  }
}
"""


def test_outputs_become_values_in_their_unit(values_bundle: Bundle, run_cpp: RunCpp, tmp_path: Path) -> None:
    """Stored 28 is (28 + 128) / 256; then each target's own deviation and mean."""
    folder = _export(values_bundle, tmp_path / "out", _VALUES)
    *names, printed = run_cpp(folder, ("test.cc",), "").split(b"\0")
    assert names == [target.name.encode() for target in values_bundle.targets]
    values = [float.fromhex(text) for text in printed.decode().split()]
    assert values == pytest.approx([156 / 256 * each.deviation + each.mean for each in values_bundle.targets])
    assert "`targets.h`" in (folder / "README.md").read_text()


_ANOMALY = """
#include <cstdio>
#include "anomaly.h"
int main() {
  const float inputs[] = {$inputs};
  const tinyfront::OutputType stored[] = {$stored};
  std::printf("%a %d", static_cast<double>(tinyfront::AnomalyScore(inputs, stored)),
              static_cast<int>(tinyfront::IsAnomaly(inputs, stored)));
}
"""


@pytest.mark.parametrize("strange", [False, True])
def test_strangeness_is_the_mean_squared_difference(
    bundle: Bundle, run_cpp: RunCpp, tmp_path: Path, strange: bool
) -> None:
    """Of normalised inputs and de-quantised outputs; an anomaly lies above the threshold."""
    artifact = replace(bundle.artifact, output=replace(bundle.artifact.output, shape=(1, 12)))
    port, rng = artifact.output, np.random.default_rng(5)
    stored, inputs = rng.integers(-128, 128, 12), rng.random(12).astype(np.float32)
    expected = float(np.mean((port.scale * (stored - port.zero_point) - inputs) ** 2))
    limit = expected * (0.9 if strange else 1.1)
    shared = {"normalization": bundle.normalization, "frontend": None, "table": None}
    made = SimpleNamespace(artifact=artifact, threshold=limit, **shared)
    given = cast("Bundle", made)  # a whole bundle needs a graph of that shape
    files = {"quantization.h": headers.quantization_h(given), "anomaly.h": headers.anomaly_h(given)}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    texts = {"$inputs": ", ".join(f"{x!s}f" for x in inputs), "$stored": ", ".join(map(str, stored))}
    program = _ANOMALY
    for key, text in texts.items():
        program = program.replace(key, text)
    (tmp_path / "test.cc").write_text(program)
    score, called = run_cpp(tmp_path, ("test.cc",), "").decode().split()
    assert float.fromhex(score) == pytest.approx(expected, rel=1e-5)
    assert bool(int(called)) is strange


def test_a_threshold_needs_a_network_that_gives_its_input_back(bundle: Bundle) -> None:
    with pytest.raises(ExportError, match=r"threshold 0\.5 with 12 inputs and 5 outputs"):
        replace(bundle, threshold=0.5)
    assert "anomaly.h" not in CppTarget().files(bundle)


def test_classes_have_no_targets(bundle: Bundle) -> None:
    files = CppTarget().files(bundle)
    assert "targets.h" not in files
    assert b"targets.h" not in files["README.md"]


def test_resolver_is_as_long_as_its_calls(bundle: Bundle) -> None:
    text = headers.op_resolver_h(bundle).decode()
    assert "MicroMutableOpResolver<2>" in text
    assert re.findall(r"resolver\.(Add\w+)", text) == ["AddFullyConnected", "AddSoftmax"]


def test_variables_are_counted(bundle: Bundle) -> None:
    handle = Operator(name="VAR_HANDLE", inputs=(), outputs=(3,))
    stateful = replace(bundle, graph=replace(bundle.graph, operators=(handle, handle, *bundle.graph.operators)))
    assert "kResourceVariables = 2;" in headers.arena_h(stateful).decode()
    assert "kResourceVariables = 0;" in headers.arena_h(bundle).decode()


@pytest.mark.parametrize("name", ["model.h", "op_resolver.h", "arena.h", "quantization.h", "golden.h", "labels.h"])
def test_headers_are_guarded_and_ascii(bundle: Bundle, name: str) -> None:
    text = CppTarget().files(bundle)[name].decode("ascii")
    guard = f"TINYFRONT_{name[:-2].upper()}_H_"
    assert f"#ifndef {guard}\n#define {guard}\n" in text
    assert text.endswith(f"#endif  // {guard}\n")


_UNPACK = """
#include <cstdint>
#include <cstdio>
#include "model.h"
int main() {
  const unsigned char* model = tinyfront::LoadModel();
  if (model == nullptr || reinterpret_cast<std::uintptr_t>(model) % 16 != 0) return 1;
  std::fwrite(model, 1, tinyfront::kModelBytes, stdout);
}
"""


def test_a_coded_network_unpacks_to_the_very_file(coded_bundle: Bundle, run_cpp: RunCpp, tmp_path: Path) -> None:
    """The compiled program prints the model file, from a buffer of 16 bytes' alignment; it holds no plain copy."""
    folder = _export(coded_bundle, tmp_path / "out", _UNPACK)
    assert run_cpp(folder, ("test.cc", "model.cc", "unpack.c"), "") == coded_bundle.artifact.content
    assert "kModel[" not in (folder / "model.cc").read_text()
