"""Why a space cannot be drawn for an input: functions from its shape to the reason, or None.

Shapes are without the batch.
"""

from __future__ import annotations

import math

from compressors.layers import Shape

SMALLEST_SIDE = 4
MOST_POSITIONS = 160 * 160
# AutoKeras' ConvBlock convolves at full resolution first.
MOST_POSITIONS_WITHOUT_STRIDE = 64 * 64
# 32 x 32 x 3 and a bit: four units on more inputs than that are 16,000 weights.
MOST_FEATURES = 4096


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
    """Refuse what has more than 64 x 64 positions, too."""
    if len(shape) == 3 and shape[0] * shape[1] > MOST_POSITIONS_WITHOUT_STRIDE:
        return f"it has no strides, so more than {MOST_POSITIONS_WITHOUT_STRIDE} positions take too much RAM"
    return refuses_other_than_images(shape)


def refuses_many_features(shape: Shape) -> str | None:
    """Refuse more than 4,096 numbers, whatever their shape."""
    if len(shape) not in (1, 3):
        return "it needs (features,) or (height, width, channels)"
    if math.prod(shape) > MOST_FEATURES:
        return f"more than {MOST_FEATURES} inputs make its first layer too large"
    return None


def refuses_huge_images(shape: Shape) -> str | None:
    """Refuse what has more than 4,096 numbers after averaging an image down by 8."""
    if len(shape) == 3 and min(shape[:2]) >= 2 * SMALLEST_SIDE:
        # It averages images down by up to 8 in height and width.
        return refuses_other_than_images(shape) or refuses_many_features((math.prod(shape) // 64,))
    return refuses_many_features(shape)
