"""A plain convolutional network."""

from __future__ import annotations

from typing import Any

import keras_tuner

from spaces.blocks.geometry import CNN_LAYERS, KERNELS, STRIDES, stem_strides, widths
from spaces.blocks.layers import McuBlock, convolution, draw_flat, draw_stride


class Cnn(McuBlock):
    """One to four convolutions, each with its own width, kernel and stride."""

    def body(self, hp: keras_tuner.HyperParameters, x: Any) -> Any:
        """Image to vector."""
        shape = x.shape[1:]
        for index in range(hp.Int("layers", *CNN_LAYERS)):
            filters = hp.Choice(f"filters_{index}", list(widths(shape)))
            kernel = hp.Choice(f"kernel_{index}", list(KERNELS))
            stride = draw_stride(hp, f"stride_{index}", x, STRIDES if index else stem_strides(shape))
            x = convolution(x, filters, kernel, stride)
        return draw_flat(hp, x, shape)
