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
