"""Inverted residuals with linear bottlenecks."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner

from spaces.blocks.geometry import (
    EXPANSIONS,
    HEAD_WIDTHS,
    INVERTED_RESIDUAL_BLOCKS,
    INVERTED_RESIDUAL_WIDTH,
    KERNELS,
    stem_strides,
    widths,
)
from spaces.blocks.layers import McuBlock, convolution, depthwise, draw_flat, draw_stride


class InvertedResidual(McuBlock):
    """A convolution, one to five inverted residuals, and perhaps a last 1x1 convolution.

    After MobileNetV2 of Sandler et al. 2018 (arXiv:1801.04381, table 1), with
    a width, an expansion and a stride of its own for every block.
    """

    def body(self, hp: keras_tuner.HyperParameters, x: Any) -> Any:
        """Image to vector."""
        shape = x.shape[1:]
        choices = list(widths(shape, INVERTED_RESIDUAL_WIDTH))
        stride = draw_stride(hp, "stem_stride", x, stem_strides(shape))
        x = convolution(x, hp.Choice("stem_filters", choices), KERNELS[0], stride, "relu6")
        for index in range(hp.Int("blocks", *INVERTED_RESIDUAL_BLOCKS)):
            filters = hp.Choice(f"filters_{index}", choices)
            expansion = hp.Choice(f"expansion_{index}", list(EXPANSIONS))
            x = bottleneck(x, filters, expansion, draw_stride(hp, f"stride_{index}", x))
        last = hp.Choice("head_filters", list(HEAD_WIDTHS))
        if last:
            x = convolution(x, last, 1, 1, "relu6")
        return draw_flat(hp, x, shape)


def bottleneck(x: Any, filters: int, expansion: int, stride: int) -> Any:
    """Expand by 1x1, filter depthwise, project by 1x1 without activation; add the input where shapes match."""
    inside = x if expansion == 1 else convolution(x, x.shape[-1] * expansion, 1, 1, "relu6")
    inside = depthwise(inside, KERNELS[0], stride, "relu6")
    inside = convolution(inside, filters, 1, 1, "linear")
    return keras.layers.Add()([x, inside]) if x.shape == inside.shape else inside
