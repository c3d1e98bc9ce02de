"""Varied copies of sounds to train on: as other speakers, rooms and microphones might have made them.

Each copy is played faster or slower, which moves its formants as well (speed
perturbation, Ko et al. 2015, Interspeech, section 2), begins elsewhere in the
clip, is coloured by a smooth filter, has noise added and another level.
Raw sounds are varied, before any front-end, so that features of a copy are
what the device would compute of such a sound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from search.datasets.reading import read_each

if TYPE_CHECKING:
    from devices.frontend.frontend import Floats

_FASTEST = 1.25  # and the slowest is its inverse
_MOST_PARTS = 20  # of the fraction that stands for a speed: polyphase filters stay short
_TILT_DB = 6.0  # from the lowest to the highest frequency, either way
_RIPPLE_DB = 3.0
_RIPPLES = (0.5, 2.0)  # periods over all frequencies
_LEVEL_DB = 10.0  # either way
_SIGNAL_TO_NOISE_DB = (5.0, 30.0)  # by the power of the sound without the silence that fills it up
_LEAST_BIN = 20.0  # below it, noise does not get louder any more
_SILENCE = 1e-4  # of a sound's greatest value: below it lies what rounding left of zeros

Sounds: TypeAlias = npt.NDArray[np.float64]


def varied(sounds: Floats, seed: Sequence[int]) -> Sounds:
    """One varied copy of each sound, as it is before anything records it: neither rounded nor cut off.

    Parameters
    ----------
    sounds
        Raw values (n, ...) of sounds of one channel, in any unit.
    seed
        Sound i is varied by the generator of ``[*seed, i]``, whatever the others are.

    Returns
    -------
    float64 of the shape of `sounds`.
    """
    flat = sounds.reshape(len(sounds), -1).astype(np.float64)
    made = read_each(
        range(len(flat)), lambda index: _varied(flat[index], np.random.default_rng([*seed, index])), "varied sounds"
    )
    return np.stack(list(made)).reshape(sounds.shape)


def _varied(sound: Sounds, rng: np.random.Generator) -> Sounds:
    """A copy (samples,) of a sound (samples,)."""
    length, rest = len(sound), np.median(sound)  # what the converter gives in silence
    centred = sound - rest
    spoken = _cut(_at_speed(_heard(centred), rng), length, rng)
    clip = np.zeros(length)
    start = rng.integers(0, length - len(spoken) + 1)
    clip[start : start + len(spoken)] = spoken
    coloured = np.fft.irfft(np.fft.rfft(clip) * _colour(length // 2 + 1, rng), length)
    noisy = coloured + _noise(length, float(np.square(spoken).mean()), rng)
    louder: Sounds = noisy * _gain(rng.uniform(-_LEVEL_DB, _LEVEL_DB)) + rest
    return louder


def _heard(sound: Sounds) -> Sounds:
    """The sound without the silence that fills its clip up."""
    loud = np.flatnonzero(np.abs(sound) > _SILENCE * np.abs(sound).max())
    return sound[: loud[-1] + 1] if len(loud) else sound


def _cut(sound: Sounds, length: int, rng: np.random.Generator) -> Sounds:
    """Not longer than the clip; what is too long loses as much of its start as of its end, by chance."""
    start = rng.integers(0, max(0, len(sound) - length) + 1)
    return sound[start : start + length]


def _at_speed(sound: Sounds, rng: np.random.Generator) -> Sounds:
    from scipy.signal import resample_poly

    limit = math.log(_FASTEST)
    speed = Fraction(math.exp(rng.uniform(-limit, limit))).limit_denominator(_MOST_PARTS)
    made: Sounds = resample_poly(sound, speed.denominator, speed.numerator)
    return made


def _colour(bins: int, rng: np.random.Generator) -> Sounds:
    """Gain of each frequency: a tilt and a ripple, both in decibels."""
    place = np.linspace(0, 1, bins)
    tilt, ripple = rng.uniform(-_TILT_DB, _TILT_DB), rng.uniform(-_RIPPLE_DB, _RIPPLE_DB)
    made: Sounds = _gain(tilt * place + ripple * np.sin(2 * np.pi * rng.uniform(*_RIPPLES) * place))
    return made


def _noise(length: int, power: float, rng: np.random.Generator) -> Sounds:
    """Noise between white and the inverse of the frequency, below a sound of that power."""
    if not power:  # silence stays silent
        return np.zeros(length)
    white = np.fft.rfft(rng.normal(size=length))
    fall = np.maximum(np.arange(len(white)), _LEAST_BIN) ** -rng.uniform(0, 1)
    noise = np.fft.irfft(white * fall, length)
    wanted = power / _gain(rng.uniform(*_SIGNAL_TO_NOISE_DB)) ** 2
    made: Sounds = noise * np.sqrt(wanted / np.square(noise).mean())
    return made


def _gain(decibels: float | Sounds) -> Any:
    return 10 ** (decibels / 20)
