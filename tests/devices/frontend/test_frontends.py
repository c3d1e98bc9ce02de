"""What holds for every front-end, and what each one makes."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from devices.frontend.catalog import FRONTENDS, find_frontend
from devices.frontend.fft_magnitude import FftMagnitude
from devices.frontend.frontend import Frontend, FrontendError
from devices.frontend.image_rescale import ImageRescale
from devices.frontend.log_mel import LogMel
from devices.frontend.mfcc import Mfcc
from devices.frontend.micro_frontend import MicroFrontend
from devices.frontend.standardise import Standardisation, Standardise
from devices.frontend.window_statistics import WindowStatistics

Floats = npt.NDArray[np.float32]

_SOUND, _WINDOW, _IMAGE = (4000,), (64, 1, 3), (12, 10, 3)
_NEEDED = {"sample_rate_hz": 8000, "height": 5, "width": 7}  # settings without a default


def _default(kind: type[Frontend]) -> Frontend:
    return kind(**{item.name: _NEEDED[item.name] for item in dataclasses.fields(kind) if item.name in _NEEDED})


def _noise(frontend: Frontend, n: int, seed: int) -> Floats:
    return np.random.default_rng(seed).uniform(-1, 1, (n, *_shape(frontend))).astype(np.float32)


def _shape(frontend: Frontend) -> tuple[int, ...]:
    if isinstance(frontend, ImageRescale):
        return _IMAGE
    return _SOUND if hasattr(frontend, "sample_rate_hz") else _WINDOW


@pytest.mark.parametrize("kind", FRONTENDS, ids=lambda kind: kind.name)
class TestEveryFrontend:
    """The protocol's promises."""

    def test_makes_what_it_outlines(self, kind: type[Frontend]) -> None:
        frontend = _default(kind)
        shape = _shape(frontend)
        features = frontend.apply(_noise(frontend, 5, 0))
        assert features.dtype == np.float32
        assert features.shape == (5, *frontend.outline(shape))
        assert math.prod(frontend.outline(shape)) % frontend.row_elements(shape) == 0

    def test_treats_every_sample_by_itself(self, kind: type[Frontend]) -> None:
        """A sample's features are the same alone, among others and in the last block."""
        frontend = _default(kind)
        x = _noise(frontend, 40, 1)
        features = frontend.apply(x)
        assert np.array_equal(features[17:18], frontend.apply(x[17:18]))
        assert np.array_equal(features[39:], frontend.apply(x[39:]))
        assert not np.array_equal(features[0], features[1])

    def test_takes_silence(self, kind: type[Frontend]) -> None:
        frontend = _default(kind)
        assert np.isfinite(frontend.apply(np.zeros((1, *_shape(frontend)), np.float32))).all()

    def test_counts_operations_and_rows(self, kind: type[Frontend]) -> None:
        frontend = _default(kind)
        shape = _shape(frontend)
        rows = frontend.constants(shape)["kRows"]
        assert rows * frontend.row_elements(shape) == math.prod(frontend.outline(shape))
        operations = frontend.operations(shape)
        assert operations.simple + operations.integer > 0 or isinstance(frontend, Standardise)

    def test_its_constants_have_the_types_of_the_sources(self, kind: type[Frontend]) -> None:
        """Tables of single precision or 16 bits: nothing that a microcontroller would have to convert."""
        frontend = _default(kind)
        for name, value in frontend.constants(_shape(frontend)).items():
            assert name.startswith("k")
            if isinstance(value, np.ndarray):
                assert value.dtype in (np.float32, np.int16, np.uint16)
                assert value.size > 0

    def test_refuses_inputs_without_a_shape(self, kind: type[Frontend]) -> None:
        with pytest.raises(FrontendError, match=r"input has shape \(\)"):
            _default(kind).outline(())

    def test_is_found_by_name(self, kind: type[Frontend]) -> None:
        assert find_frontend(kind.name) is kind


def test_unknown_names_get_a_guess() -> None:
    with pytest.raises(FrontendError, match="unknown front-end 'mfc': did you mean 'mfcc'"):
        find_frontend("mfc")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sample_rate_hz": 10}, "sample_rate_hz is 10: it must be in 1000..384000"),
        ({"window_ms": 0.0}, "window_ms is 0.0: it must be above 0"),
        ({"hop_ms": 1e9}, "hop_ms is 1000000000.0"),
        (
            {"lower_hz": 5000.0},
            "lower_hz is 5000 and upper_hz 4000: they must rise, from 0 to half the sample rate, 8000",
        ),
        ({"upper_hz": 9000.0}, "upper_hz 9000"),
        ({"mel_bins": 0}, "mel_bins is 0: it must be in 1..256"),
        ({"log_offset": 0.0}, "log_offset is 0"),
        ({"full_scale": 0.0}, "full_scale is 0"),
        ({"window_ms": 0.06}, "window_ms must hold two samples"),
        ({"fft_size": 256}, "fft_size is 256 and the window has 480 values"),
        ({"level": "loud"}, "level is 'loud': it is one of given, peak"),
        ({"window": "kaiser"}, "window is 'kaiser'"),
        ({"mel_bins": 200}, "lies between two bins"),
        ({"coefficients": 41}, r"coefficients is 41: it must be in 1..mel_bins \(40\)"),
    ],
)
def test_settings_of_sound_are_checked_at_birth(settings: dict[str, float], message: str) -> None:
    with pytest.raises(FrontendError, match=message):
        Mfcc(**{"sample_rate_hz": 16000, **settings})  # type: ignore[arg-type]


def test_refuses_stereo_and_sound_shorter_than_a_frame() -> None:
    with pytest.raises(FrontendError, match="a sound has one channel"):
        LogMel(sample_rate_hz=8000).outline((4000, 1, 2))
    with pytest.raises(FrontendError, match="a sound has 100 samples and the window 240: take a shorter window_ms"):
        LogMel(sample_rate_hz=8000).outline((100,))


def test_the_peak_level_makes_quiet_and_loud_sounds_alike() -> None:
    """A sound and the same at an eighth of it; silence stays silence."""
    x = np.random.default_rng(6).uniform(-1, 1, (3, 4000)).astype(np.float32)
    x[2] = 0
    quiet = x * np.float32(0.125)
    peak = Mfcc(sample_rate_hz=8000, level="peak")
    assert np.array_equal(peak.apply(x), peak.apply(quiet))
    assert np.array_equal(peak.apply(x)[2:], Mfcc(sample_rate_hz=8000).apply(x)[2:])
    assert not np.allclose(Mfcc(sample_rate_hz=8000).apply(x), Mfcc(sample_rate_hz=8000).apply(quiet), atol=0.1)
    loudest = x[:1] / np.abs(x[:1]).max()
    assert np.allclose(peak.apply(x[:1]), Mfcc(sample_rate_hz=8000).apply(loudest), atol=1e-3)


def test_the_means_of_a_sound_are_taken_off_its_features() -> None:
    """A filter that is the same in all frames leaves no trace, and the device holds the features of a sound."""
    x = np.random.default_rng(8).uniform(-1, 1, (3, 4000)).astype(np.float32)
    settings: dict[str, Any] = {"sample_rate_hz": 8000, "mel_bins": 20, "log_offset": 1e-6}
    plain, centred = LogMel(**settings), LogMel(**settings, mean_normalization=True)
    features = centred.apply(x)
    assert np.abs(features.mean(axis=1)).max() < 1e-5
    assert np.allclose(features, plain.apply(x) - plain.apply(x).mean(axis=1, keepdims=True), atol=1e-5)
    assert np.allclose(features, centred.apply(x * np.float32(0.01)), atol=2e-3)
    held = 4 * math.prod(plain.outline((4000,)))
    assert centred.buffer_bytes((4000,)) == plain.buffer_bytes((4000,)) + held
    more, fewer = centred.operations((4000,)), plain.operations((4000,))
    assert more.simple > fewer.simple
    assert more.slow == fewer.slow + 20
    assert np.abs(Mfcc(**settings, mean_normalization=True).apply(x).mean(axis=1)).max() < 1e-4


def test_full_scale_makes_integers_and_shares_alike() -> None:
    pcm = np.random.default_rng(2).integers(-32768, 32768, (3, 4000)).astype(np.float32)
    whole = Mfcc(sample_rate_hz=8000, full_scale=32768.0).apply(pcm)
    assert np.array_equal(whole, Mfcc(sample_rate_hz=8000).apply(pcm / np.float32(32768)))
    micro = MicroFrontend(sample_rate_hz=8000, full_scale=32768.0).apply(pcm)
    assert np.array_equal(micro, MicroFrontend(sample_rate_hz=8000).apply(pcm / np.float32(32768)))


def test_statistics_are_the_textbooks() -> None:
    """Against numpy and scipy in double precision; odd and even lengths."""
    stats = pytest.importorskip("scipy.stats")
    every = WindowStatistics(**{item.name: True for item in dataclasses.fields(WindowStatistics)})
    for length in (50, 51):
        x = np.random.default_rng(length).gamma(2.0, size=(20, length, 1, 2)).astype(np.float32)
        v = x[:, :, 0].astype(np.float64)
        above = v > v.mean(1, keepdims=True)
        expected = [
            v.mean(1),
            v.std(1),
            np.sqrt((v**2).mean(1)),
            v.min(1),
            v.max(1),
            stats.median_abs_deviation(v, axis=1),
            np.abs(np.diff(v, axis=1)).mean(1),
            (above[:, 1:] != above[:, :-1]).mean(1),
            stats.skew(v, axis=1),
            stats.kurtosis(v, axis=1, fisher=False),
        ]
        made = every.apply(x).reshape(20, 2, -1)
        assert np.allclose(made, np.stack(expected, -1), rtol=2e-5, atol=1e-5)


def test_statistics_of_a_flat_window_are_finite_and_0() -> None:
    made = WindowStatistics(skewness=True, kurtosis=True).apply(np.full((1, 16, 1, 1), 3.0, np.float32))[0]
    assert made.tolist() == [3.0, 0.0, 3.0, 3.0, 3.0, 0.0, 0.0, 0.0]


def test_statistics_need_one() -> None:
    with pytest.raises(FrontendError, match="window_statistics makes none"):
        WindowStatistics(**{item.name: False for item in dataclasses.fields(WindowStatistics)})


def test_a_vibration_is_seen_at_its_frequency() -> None:
    """An amplitude of 2 at bin 12 shows as 1: half of it lies at the negative frequency."""
    time = np.arange(128) / 128
    x = (5 + 2 * np.sin(2 * np.pi * 12 * time)).astype(np.float32).reshape(1, 128, 1, 1)
    spectrum = FftMagnitude(window="rectangular").apply(x)[0, :, 0, 0]
    assert spectrum.argmax() == 11  # bins start at 1
    assert spectrum[11] == pytest.approx(1, abs=1e-5)
    assert np.delete(spectrum, 11).max() < 1e-5
    bands = FftMagnitude(window="rectangular", bins=16).apply(x)[0, :, 0, 0]
    assert bands.argmax() == 2
    assert bands[2] == pytest.approx(0.25, abs=1e-5)


def test_spectrum_settings_are_checked() -> None:
    with pytest.raises(FrontendError, match="bins is 12: it must divide half of fft_size, 64"):
        FftMagnitude(bins=12).outline((128, 1, 1))
    with pytest.raises(FrontendError, match="bins is 0: it must be above 0"):
        FftMagnitude(bins=0)
    with pytest.raises(FrontendError, match="fft_size is 100: it must be a power of two"):
        FftMagnitude(fft_size=100)
    with pytest.raises(FrontendError, match="log_offset is 0"):
        FftMagnitude(log_offset=0.0)
    with pytest.raises(FrontendError, match="at least two values"):
        FftMagnitude().outline((28, 28, 1))


def test_standardisation_gives_mean_0_and_deviation_1() -> None:
    x = np.random.default_rng(3).normal([100, -5, 0], [10, 0.1, 1], (500, 4, 3)).astype(np.float32)
    made = Standardisation.fitted(x, 3).apply(x).reshape(-1, 3)
    assert made.mean(0) == pytest.approx([0, 0, 0], abs=1e-3)
    assert made.std(0) == pytest.approx([1, 1, 1], abs=1e-3)


def test_a_feature_that_never_changes_keeps_its_scale() -> None:
    x = np.full((10, 2), 7.0, np.float32)
    x[:, 1] = np.arange(10)
    fitted = Standardisation.fitted(x, 2)
    assert fitted.factor[0] == 1
    assert fitted.apply(x)[:, 0].tolist() == [0.0] * 10


def test_standardisation_is_checked() -> None:
    with pytest.raises(FrontendError, match="2 means and 1 factors"):
        Standardisation(mean=(0.0, 0.0), factor=(1.0,))
    with pytest.raises(FrontendError, match="no finite single-precision number"):
        Standardisation(mean=(1e39,), factor=(1.0,))
    with pytest.raises(FrontendError, match="a factor is 0"):
        Standardisation(mean=(0.0,), factor=(0.0,))
    with pytest.raises(FrontendError, match="at most 16384 features"):
        Standardise().outline((20000,))
