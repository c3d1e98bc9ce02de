"""Varied copies of sounds: what changes, what does not, and that every one can be made again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from search.datasets.varied_sounds import varied

Floats = npt.NDArray[np.float32]

_RATE = 8000


def _tone(hertz: float = 500.0, samples: int = _RATE, heard: int = 3000, level: float = 0.1) -> Floats:
    """A tone, then the silence that fills a clip up."""
    time = np.arange(samples) / _RATE
    return np.where(np.arange(samples) < heard, level * np.sin(2 * np.pi * hertz * time), 0).astype(np.float32)


def _loudest_hertz(sound: Floats) -> float:
    return float(np.abs(np.fft.rfft(sound)).argmax() * _RATE / len(sound))


def test_copies_differ_and_can_be_made_again() -> None:
    sounds = np.stack([_tone(), _tone(700.0)])
    first, again, other = (varied(sounds, 1.0, seed) for seed in ((0, 0), (0, 0), (1, 0)))
    assert first.shape == sounds.shape
    assert first.dtype == np.float32
    assert np.array_equal(first, again)
    assert not np.allclose(first, other, atol=0.01)
    assert np.array_equal(varied(sounds[:1], 1.0, (0, 0)), first[:1])


def test_speed_place_and_level_vary_within_bounds() -> None:
    """100 copies of a tone of 500 Hz: from 400 to 625 Hz, up to 10 dB louder or quieter, anywhere in the clip."""
    copies = varied(np.stack([_tone()] * 100), 1.0, (3,))
    hertz = np.array([_loudest_hertz(copy) for copy in copies])
    assert 395 < hertz.min() < 430
    assert 580 < hertz.max() < 635
    starts = np.array([np.flatnonzero(np.abs(copy) > 0.5 * np.abs(copy).max())[0] for copy in copies])
    assert starts.min() < 800
    assert starts.max() > 3500
    power = 10 * np.log10(np.square(copies, dtype=np.float64).mean(axis=1) / np.square(_tone()).mean())
    assert power.min() < -6
    assert power.max() > 6
    assert np.abs(power).max() < 10 + 6 + 3 + 2  # level, colour, and what noise and speed add


def test_noise_is_added_where_there_was_silence() -> None:
    """At 5 to 30 dB below the sound, whatever its level; silence itself stays silent."""
    for level in (0.001, 0.1):
        copies = varied(np.stack([_tone(level=level)] * 20), 1.0, (5,))
        assert (np.abs(copies[:, -100:]).mean(axis=1) > 0).mean() > 0.8
    assert not varied(np.zeros((2, 1000), np.float32), 1.0, (0,)).any()


@pytest.mark.parametrize("full_scale", [1.0, 32768.0])
def test_copies_lie_on_the_steps_of_16_bit_sound(full_scale: float) -> None:
    """So that a fixed-point front-end, and the device, get what a microphone would give; nothing exceeds full scale."""
    loud = _tone(level=0.9) * np.float32(full_scale)
    copies = varied(np.stack([loud] * 30), full_scale, (1,)).astype(np.float64) / full_scale * 32768
    assert np.array_equal(copies, np.round(copies))
    assert copies.min() >= -32768
    assert copies.max() == 32767
    assert np.array_equal(
        varied(loud[np.newaxis] / np.float32(full_scale), 1.0, (1, 0)) * full_scale,
        varied(loud[np.newaxis], full_scale, (1, 0)),
    )


def test_sounds_that_fill_their_clip_are_cut_at_its_end() -> None:
    copies = varied(np.stack([_tone(heard=_RATE)] * 10), 1.0, (2,))
    assert copies.shape == (10, _RATE)
    assert np.abs(copies).max(axis=1).min() > 0.01
