"""Why a space cannot be drawn for an input, or is left to those who ask for it: from the shape to the reason, or None.

Shapes are without the batch.
"""

from __future__ import annotations

import math

from compressors.layers import Shape
from spaces.blocks.geometry import bottlenecks, is_series, shrinks

SMALLEST_SIDE = 4
MOST_POSITIONS = 160 * 160
# AutoKeras' ConvBlock convolves at full resolution first.
MOST_POSITIONS_WITHOUT_STRIDE = 64 * 64
# 32 x 32 x 3 and a bit: four units on more inputs than that are 16,000 weights.
MOST_FEATURES = 4096
SHORTEST_SERIES = 8
# Bands x channels: with the longest kernel and sixteen filters 18,000 weights.
MOST_A_STEP = 128


def refuses_other_than_images(shape: Shape) -> str | None:
    """Refuse what is no image, has fewer than 4 positions either way, or is larger than 160 x 160."""
    if len(shape) != 3:
        return "it needs (height, width, channels)"
    if max(shape[:2]) < SMALLEST_SIDE:
        return f"height or width must be at least {SMALLEST_SIDE}"
    if shape[0] * shape[1] > MOST_POSITIONS:
        return f"more than {MOST_POSITIONS} positions do not fit a microcontroller; scale the inputs down"
    return None


def refuses_large_images(shape: Shape) -> str | None:
    """Refuse what has more than 64 x 64 positions, or an axis of length 1, too."""
    if len(shape) == 3 and shape[0] * shape[1] > MOST_POSITIONS_WITHOUT_STRIDE:
        return f"it has no strides, so more than {MOST_POSITIONS_WITHOUT_STRIDE} positions take too much RAM"
    if len(shape) == 3 and min(shape[:2]) == 1:
        # Two thirds of a 3 x 3 kernel would only ever meet padding, and nothing here cuts AutoKeras' kernels down.
        return "its kernels and pooling are square, which is a waste on an axis of length 1"
    return refuses_other_than_images(shape)


def refuses_other_than_series(shape: Shape) -> str | None:
    """Refuse what has no time axis, fewer than 8 steps in time or more than 25,600 positions, or long steps."""
    if len(shape) != 3:
        return "it needs (time, 1, channels) or (time, bands, channels)"
    if shape[0] < SHORTEST_SERIES:
        return f"the first axis is time and must have at least {SHORTEST_SERIES} steps"
    if shape[0] * shape[1] > MOST_POSITIONS:
        return f"more than {MOST_POSITIONS} positions do not fit a microcontroller; take shorter or fewer-banded series"
    if shape[1] * shape[2] > MOST_A_STEP:
        return f"more than {MOST_A_STEP} numbers a time step make its first layer too large"
    return None


def refuses_many_features(shape: Shape) -> str | None:
    """Refuse more than 4,096 numbers, whatever their shape."""
    if len(shape) not in (1, 3):
        return "it needs (features,) or (height, width, channels)"
    if math.prod(shape) > MOST_FEATURES:
        return f"more than {MOST_FEATURES} inputs make its first layer too large"
    return None


def refuses_huge_images(shape: Shape) -> str | None:
    """Refuse what has more than 4,096 numbers after averaging an image, or a series in time, down."""
    if is_series(shape):
        return refuses_many_features((shape[0] // shrinks(shape)[-1] * shape[2],))
    if len(shape) == 3 and min(shape[:2]) >= 2 * SMALLEST_SIDE:
        # It averages images down by up to 8 in height and width.
        return refuses_other_than_images(shape) or refuses_many_features((math.prod(shape) // 64,))
    return refuses_many_features(shape)


def refuses_to_squeeze(shape: Shape) -> str | None:
    """Refuse more than 4,096 numbers, and fewer than 2, of which nothing can be squeezed out."""
    return refuses_many_features(shape) or (None if bottlenecks(shape) else "one number cannot be squeezed any further")


def leaves_series(shape: Shape) -> str | None:
    """Leave series to the space that is made for them."""
    return "temporal_cnn draws the like with longer kernels" if is_series(shape) else None


def leaves_images(shape: Shape) -> str | None:
    """Leave what is not longer in time than it has bands to the spaces for images."""
    if len(shape) != 3 or shape[0] > shape[1]:
        return None
    return "the input looks like an image, whose columns it would mix in its first layer"


def leaves_nothing(_shape: Shape) -> str | None:
    """Drawn wherever it can be."""
    return None
