"""Fourier transform, logarithm, windows and filters against double precision."""

from __future__ import annotations

import numpy as np
import pytest

from devices.frontend.fft import fft_size_for, power_spectrum
from devices.frontend.framing import frames
from devices.frontend.frontend import FrontendError
from devices.frontend.logarithm import natural_log
from devices.frontend.mel import filter_bank
from devices.frontend.windows import WINDOWS, window


@pytest.mark.parametrize("size", [8, 16, 64, 512, 2048])
def test_the_power_spectrum_is_the_fourier_transforms(size: int) -> None:
    """Within 4e-7 of the strongest bin, and not a multiple of it."""
    x = np.random.default_rng(size).normal(size=(size, 5)).astype(np.float32)
    expected = np.abs(np.fft.rfft(x.astype(np.float64), axis=0)) ** 2
    assert np.abs(power_spectrum(x) - expected).max() < 4e-7 * expected.max()


def test_a_pure_tone_is_one_bin() -> None:
    k = np.arange(64)
    power = power_spectrum(np.cos(2 * np.pi * 5 * k / 64).astype(np.float32)[:, np.newaxis])[:, 0]
    assert power[5] == pytest.approx(32**2, rel=1e-6)
    assert np.delete(power, 5).max() < 1e-8


@pytest.mark.parametrize(
    ("window_samples", "given", "size"), [(480, None, 512), (512, None, 512), (2, None, 8), (240, 1024, 1024)]
)
def test_the_size_is_a_power_of_two_that_holds_the_window(window_samples: int, given: int | None, size: int) -> None:
    assert fft_size_for(window_samples, given) == size


@pytest.mark.parametrize(
    ("window_samples", "given", "message"),
    [
        (480, 256, "fft_size is 256 and the window has 480 values: make it larger"),
        (480, 500, "fft_size is 500: it must be a power of two from 8 to 16384"),
        (20000, None, "fft_size is 32768: .* a shorter window needs a smaller one"),
        (2, 4, "fft_size is 4: it must be a power of two"),
    ],
)
def test_refuses_sizes_that_cannot_be(window_samples: int, given: int | None, message: str) -> None:
    with pytest.raises(FrontendError, match=message):
        fft_size_for(window_samples, given)


def test_the_logarithm_is_right_to_the_last_digits() -> None:
    """Over 120 powers of e, and on both sides of every power of two."""
    x = np.exp(np.random.default_rng(0).uniform(-60, 60, 200_000)).astype(np.float32)
    edges = np.float32(2.0) ** np.arange(-100, 100, dtype=np.float32)
    x = np.concatenate([x, edges, np.nextafter(edges, np.float32(0)), np.float32(1.4142135) * edges])
    expected = np.log(x.astype(np.float64))
    assert np.all(np.abs(natural_log(x) - expected) <= 1.2e-7 * np.maximum(1, np.abs(expected)))
    assert natural_log(np.ones(1, np.float32))[0] == 0


@pytest.mark.parametrize("kind", WINDOWS)
def test_windows_are_periodic(kind: str) -> None:
    """Their value at n/2 is 1, and they mirror around it."""
    shape = window(kind, 32)  # type: ignore[arg-type]
    assert shape[16] == 1
    assert np.array_equal(shape[1:], shape[:0:-1])


def test_filters_rise_and_fall_to_one() -> None:
    """Neighbouring triangles add up to 1 between their centres, and none takes the constant part."""
    filters = filter_bank(bands=20, fft_size=512, sample_rate_hz=16000, lower_hz=20, upper_hz=4000)
    bank = filters.apply(np.eye(257, dtype=np.float32))  # (bands, bins)
    assert bank[:, 0].max() == 0
    covered = bank.sum(0)
    inside = slice(int(filters.starts[1]) + 2, int(np.flatnonzero(bank[-1])[0]))
    assert covered[inside] == pytest.approx(1, abs=1e-6)


def test_refuses_bands_between_two_bins() -> None:
    with pytest.raises(FrontendError, match="mel_bins is 128 with fft_size 512: band 4 lies between two bins"):
        filter_bank(bands=128, fft_size=512, sample_rate_hz=16000, lower_hz=20, upper_hz=4000)


def test_frames_are_those_of_each_sound() -> None:
    x = np.arange(2 * 1000, dtype=np.float32).reshape(2, 1000)
    blocks = list(frames(x, 100, 30))
    columns = np.concatenate([cut for _, cut in blocks], axis=1)
    assert columns.shape == (100, 2 * 31)
    assert columns[0, 1] == 30
    assert columns[99, 30] == 999
    assert columns[0, 31] == 1000
