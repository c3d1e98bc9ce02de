"""Cuts sound into overlapping frames, in columns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from devices.frontend.frontend import FrontendError

if TYPE_CHECKING:
    from devices.frontend.frontend import Floats

_COLUMNS = 512  # frames worked on at a time: their spectra stay in the cache


def require_framing(sample_rate_hz: int, window_ms: float, hop_ms: float) -> None:
    """Refuse a sample rate, window or hop that no sound is cut with.

    Raises
    ------
    FrontendError
        When one is out of its range.
    """
    if not 1000 <= sample_rate_hz <= 384_000:
        raise FrontendError(f"sample_rate_hz is {sample_rate_hz}: it must be in 1000..384000")
    for key, value in (("window_ms", window_ms), ("hop_ms", hop_ms)):
        if not 0 < value <= 10_000:
            raise FrontendError(f"{key} is {value}: it must be above 0 and at most 10000")


def whole_samples(milliseconds: float, sample_rate_hz: int) -> int:
    """Whole samples of a stretch of sound."""
    return math.floor(milliseconds * sample_rate_hz / 1000)


def sound_samples(input_shape: tuple[int, ...]) -> int:
    """Samples of one sound of that shape: (samples,), or (samples, 1, 1).

    Raises
    ------
    FrontendError
        When it is no sound of one channel.
    """
    samples = math.prod(input_shape)
    if not input_shape or samples != input_shape[0]:
        raise FrontendError(f"input has shape {input_shape}: a sound has one channel, shape (samples,)")
    return samples


def frame_count(samples: int, window: int, hop: int) -> int:
    """Whole frames of a sound.

    Raises
    ------
    FrontendError
        When it is shorter than one.
    """
    if samples < window:
        raise FrontendError(f"a sound has {samples} samples and the window {window}: take a shorter window_ms")
    return 1 + (samples - window) // hop


def frames(x: Floats, window: int, hop: int) -> Iterator[tuple[slice, Floats]]:
    """Blocks of frames float32 (window, n) with the samples they come from; frames of a sound stand side by side."""
    per_sound = frame_count(x.shape[1], window, hop)
    block = max(1, _COLUMNS // per_sound)
    for start in range(0, len(x), block):
        which = slice(start, min(start + block, len(x)))
        cut = np.lib.stride_tricks.sliding_window_view(x[which], window, axis=1)[:, ::hop]
        yield which, np.ascontiguousarray(cut.reshape(-1, window).T)
