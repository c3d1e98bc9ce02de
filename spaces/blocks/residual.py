"""A small residual network."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner

from spaces.blocks.geometry import KERNELS, RESIDUAL_BLOCKS, RESIDUAL_WIDTH, stem_strides, widths
from spaces.blocks.layers import McuBlock, convolution, draw_flat, draw_stride


class Residual(McuBlock):
    """A convolution, then one to three residual blocks.

    After the ResNet of He et al. 2015 (arXiv:1512.03385, section 4.2) in the
    size of MLPerf Tiny's ResNet-8: one block a stage, and a 1x1 projection as
    the shortcut where the shape changes (option B there).
    """

    def body(self, hp: keras_tuner.HyperParameters, x: Any) -> Any:
        """Image to vector."""
        shape = x.shape[1:]
        choices = list(widths(shape, RESIDUAL_WIDTH))
        stride = draw_stride(hp, "stem_stride", x, stem_strides(shape))
        x = convolution(x, hp.Choice("stem_filters", choices), KERNELS[0], stride)
        for index in range(hp.Int("blocks", *RESIDUAL_BLOCKS)):
            filters = hp.Choice(f"filters_{index}", choices)
            x = residual_block(x, filters, draw_stride(hp, f"stride_{index}", x))
        return draw_flat(hp, x, shape)


def residual_block(x: Any, filters: int, stride: int) -> Any:
    """Two 3x3 convolutions beside a shortcut."""
    inside = convolution(x, filters, KERNELS[0], stride)
    inside = convolution(inside, filters, KERNELS[0], 1, "linear")
    if x.shape != inside.shape:
        x = keras.layers.Conv2D(filters, 1, strides=stride, padding="same")(x)
    return keras.layers.ReLU()(keras.layers.Add()([x, inside]))
