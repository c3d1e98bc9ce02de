"""Scratch buffers of ESP-NN's kernels.

Rules of ESP-NN@d45b843c (its ``get_..._scratch_size`` functions, with the
optimised kernels that are its default) as esp-tflite-micro@99f49e14 asks for
them.  Calculated from these sources; not measured on a board.  On ESP32 and
ESP32-C3 only the softmax asks for any.
"""

from __future__ import annotations

from devices.graph import DType
from devices.kernels import Call, Extension
from devices.planner import aligned
from devices.shapes import Window, window_of

_S3_MARGIN = 64
_P4_MARGIN = 32
_P4_CACHE = 32768
_S3_WHOLE_IMAGE = 40 * 1024  # most bytes of a padded 3x3 depthwise image that is not worked on in strips
_S3_WHOLE_WIDE_IMAGE = 48 * 1024  # the same where image and weights are widened to int16


def convolution(call: Call) -> list[int]:
    """CONV_2D of int8 activations."""
    window = window_of(call)
    if window is None or window.source.dtype is not DType.INT8:
        return []
    match call.extension:
        case Extension.ESP32_S3:
            return _positive(_s3_convolution(window))
        case Extension.ESP32_P4:
            return _positive(_p4_convolution(window))
    return []


def depthwise(call: Call) -> list[int]:
    """DEPTHWISE_CONV_2D of int8 activations."""
    window = window_of(call)
    if window is None or window.source.dtype is not DType.INT8 or call.extension is not Extension.ESP32_S3:
        return []
    return _positive(_s3_depthwise(window, call.operator.options.depth_multiplier))


def softmax(call: Call) -> list[int]:
    """SOFTMAX of int8: four bytes for each of axis 1, which need not be the axis that is summed."""
    source = call.source
    if source is None or len(source.shape) < 2 or source.dtype is not DType.INT8 or call.out.dtype is not DType.INT8:
        return []
    return _positive(4 * source.shape[1])


def _positive(nbytes: int) -> list[int]:
    return [nbytes] if nbytes > 0 else []


def _pointwise_bytes(window: Window, margin: int) -> int:
    """Channels rounded up to 8: weights, the image where it has to be copied, and two blocks to transpose."""
    inputs, outputs = window.source.shape[3], window.out.shape[3]
    rounded = aligned(inputs, 8)
    blocks = 16 * rounded if window.source_area >= 8 else 0
    image = window.source_area * rounded if inputs % 8 else 0
    return image + rounded * outputs + blocks + margin


def _s3_convolution(window: Window) -> int:
    if window.is_plain_pointwise:
        return _pointwise_bytes(window, _S3_MARGIN)
    inputs, outputs = window.source.shape[3], window.out.shape[3]
    row, taps = window.kernel[1] * inputs, window.kernel_area * inputs
    if row < 16 <= taps:
        return 4 * outputs + 16 + outputs * aligned(taps, 16) + 16 + aligned(taps, 16) + _S3_MARGIN
    image = 0 if window.padding == (0, 0) else window.padded_area * inputs
    weights = window.kernel_area * aligned(inputs, 16) * outputs + aligned(row, 16) * window.kernel[0] * outputs
    (height, width), (below, right) = window.source.shape[1:3], _beyond(window)
    border = (width + right) * (height + below) * inputs if right or below else 0
    return image + weights + border + _S3_MARGIN + 4 * outputs


def _beyond(window: Window) -> tuple[int, int]:
    """Rows and columns that are read below and right of the image."""
    reach = (
        out * stride + kernel - 1 - size
        for out, stride, kernel, size in zip(
            window.out.shape[1:3], window.stride, window.kernel, window.source.shape[1:3], strict=True
        )
    )
    below, right = (max(0, over) for over in reach)
    return below, right


def _p4_convolution(window: Window) -> int:
    inputs, outputs = window.source.shape[3], window.out.shape[3]
    if window.is_plain_pointwise:
        return _pointwise_bytes(window, _P4_MARGIN) if inputs >= 16 else 20 * outputs + 32 + _P4_MARGIN
    sums, taps, unpadded = 4 * outputs, window.kernel_area * inputs, window.padding == (0, 0)
    if unpadded and window.kernel[1] * inputs >= 16:
        return window.kernel_area * aligned(inputs, 16) * outputs + _P4_MARGIN + sums
    if taps >= 16:
        return sums + taps + _P4_MARGIN
    weights = window.kernel_area * 16 * outputs  # fewer than 16 values in all: their channels are rounded up to 16
    if unpadded:
        return sums + weights + window.source_area * 16 + _P4_MARGIN
    if window.padded_area * inputs + sums > _P4_CACHE:
        return _p4_tile_bytes(window, _P4_CACHE - sums - weights) + weights + _P4_MARGIN + sums
    return window.padded_area * inputs + window.kernel_area * aligned(inputs, 16) * outputs + _P4_MARGIN + sums


def _p4_tile_bytes(window: Window, budget: int) -> int:
    """As many rows of the padded image, of 16 channels, as stay in the cache."""
    row = (window.source.shape[2] + 2 * window.padding[1]) * 16
    rows = 1
    if 0 < window.kernel[0] * row <= budget:
        rows = min((budget - window.kernel[0] * row) // (window.stride[0] * row) + 1, window.out.shape[1])
    return ((rows - 1) * window.stride[0] + window.kernel[0] + 2 * window.padding[0]) * row


def _s3_depthwise(window: Window, multiplier: int) -> int:
    channels = window.source.shape[3]
    if multiplier == 1 and channels % 8 == 0:
        return _s3_depthwise_3x3(window) if window.kernel == (3, 3) else _s3_depthwise_wide(window)
    if multiplier == 1 and channels > 3:
        return _s3_depthwise_padded(window)
    if multiplier % 4 == 0:
        return 2 * (window.kernel_area * channels * multiplier + window.source_area * channels) + 32
    return 32


def _s3_depthwise_3x3(window: Window) -> int:
    """Channels in whole groups of 8."""
    channels, (above, left) = window.source.shape[3], window.padding
    height, width = window.source.shape[1:3]
    weights = 9 * channels
    if channels % 16 == 0:
        rows, columns = (2 * above, 2 * left) if above or left else _signed_beyond(window)
        if not rows and not columns:
            return weights + 16
        image = (width + columns) * (height + rows) * channels
        strip = (width + columns) * 3 * channels
        return weights + (image if image <= _S3_WHOLE_IMAGE else strip) + 16
    if channels < 12:
        return 2 * (weights + window.source_area * channels) + 32
    rounded, (below, right) = aligned(channels, 16), _beyond(window)
    image = (width + 2 * left + right) * (height + 2 * above + below) * rounded
    return 9 * rounded + image + window.out_area * rounded + 64


def _signed_beyond(window: Window) -> tuple[int, int]:
    rows, columns = (
        out * stride + 2 - size
        for out, stride, size in zip(window.out.shape[1:3], window.stride, window.source.shape[1:3], strict=True)
    )
    return rows, columns


def _s3_depthwise_wide(window: Window) -> int:
    """Other windows: weights and image as int16, or as many rows of the image as the window is high."""
    channels = window.source.shape[3]
    weights = 2 * window.kernel_area * channels
    whole = weights + 2 * window.source_area * channels
    if whole <= _S3_WHOLE_WIDE_IMAGE:
        return whole + 32
    return weights + 2 * window.source.shape[2] * window.kernel[0] * channels + 32


def _s3_depthwise_padded(window: Window) -> int:
    """Channels filled up to a multiple of 8: everything is copied, 16-byte aligned."""
    rounded = aligned(window.source.shape[3], 8)
    after_weights = aligned(2 * window.kernel_area * rounded, 16)
    after_image = aligned(after_weights + 2 * window.source_area * rounded, 16)
    after_out = aligned(after_image + window.out_area * rounded, 16)
    return after_out + 12 * rounded + 16
