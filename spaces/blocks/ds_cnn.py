"""A depthwise-separable convolutional network."""

from __future__ import annotations

from typing import Any

import keras_tuner

from spaces.blocks.geometry import DS_CNN_BLOCKS, KERNELS, stem_strides, widths
from spaces.blocks.layers import McuBlock, convolution, depthwise, draw_flat, draw_stride


class DsCnn(McuBlock):
    """A convolution, then one to five depthwise-separable convolutions.

    After DS-CNN of Zhang et al. 2017 (arXiv:1711.07128, section 3.5); there
    all blocks have one width and stride 1, here each has its own.
    """

    def body(self, hp: keras_tuner.HyperParameters, x: Any) -> Any:
        """Image to vector."""
        shape = x.shape[1:]
        kernel = hp.Choice("stem_kernel", list(KERNELS))
        stride = draw_stride(hp, "stem_stride", x, stem_strides(shape))
        x = convolution(x, hp.Choice("stem_filters", list(widths(shape))), kernel, stride)
        kernel = hp.Choice("kernel", list(KERNELS))
        for index in range(hp.Int("blocks", *DS_CNN_BLOCKS)):
            x = depthwise(x, kernel, draw_stride(hp, f"stride_{index}", x))
            x = convolution(x, hp.Choice(f"filters_{index}", list(widths(shape))), 1)
        return draw_flat(hp, x, shape)
