"""What may be drawn for an input of a given size; no framework.

Shapes are (height, width, channels) without the batch.
"""

from __future__ import annotations

import math

SMALL_POSITIONS = 16 * 16
LARGE_POSITIONS = 40 * 40
FLATTEN_POSITIONS = 16
# Time steps.
SHORT_SERIES = 64
LONG_SERIES = 1024
SHRINKABLE_STEPS = 8

KERNELS = (3, 5)
TIME_KERNELS = (3, 5, 7, 9)
STRIDES = (1, 2)
WIDTHS = (2, 4, 6, 8, 12, 16, 24, 32, 48, 64)
EXPANSIONS = (1, 2, 3, 4, 6)
HEAD_WIDTHS = (0, 8, 16, 32)
BOTTLENECKS = (1, 2, 4, 8, 16, 32)
UNITS = (4, 8, 12, 16, 24, 32, 48, 64, 96, 128)

AUTOKERAS_FILTERS = (4, 8, 12, 16, 24, 32)
AUTOKERAS_UNITS = (8, 16, 24, 32, 48, 64)
AUTOKERAS_DENSE_LAYERS = (1, 2)
CONV_BLOCK_BLOCKS = (1, 2, 3)
CONV_BLOCK_LAYERS = (1, 2)
HEAD_LAYERS = (0, 1)

# Widest layer where layers are costlier than in the other spaces.
INVERTED_RESIDUAL_WIDTH = 48
TEMPORAL_WIDTH = 48
RESIDUAL_WIDTH = 48

# Least and most.
CNN_LAYERS = (1, 4)
DS_CNN_BLOCKS = (1, 5)
INVERTED_RESIDUAL_BLOCKS = (1, 5)
RESIDUAL_BLOCKS = (1, 3)
MLP_LAYERS = (1, 3)
TEMPORAL_BLOCKS = (1, 4)
AUTOENCODER_LAYERS = (0, 2)

BATCH_NORM_MOMENTUM = 0.9
"""Keras' own 0.99 has not caught up with the data after a short training."""


def positions(shape: tuple[int, ...]) -> int:
    """Height x width."""
    return shape[0] * shape[1]


def widths(input_shape: tuple[int, ...], most: int = WIDTHS[-1]) -> tuple[int, ...]:
    """Numbers of filters to choose from, ascending, up to `most`; up to half of it for inputs of up to 16 x 16."""
    limit = most // 2 if positions(input_shape) <= SMALL_POSITIONS else most
    return tuple(width for width in WIDTHS if width <= limit)


def stem_strides(input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of the first convolution; (2, 4) above 40 x 40 positions, where RAM decides."""
    return (2, 4) if positions(input_shape) > LARGE_POSITIONS else STRIDES


def is_series(shape: tuple[int, ...]) -> bool:
    """Tell whether it is (time, 1, channels): one position a time step."""
    return len(shape) == 3 and shape[1] == 1 and shape[0] > 1


def is_spectrogram(shape: tuple[int, ...]) -> bool:
    """Tell whether it is (time, bands, channels): longer than it is wide, and of several bands."""
    return len(shape) == 3 and 1 < shape[1] < shape[0]


def time_strides(input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides in time of the first convolution, ascending; a long series must shrink early, where RAM decides."""
    if input_shape[0] > LONG_SERIES:
        return (4, 8, 16)
    if input_shape[0] > 2 * SHORT_SERIES:
        return (2, 4, 8)
    return (1, 2, 4) if input_shape[0] > SHORT_SERIES else STRIDES


def stem_taps(input_shape: tuple[int, ...], kernel: int, stride: int) -> int:
    """Taps in time of the first convolution: `kernel`, stretched with the stride so that no sample is skipped."""
    return min(kernel * max(1, stride // 2), input_shape[0])


def bottlenecks(input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Numbers of values that an autoencoder may squeeze its input into, ascending, all below what it has."""
    return tuple(width for width in BOTTLENECKS if width < math.prod(input_shape))


def shrinks(input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Factors by which an image, or a series in time, may be averaged down before an MLP; (1,) keeps it."""
    if is_series(input_shape):
        return _series_shrinks(input_shape[0])
    if len(input_shape) != 3 or min(input_shape[:2]) < 8:
        return (1,)
    if positions(input_shape) > LARGE_POSITIONS:
        return (4, 8, 16)
    return (1, 2) if positions(input_shape) <= SMALL_POSITIONS else (1, 2, 4)


def _series_shrinks(steps: int) -> tuple[int, ...]:
    if steps > LONG_SERIES:
        return (8, 16, 32)
    return (1, 2, 4) if steps > 2 * SHRINKABLE_STEPS else (1,)


def may_stride(shape: tuple[int, ...]) -> bool:
    """Tell whether height or width is above 2, so that striding makes sense."""
    return max(shape[:2]) > 2


def may_flatten(shape: tuple[int, ...]) -> bool:
    """Tell whether flattening costs little: 2 to 16 positions."""
    return 1 < positions(shape) <= FLATTEN_POSITIONS


def kernel_within(shape: tuple[int, ...], kernel: int) -> tuple[int, int]:
    """Cut the kernel down by the rows and columns that would only ever meet padding.

    With padding "same", an axis of n positions sees 2n - 1 taps at most.
    """
    return min(kernel, 2 * shape[0] - 1), min(kernel, 2 * shape[1] - 1)
