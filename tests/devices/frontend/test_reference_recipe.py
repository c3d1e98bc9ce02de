"""Log-mel and MFCC against the reference recipe of MLPerf Tiny's keyword spotting, in TensorFlow's own operations."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from devices.frontend.log_mel import LogMel
from devices.frontend.mfcc import Mfcc

Floats = npt.NDArray[np.float32]


def _reference(sound: Floats, rate: int, upper_hz: float) -> tuple[Floats, Floats]:
    """Log-mel bands (n, frames, 40) and 10 MFCCs: window 30 ms, hop 20 ms, Hann, magnitudes, ln(x + 1e-6)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the framework while it is imported
        import tensorflow as tf
    signal: Any = tf.signal
    spectrum = tf.abs(signal.stft(sound, rate * 30 // 1000, rate * 20 // 1000, window_fn=signal.hann_window))
    weights = signal.linear_to_mel_weight_matrix(40, int(spectrum.shape[-1]), rate, 20.0, upper_hz)
    bands = tf.math.log(tf.tensordot(spectrum, weights, 1) + 1e-6)
    return bands.numpy(), signal.mfccs_from_log_mel_spectrograms(bands).numpy()[..., :10]


def _chirps(rate: int) -> Floats:
    """Five seconds: chirps in noise of falling loudness, the last one silence."""
    rng = np.random.default_rng(1)
    time = np.arange(rate) / rate
    chirp = np.sin(2 * np.pi * (200 + 1500 * time) * time)
    loudness = np.array([0.9, 0.3, 0.01, 1e-4, 0.0])[:, np.newaxis]
    return (loudness * (chirp + 0.3 * rng.normal(size=(5, rate)))).clip(-1, 1).astype(np.float32)


def _stored(x: Floats, reference: Floats) -> npt.NDArray[np.int64]:
    """As int8 with the scale that covers the reference."""
    low, high = float(reference.min()), float(reference.max())
    scale = (high - low) / 255
    stored: npt.NDArray[np.int64] = np.clip(np.round((x - low) / scale) - 128, -128, 127).astype(np.int64)
    return stored


def _check(features: Floats, reference: Floats) -> None:
    assert features.shape[:3] == reference.shape
    assert np.abs(features[..., 0] - reference).max() < 1e-3
    distance = np.abs(_stored(features[..., 0], reference) - _stored(reference, reference))
    assert distance.max() <= 1  # the aim is one step on 99 % of values
    assert (distance == 0).mean() > 0.995


@pytest.mark.parametrize("rate", [16000, 8000])
def test_the_recipe_is_reproduced(rate: int) -> None:
    """Within one int8 step on all values, equal on more than 99.5 %."""
    sound = _chirps(rate)
    bands, coefficients = _reference(sound, rate, 4000.0)
    _check(LogMel(sample_rate_hz=rate).apply(sound), bands)
    _check(Mfcc(sample_rate_hz=rate).apply(sound), coefficients)


def test_it_is_on_real_speech_too(shared: Path) -> None:
    """Yes, no, noise and silence, as TensorFlow Lite Micro ships them, of one second at 16 kHz."""
    wavfile = pytest.importorskip("scipy.io").wavfile
    files = sorted((shared / "data/models_tflm/micro_speech").glob("*_1000ms.wav"))
    assert len(files) == 4
    sound = np.stack([wavfile.read(file)[1][:16000] for file in files]).astype(np.float32) / np.float32(32768)
    bands, coefficients = _reference(sound, 16000, 4000.0)
    assert coefficients.shape == (4, 49, 10)
    _check(LogMel(sample_rate_hz=16000).apply(sound), bands)
    _check(Mfcc(sample_rate_hz=16000).apply(sound), coefficients)
