"""Windows of one or more channels, one series in a column."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from devices.frontend.frontend import FrontendError

if TYPE_CHECKING:
    from devices.frontend.frontend import Floats

_COLUMNS = 4096  # series worked on at a time


def length_and_channels(input_shape: tuple[int, ...]) -> tuple[int, int]:
    """Values in time and channels of one window of shape (window, 1, channels), (window, channels) or (window,).

    Raises
    ------
    FrontendError
        When it is no such window, or has fewer than two values in time.
    """
    length = input_shape[0] if input_shape else 0
    channels = input_shape[-1] if len(input_shape) > 1 else 1
    if length < 2 or length * channels != math.prod(input_shape):
        raise FrontendError(
            f"input has shape {input_shape}: windows of at least two values, shape (window, 1, channels), are needed"
        )
    return length, channels


def series(x: Floats) -> Iterator[tuple[slice, Floats]]:
    """Blocks float32 (window, n) with the windows they come from; channels of a window stand side by side."""
    length, channels = length_and_channels(x.shape[1:])
    block = max(1, _COLUMNS // channels)
    for start in range(0, len(x), block):
        which = slice(start, min(start + block, len(x)))
        cut = x[which].astype(np.float32, copy=False).reshape(-1, length, channels)
        yield which, np.ascontiguousarray(cut.transpose(1, 0, 2).reshape(length, -1))


def running_sum(rows: Floats) -> Floats:
    """Sum over the first axis, added up row by row as the device does."""
    total = np.zeros(rows.shape[1:], np.float32)
    for row in rows:
        total += row
    return total
