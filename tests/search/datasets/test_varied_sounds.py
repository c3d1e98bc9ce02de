"""Varied copies of sounds: what changes, what does not, and that every one can be made again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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
    first, again, other = (varied(sounds, seed) for seed in ((0, 0), (0, 0), (1, 0)))
    assert first.shape == sounds.shape
    assert np.array_equal(first, again)
    assert not np.allclose(first, other, atol=0.01)
    assert np.array_equal(varied(sounds[:1], (0, 0)), first[:1])


def test_speed_place_and_level_vary_within_bounds() -> None:
    """100 copies of a tone of 500 Hz: from 400 to 625 Hz, up to 10 dB louder or quieter, anywhere in the clip."""
    copies = varied(np.stack([_tone()] * 100), (3,))
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
        copies = varied(np.stack([_tone(level=level)] * 20), (5,))
        assert (np.abs(copies[:, -100:]).mean(axis=1) > 0).mean() > 0.8
    assert not varied(np.zeros((2, 1000), np.float32), (0,)).any()


def test_the_shape_and_the_unit_are_those_of_the_sounds() -> None:
    """One channel with axes of its own; pascals, g and integers of 24 bits alike, with what the converter rests at."""
    sounds = np.stack([_tone(), _tone(700.0)])
    plain = varied(sounds, (4,))
    assert np.array_equal(varied(sounds.reshape(2, -1, 1, 1), (4,)), plain.reshape(2, -1, 1, 1))
    for unit in (2.0**-20, 2.0**23):
        assert np.allclose(varied(sounds * np.float32(unit), (4,)), plain * unit, rtol=1e-5, atol=1e-7 * unit)
    biased = varied(sounds + np.float32(0.5), (4,))
    assert np.allclose(biased, plain + 0.5, atol=1e-6)


def test_silence_is_what_rounding_leaves_of_zeros() -> None:
    """Float data come back from their normalisation with 1e-8 where there were zeros: the sound still moves."""
    tone = _tone()
    exact, rounded = (varied(np.stack([each] * 20), (6,)) for each in (tone, tone + np.float32(1e-8)))
    assert np.allclose(exact, rounded, atol=1e-5)


def test_sounds_that_fill_their_clip_lose_either_end() -> None:
    """A slower copy is longer than the clip: what is cut off is not always the end."""
    rising = (np.linspace(0.1, 1, _RATE) * _tone(heard=_RATE)).astype(np.float32)
    copies = varied(np.stack([rising] * 60), (2,))
    assert copies.shape == (60, _RATE)
    halves = np.square(copies.reshape(60, 2, -1)).mean(axis=2)
    ratios = halves[:, 1] / halves[:, 0]
    assert ratios.min() < 0.7 * ratios.max()
    assert np.abs(copies).max(axis=1).min() > 0.01
