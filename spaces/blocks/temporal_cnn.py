"""Convolutions along time."""

from __future__ import annotations

from typing import Any

import keras_tuner

from spaces.blocks.geometry import (
    TEMPORAL_BLOCKS,
    TEMPORAL_WIDTH,
    TIME_KERNELS,
    WIDTHS,
    stem_taps,
    time_strides,
)
from spaces.blocks.layers import McuBlock, convolution, depthwise, draw_flat, draw_stride, halved, rows_to_channels


class TemporalCnn(McuBlock):
    """A convolution over whole time steps, then one to four convolutions, or depthwise-separable ones, along time.

    The first takes each of its taps over all bands and channels of a time
    step, so that (time, bands, channels) becomes (time, 1, filters): the
    temporal convolution of Choi et al. 2019 (TC-ResNet, arXiv:1904.03814,
    section 3.1).  What follows is the plain stack of Wang, Yan and Oates 2017
    (arXiv:1611.06455, section II.B) with a width, a kernel and a step in time
    of its own for every block; steps are strides or, for the whole network, a
    max pooling.  All are 2-D layers with kernels (k, 1), because TensorFlow
    Lite Micro and quantisation-aware training have no others.  Kernels are not
    dilated: `compressors.layers` has no such layer.
    """

    def body(self, hp: keras_tuner.HyperParameters, x: Any) -> Any:
        """Series or spectrogram to vector."""
        shape = x.shape[1:]
        choices = [width for width in WIDTHS if width <= TEMPORAL_WIDTH]
        is_separable, is_pooled = hp.Boolean("separable"), hp.Boolean("pooling")
        stride = hp.Choice("stem_stride", list(time_strides(shape)))
        taps = stem_taps(shape, hp.Choice("stem_kernel", list(TIME_KERNELS)), stride)
        x = rows_to_channels(x, hp.Choice("stem_filters", choices), taps, stride)
        for index in range(hp.Int("blocks", *TEMPORAL_BLOCKS)):
            filters = hp.Choice(f"filters_{index}", choices)
            kernel = hp.Choice(f"kernel_{index}", list(TIME_KERNELS))
            step = draw_stride(hp, f"stride_{index}", x)
            x = along_time(x, filters, kernel, 1 if is_pooled else step, is_separable=is_separable)
            x = halved(x) if is_pooled and step > 1 else x
        return draw_flat(hp, x, shape)


def along_time(x: Any, filters: int, kernel: int, stride: int, *, is_separable: bool) -> Any:
    """A convolution, or a depthwise one and a pointwise one; on (time, 1, channels) a kernel is cut to (kernel, 1)."""
    if not is_separable:
        return convolution(x, filters, kernel, stride)
    return convolution(depthwise(x, kernel, stride), filters, 1)
