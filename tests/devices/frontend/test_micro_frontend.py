"""The fixed-point front-end against TensorFlow Lite Micro's golden vectors and its own model, value for value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from devices.frontend import fixed_fft, fixed_point
from devices.frontend.frontend import FrontendError
from devices.frontend.integer_filters import integer_filters
from devices.frontend.micro_frontend import MicroFrontend

Integers = npt.NDArray[Any]
Golden = Callable[[str], list[list[str]]]

_SPEECH = MicroFrontend(sample_rate_hz=16000)


@pytest.fixture(scope="module")
def golden(shared: Path) -> Golden:
    """Lines of a file of ``signal_testdata``, split into words."""
    folder = shared / "data/models_tflm/signal_testdata"
    return lambda name: [line.split() for line in (folder / name).read_text().splitlines()]


def _numbers(lines: list[list[str]]) -> Integers:
    """One column a line."""
    return np.array(lines, np.int64).T


def test_windowing(golden: Golden) -> None:
    """Hann's weights of 12 bits, of 400 samples at 16 kHz."""
    lines = golden("window_test1.txt")
    assert lines[0] == ["hann", "int16", "12"]
    frames, expected = _numbers(lines[1::2]), _numbers(lines[2::2])
    weights = MicroFrontend(sample_rate_hz=16000, window_ms=25.0)._window().astype(np.int64)
    assert np.array_equal((frames * weights[:, np.newaxis]) >> 12, expected)


def test_auto_scale(golden: Golden) -> None:
    lines = golden("fft_auto_scale_test1.txt")
    scaled, shift = fixed_point.auto_scale(_numbers(lines[0::3]))
    assert np.array_equal(scaled, _numbers(lines[1::3]))
    assert np.array_equal(shift, _numbers(lines[2::3])[0])
    assert len(set(shift.tolist())) > 3


def test_transform(golden: Golden) -> None:
    """Of 512 values, equal to KISS FFT's to the last bit."""
    lines = golden("rfft_test1.txt")
    frames = _numbers(lines[1::2])
    padded = np.zeros((int(lines[0][0]), frames.shape[1]), np.int32)
    padded[: len(frames)] = frames
    real, imaginary = fixed_fft.transform(padded)
    expected = _numbers(lines[2::2])
    assert np.array_equal(real, expected[0::2])
    assert np.array_equal(imaginary, expected[1::2])


@pytest.mark.parametrize("size", [8, 16, 32, 64, 128, 256, 1024])
def test_transform_of_other_sizes(size: int) -> None:
    """Within a few units of the exact one, divided by the size: with and without a radix of 2."""
    x = np.random.default_rng(size).integers(-20000, 20000, (size, 7)).astype(np.int32)
    real, imaginary = fixed_fft.transform(x)
    exact = np.fft.rfft(x, axis=0) / size
    assert np.abs(real + 1j * imaginary - exact).max() < 5


def test_energy(golden: Golden) -> None:
    lines = golden("energy_test1.txt")
    start, end = (int(word) for word in lines[0])
    bins, expected = _numbers(lines[1::2]), _numbers(lines[2::2])
    assert np.array_equal((bins[0::2] ** 2 + bins[1::2] ** 2)[start:end], expected[start:end])


def test_filter_bank(golden: Golden) -> None:
    lines = golden("filter_bank_test1.txt")
    rate, channels, lower, upper = (int(word) for word in lines[0])
    filters = integer_filters(channels=channels, fft_size=512, sample_rate_hz=rate, lower_hz=lower, upper_hz=upper)
    assert np.array_equal(filters.apply(_numbers(lines[1::2])), _numbers(lines[2::2]))


def test_square_root(golden: Golden) -> None:
    lines = golden("filter_bank_square_root_test1.txt")
    for energies, shift, expected in zip(lines[0::3], lines[1::3], lines[2::3], strict=True):
        rooted = fixed_point.rounded_root(np.array(energies, np.int64)) >> int(shift[0])
        assert rooted.tolist() == [int(word) for word in expected]


def test_square_roots_are_exact() -> None:
    """At and around squares, up to 2^52; and the one value that stays below 65536."""
    roots = np.concatenate([np.arange(1, 2000), np.random.default_rng(0).integers(1 << 17, 1 << 26, 5000)])
    squares = roots.astype(np.int64) ** 2
    for distance, expected in ((-1, roots), (0, roots), (1, roots)):
        assert np.array_equal(fixed_point.rounded_root(squares + distance)[1:], expected[1:])
    assert np.array_equal(fixed_point.rounded_root(squares + roots), roots)
    assert np.array_equal(fixed_point.rounded_root(squares + roots + 1), roots + 1)
    assert fixed_point.rounded_root(np.array([(1 << 32) - 1])).tolist() == [65535]


def test_spectral_subtraction(golden: Golden) -> None:
    """With the settings of the golden vectors' recipe: all channels smoothed alike, noise not raised."""
    lines = golden("filter_bank_spectral_subtraction_test1.txt")
    assert lines[0] == ["32", "0.04", "0.0", "0", "0.05", "0"]
    smoothing = np.full((32, 1), fixed_point.fractions(0.04)[0])
    noise = np.zeros((32, 1), np.int64)
    for signal, expected, estimate in zip(lines[1::3], lines[2::3], lines[3::3], strict=True):
        left, noise = fixed_point.subtract_noise(np.array([signal], np.int64).T, noise, smoothing, 0)
        assert left[:, 0].tolist() == [int(word) for word in expected]
        assert noise[:, 0].tolist() == [int(word) for word in estimate]


def test_gain_control(golden: Golden) -> None:
    lines = golden("pcan_op_test1.txt")
    strength, offset = (float(word) for word in lines[0][:2])
    gain_bits, smoothing_bits, correction_bits = (int(word) for word in lines[0][2:])
    table = fixed_point.gain_table(strength, offset, gain_bits, smoothing_bits - correction_bits)
    made = fixed_point.gain_control(_numbers(lines[1::3]), _numbers(lines[2::3]), table, 6)
    assert np.array_equal(made, _numbers(lines[3::3]))


def test_logarithm_is_near_the_real_one() -> None:
    """64 ln(8 x) to two units, 0 where nothing is left."""
    x = np.unique(np.geomspace(2, 1 << 28, 3000).astype(np.int64))
    assert np.abs(fixed_point.scaled_log(x, 3) - 64 * np.log(8.0 * x)).max() < 2
    assert fixed_point.scaled_log(np.array([0]), 3).tolist() == [0]


@pytest.mark.parametrize("kind", ["int8", "float"])
def test_whole_front_end_equals_tflms_own_model(shared: Path, kind: str) -> None:
    """Yes, no, noise and silence, 49 frames of each: ``audio_preprocessor`` run frame by frame by its interpreter."""
    runtime = pytest.importorskip("tflite_micro", reason="tflite-micro has no wheel for this platform").runtime
    wavfile = pytest.importorskip("scipy.io").wavfile
    folder = shared / "data/models_tflm/micro_speech"
    content = (folder / f"audio_preprocessor_{kind}.tflite").read_bytes()
    files = sorted(folder.glob("*_1000ms.wav"))
    assert len(files) == 4
    for file in files:
        pcm = wavfile.read(file)[1]
        interpreter, rows = runtime.Interpreter.from_bytes(content), []
        for start in range(0, len(pcm) - 479, 320):
            interpreter.set_input(pcm[np.newaxis, start : start + 480], 0)
            interpreter.invoke()
            rows.append(interpreter.get_output(0).reshape(-1))
        features = _SPEECH.apply(pcm[np.newaxis].astype(np.float32) / np.float32(32768))[0, :, :, 0]
        assert features.shape == (49, 40)
        assert np.ptp(features) > 300
        assert np.array_equal(_as_the_model(features, kind), np.array(rows))


def _as_the_model(features: npt.NDArray[np.float32], kind: str) -> npt.NDArray[Any]:
    """The scales that its authors put behind the features."""
    if kind == "float":
        return features / np.float32(25.6)
    return np.clip((features.astype(np.int64) * 256 + 333) // 666 - 128, -128, 127)


def test_noise_does_not_pass_from_sound_to_sound() -> None:
    sound = np.random.default_rng(4).uniform(-1, 1, (30, 16000)).astype(np.float32)
    assert np.array_equal(_SPEECH.apply(sound)[29:], _SPEECH.apply(sound[29:]))


def test_the_loudest_sounds_do_not_overflow() -> None:
    """Full scale of both signs, square waves among it: features stay in range and order."""
    time = np.arange(16000)
    square = np.where(time % 20 < 10, 1.0, -1.0)
    x = np.stack([np.full(16000, -1.0), np.full(16000, 1.0), square, 0.1 * square]).astype(np.float32)
    features = MicroFrontend(sample_rate_hz=16000, noise_reduction=False, gain_control=False).apply(x)
    assert features.min() >= 0
    assert features.max() <= 32767
    assert features[2].max() > features[3].max()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sample_rate_hz": 500}, "sample_rate_hz is 500"),
        ({"hop_ms": 0.0}, "hop_ms is 0.0"),
        ({"channels": 0}, "channels is 0: it must be in 1..128"),
        ({"upper_hz": 8000.0}, "from 0 to below half the sample rate, 8000"),
        ({"full_scale": 3.0}, "full_scale is 3: it is 1 or 32768"),
        ({"noise_reduction": False}, "gain_control needs noise_reduction"),
        ({"window_ms": 1.0}, "a window of 33 to 2048 samples"),
        ({"upper_hz": 7999.9999}, "the channels reach to the end of the spectrum"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(FrontendError, match=message):
        MicroFrontend(**{"sample_rate_hz": 16000, **settings})
