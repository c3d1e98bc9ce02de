"""The exported front-end is compiled and gives the very inputs that Python made."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from devices.artifact import Normalization
from devices.export.bundle import Bundle
from devices.export.cpp.cpp import CppTarget
from devices.export.records import ExportError, Golden
from devices.export.write import export
from devices.frontend.fft_magnitude import FftMagnitude
from devices.frontend.frontend import Frontend
from devices.frontend.image_rescale import ImageRescale
from devices.frontend.log_mel import LogMel
from devices.frontend.mfcc import Mfcc
from devices.frontend.micro_frontend import MicroFrontend
from devices.frontend.pipeline import Pipeline
from devices.frontend.standardise import Standardisation, Standardise
from devices.frontend.window_statistics import WindowStatistics
from devices.graph import DType

RunCpp = Callable[[Path, tuple[str, ...], str], bytes]
RunSanitized = Callable[[Path, tuple[str, ...]], bytes]

_STATISTICS = WindowStatistics(median_absolute_deviation=True, crossing_rate=True, skewness=True, kurtosis=True)
_CASES: tuple[tuple[str, Frontend, tuple[int, ...]], ...] = (
    ("mfcc", Mfcc(sample_rate_hz=16000), (16000,)),
    ("mfcc_8_khz", Mfcc(sample_rate_hz=8000, window="hamming", spectrum="power", coefficients=20), (4000,)),
    ("mfcc_peak", Mfcc(sample_rate_hz=8000, level="peak"), (4000,)),
    ("mfcc_centred", Mfcc(sample_rate_hz=8000, level="peak", mean_normalization=True), (4000,)),
    ("log_mel_centred", LogMel(sample_rate_hz=8000, mel_bins=24, mean_normalization=True), (5000,)),
    ("log_mel", LogMel(sample_rate_hz=16000, fft_size=1024, mel_bins=24, full_scale=3.0), (8000,)),
    ("micro", MicroFrontend(sample_rate_hz=16000), (16000,)),
    ("micro_8_khz", MicroFrontend(sample_rate_hz=8000, channels=20, upper_hz=3000.0, gain_control=False), (4000,)),
    ("micro_plain", MicroFrontend(sample_rate_hz=8000, gain_control=False, noise_reduction=False), (4000,)),
    ("micro_10_ms", MicroFrontend(sample_rate_hz=8000, window_ms=10.0, channels=12, lower_hz=300.0), (4000,)),
    ("statistics", _STATISTICS, (128, 1, 6)),
    ("statistics_odd", _STATISTICS, (51, 1, 3)),
    ("statistics_few", WindowStatistics(mean=False, minimum=False, maximum=False), (50, 1, 1)),
    ("spectrum", FftMagnitude(), (128, 1, 3)),
    ("spectrum_bands", FftMagnitude(bins=16, log=True, remove_mean=False, window="rectangular"), (100, 1, 2)),
    ("image_shrunk", ImageRescale(height=7, width=5), (32, 30, 3)),
    ("image_grown_grey", ImageRescale(height=9, width=13, grey=True), (6, 5, 3)),
    ("image_mixed", ImageRescale(height=3, width=20), (8, 8, 1)),
    ("values", Standardise(), (20, 1, 3)),
)

_DUMP = """
#include <cstdio>
#include "preprocess_golden.h"
int main() {
  static tinyfront::InputType input[tinyfront::kInputElements];
  tinyfront::Preprocess(tinyfront::kGoldenRaw, input);
  return std::fwrite(input, sizeof(input), 1, stdout) == 1 ? 0 : 1;
}
"""


_DUMP_BOTH = """
#include <cstdio>
#include "preprocess_golden.h"
int main() {
  static tinyfront::InputType input[tinyfront::kInputElements];
  static float values[tinyfront::kInputElements];
  tinyfront::Preprocess(tinyfront::kGoldenRaw, input, values);
  std::fwrite(input, sizeof(input), 1, stdout);
  return std::fwrite(values, sizeof(values), 1, stdout) == 1 ? 0 : 1;
}
"""


def raw_samples(pipeline_shape: tuple[int, ...], n: int = 4) -> npt.NDArray[np.float32]:
    """Tones in noise that swell, as 16-bit sound has them, the first sample among them half silent."""
    rng = np.random.default_rng(7)
    time = np.linspace(0, 1, pipeline_shape[0])[:, np.newaxis]
    channels = int(np.prod(pipeline_shape)) // pipeline_shape[0]
    tone = np.sin(2 * np.pi * rng.uniform(5, 800, (n, 1, channels)) * time) * time
    x = 0.6 * tone + 0.1 * rng.normal(size=tone.shape)
    x[0, : len(time) // 2] = 0
    quantised = np.clip(np.round(32768 * x), -32768, 32767) / 32768
    return quantised.reshape(n, *pipeline_shape).astype(np.float32)


def fitted(frontend: Frontend, raw: npt.NDArray[np.float32]) -> Pipeline:
    plain = Pipeline(input_shape=raw.shape[1:], frontend=frontend)
    standardisation = Standardisation.fitted(plain.apply(raw), plain.row_elements)
    return replace(plain, standardisation=standardisation)


def behind(bundle: Bundle, pipeline: Pipeline, raw: npt.NDArray[np.float32], dtype: DType) -> Bundle:
    """The bundle as if its network took what the pipeline makes of the raw samples, as `dtype`."""
    from search.evaluate import quantize

    is_float = dtype is DType.FLOAT32
    shape = (1, *pipeline.output_shape)
    port = replace(
        bundle.artifact.input,
        shape=shape,
        dtype=dtype,
        scale=0.0 if is_float else 0.04,
        zero_point=0 if is_float else 5,
    )
    tensors = list(bundle.graph.tensors)
    tensors[bundle.graph.inputs[0]] = replace(tensors[bundle.graph.inputs[0]], shape=shape, dtype=dtype)
    stored = quantize(port, pipeline.apply(raw))
    golden = tuple(
        replace(Golden.from_arrays(x, np.zeros(5, np.int8), interpreter="none", raw=sample))
        for x, sample in zip(stored, raw, strict=True)
    )
    return replace(
        bundle,
        graph=replace(bundle.graph, tensors=tuple(tensors)),
        artifact=replace(bundle.artifact, input=port),
        normalization=Normalization(offset=0.0, factor=1.0),
        golden=golden,
        frontend=pipeline,
    )


def _exported(bundle: Bundle, folder: Path) -> Path:
    export(bundle, CppTarget(), folder)
    (folder / "dump.cc").write_text(_DUMP)
    return folder


@pytest.mark.parametrize(("frontend", "shape"), [case[1:] for case in _CASES], ids=[case[0] for case in _CASES])
def test_features_are_equal_bit_for_bit(
    bundle: Bundle, run_cpp: RunCpp, tmp_path: Path, frontend: Frontend, shape: tuple[int, ...]
) -> None:
    """Single-precision network inputs of the compiled source against Python's, no tolerance."""
    raw = raw_samples(shape)
    made = behind(bundle, fitted(frontend, raw), raw, DType.FLOAT32)
    printed = run_cpp(_exported(made, tmp_path / "out"), ("dump.cc", "preprocess.cc"), "")
    values, golden = (np.frombuffer(content, "<f4") for content in (printed, made.golden[0].input))
    assert np.ptp(golden) > 0.1
    assert np.array_equal(values, golden)


def test_inputs_are_given_before_they_are_stored_too(bundle: Bundle, run_cpp: RunCpp, tmp_path: Path) -> None:
    """What a network that finds anomalies is compared with: not cut off by the type, beside the very stored values."""
    raw = raw_samples((128, 1, 6))
    pipeline = fitted(_STATISTICS, raw)
    made = behind(bundle, pipeline, raw, DType.INT8)
    folder = _exported(made, tmp_path / "out")
    (folder / "dump.cc").write_text(_DUMP_BOTH)
    printed = run_cpp(folder, ("dump.cc", "preprocess.cc"), "")
    size = len(made.golden[0].input)
    assert printed[:size] == made.golden[0].input
    assert np.array_equal(np.frombuffer(printed[size:], "<f4"), pipeline.apply(raw[:1]).reshape(-1))


@pytest.mark.parametrize(("frontend", "shape"), [case[1:] for case in _CASES], ids=[case[0] for case in _CASES])
def test_the_exported_program_passes_with_sanitisers(
    bundle: Bundle, run_sanitized: RunSanitized, tmp_path: Path, frontend: Frontend, shape: tuple[int, ...]
) -> None:
    """Stored int8 values equal, and no address, shift or conversion out of bounds."""
    raw = raw_samples(shape)
    made = behind(bundle, fitted(frontend, raw), raw, DType.INT8)
    assert len(set(made.golden[0].input)) > 2
    printed = run_sanitized(_exported(made, tmp_path / "out"), ("preprocess_test.cc", "preprocess.cc")).decode()
    assert printed.startswith("0 of ")
    assert printed.endswith("PASS\n")


def test_the_makefile_builds_the_check_without_a_library(bundle: Bundle, tmp_path: Path) -> None:
    """And a changed table is noticed."""
    if shutil.which("make") is None or shutil.which("g++") is None:
        pytest.skip("no make or g++ on this machine")
    raw = raw_samples((4000,))
    made = behind(bundle, fitted(Mfcc(sample_rate_hz=8000), raw), raw, DType.INT8)
    folder = _exported(made, tmp_path / "out")
    command = ["make", "preprocess_test"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    assert subprocess.run(["./preprocess_test"], cwd=folder, capture_output=True).returncode == 0
    source = folder / "preprocess.cc"
    source.write_text(re.sub(r"kHopSamples = \d+;", "kHopSamples = 120;", source.read_text()))
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    failed = subprocess.run(["./preprocess_test"], cwd=folder, capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stdout.endswith("FAIL\n")


def test_sound_is_kept_in_16_bits(bundle: Bundle, tmp_path: Path) -> None:
    raw = raw_samples((4000,))
    made = behind(bundle, fitted(Mfcc(sample_rate_hz=8000), raw), raw, DType.INT8)
    header = CppTarget().files(made)["preprocess_golden.h"].decode()
    assert "constexpr std::int16_t kGoldenRaw[kRawElements]" in header
    finer = replace(made.golden[0], raw=(raw[0] * np.float32(0.3)).astype("<f4").tobytes())
    header = CppTarget().files(replace(made, golden=(finer,)))["preprocess_golden.h"].decode()
    assert "constexpr float kGoldenRaw[kRawElements]" in header


def test_sources_have_no_heap_and_no_double(bundle: Bundle) -> None:
    """What a microcontroller would pay dearly for."""
    for _, frontend, shape in _CASES:
        raw = raw_samples(shape)
        files = CppTarget().files(behind(bundle, fitted(frontend, raw), raw, DType.INT8))
        text = files["preprocess.cc"].decode("ascii")
        assert not re.search(r"\b(new|malloc|vector|string|throw|double|virtual)\b", text)


def test_readme_and_makefile_name_the_front_end(bundle: Bundle) -> None:
    raw = raw_samples((4000,))
    made = behind(bundle, fitted(Mfcc(sample_rate_hz=8000), raw), raw, DType.INT8)
    text = CppTarget().files(made)["README.md"].decode()
    assert "| `preprocess.h`, `preprocess.cc` | the front-end `mfcc`" in text
    assert "tinyfront::Preprocess(raw, input);" in text
    assert "make preprocess_test" in text
    assert "Add `model.cc` and `preprocess.cc` to the sources" in text
    plain = CppTarget().files(bundle)
    assert not any(name.startswith("preprocess") for name in plain)
    assert "reprocess" not in plain["README.md"].decode()


def test_refuses_a_front_end_of_another_network(bundle: Bundle) -> None:
    pipeline = Pipeline(input_shape=(128, 1, 6), frontend=WindowStatistics())
    with pytest.raises(ExportError, match=r"makes features of shape \(36,\), the network takes \(1, 12\)"):
        replace(bundle, frontend=pipeline)


def test_refuses_a_raw_sample_of_another_shape(bundle: Bundle) -> None:
    raw = np.zeros(7, np.float32)
    stray = replace(bundle.golden[0], raw=raw.tobytes())
    with pytest.raises(ExportError, match="raw sample has 28 bytes, the front-end takes none: there is no front-end"):
        replace(bundle, golden=(stray,))
    made = behind(bundle, fitted(Standardise(), raw_samples((4, 1, 3))), raw_samples((4, 1, 3)), DType.INT8)
    with pytest.raises(ExportError, match="raw sample has 28 bytes, the front-end takes 48"):
        replace(made, golden=(replace(made.golden[0], raw=raw.tobytes()),))
