"""Scratch buffers of CMSIS-NN's kernels.

Rules of CMSIS-NN@4ab83cc3 built by GCC (the ``arm_*_get_buffer_size``
functions) as tflite-micro@90b983c2b asks for them; they agree with measured arenas.
"""

from __future__ import annotations

from devices.graph import DType
from devices.kernels import QUANTIZED, Call, Extension
from devices.shapes import Window, window_of

_MVE_CHANNEL_BLOCK = 124
_MVE_ONE_CHANNEL_THRESHOLD = 1  # output channels above which depthwise of one channel becomes a convolution
_TRANSPOSE_REVERSE_THRESHOLD = 16


def fully_connected(call: Call) -> list[int]:
    """FULLY_CONNECTED of int8 activations and weights."""
    weights, out = call.weights, call.out
    if weights is None or not out.shape or out.dtype is not DType.INT8 or weights.dtype is DType.INT4:
        return []
    if call.is_fast_convolution:
        return [8 * out.shape[-1]] if weights.scales <= 1 else []
    return [4 * out.shape[-1]] if call.extension is Extension.MVE and not call.is_constant else []


def convolution(call: Call) -> list[int]:
    """CONV_2D, quantised."""
    window, weights = window_of(call), call.weights
    if window is None or weights is None or window.source.dtype not in QUANTIZED:
        return []
    columns = window.kernel_area * window.source.shape[3]
    if window.source.dtype is DType.INT16:
        return _positive(_int16_columns(columns, call.extension))
    if window.source.shape[3] != weights.shape[3]:  # grouped
        return _positive(_int8_columns(columns, call.extension))
    return _positive(_int8_bytes(call, window))


def _int8_bytes(call: Call, window: Window) -> int:
    """Scratch of an int8 convolution over all channels of the image."""
    at, channels = call.operator.options, window.source.shape[3]
    if not window.is_dilated and window.padding == (0, 0) and window.kernel == (1, 1):
        return 0
    is_one_row = window.source.shape[1] == 1 and window.kernel[0] == 1 and at.dilation_width == 1
    if call.extension is Extension.MVE and is_one_row and (at.stride_width * channels) % 4 == 0:
        return _one_row_bytes(window, channels)
    return _int8_columns(window.kernel_area * channels, call.extension)


def _int8_columns(columns: int, extension: Extension) -> int:
    """Two patches of the input as int16; four as int8 in whole vectors with MVE."""
    if extension is Extension.MVE:
        return 4 * 16 * -(-columns // 16)
    return 4 * 4 * -(-columns // 4)


def _int16_columns(columns: int, extension: Extension) -> int:
    """Two patches of the input; four in whole vectors with MVE."""
    return 4 * 2 * 8 * -(-columns // 8) if extension is Extension.MVE else 4 * columns


def _one_row_bytes(window: Window, channels: int) -> int:
    """Scratch of the 1xN convolution with MVE, where only the padded ends are copied."""
    stride, kernel, pad = window.stride[1], window.kernel[1], window.padding[1]
    width, out = window.source.shape[2], window.out.shape[2]
    is_uneven = ((out - 1) * stride + kernel - width) % 2
    right = max(1, -(-(pad + is_uneven) // stride)) if pad + is_uneven else 0
    left = max(1, -(-pad // stride)) if pad else 0
    if right + max(out - right - left, 0) + left != out:
        return _int8_columns(kernel * channels, Extension.MVE)
    at_left = (kernel + pad) * channels
    at_right = (kernel - 1) * channels + (right if is_uneven else pad) * channels
    return max(at_left, at_right)


def depthwise(call: Call) -> list[int]:
    """DEPTHWISE_CONV_2D of int8 activations."""
    window, weights = window_of(call), call.weights
    if window is None or weights is None or window.source.dtype is not DType.INT8:
        return []
    channels, outputs = window.source.shape[3], window.out.shape[3]
    is_int4, on_mve = weights.dtype is DType.INT4, call.extension is Extension.MVE
    if on_mve and not is_int4 and channels == 1 and outputs > _MVE_ONE_CHANNEL_THRESHOLD:
        # runs as a convolution on transposed weights
        return [weights.shape[3] * window.kernel_area + _int8_bytes(call, window)]
    if channels != outputs or window.source.shape[0] != 1 or window.is_dilated:
        return []
    if on_mve:
        return [4 * _MVE_CHANNEL_BLOCK * window.kernel_area]
    has_own_kernel = window.kernel == (3, 3) and max(window.padding) <= 1
    if not is_int4 and (call.extension is Extension.SCALAR or has_own_kernel):
        return []
    return _positive(2 * channels * window.kernel_area)


def average_pool(call: Call) -> list[int]:
    """AVERAGE_POOL_2D, quantised: sums with DSP."""
    if call.extension is not Extension.DSP or call.out.dtype not in QUANTIZED or not call.out.shape:
        return []
    return _positive(4 * call.out.shape[-1])


def transpose_convolution(call: Call) -> list[int]:
    """TRANSPOSE_CONV, quantised."""
    # input 0 is the wanted shape, 1 the weights (out, height, width, in), 2 the image
    weights, source, out = call.weights, call.graph.tensor(call.operator, 2), call.out
    if weights is None or source is None or any(len(t.shape) != 4 for t in (weights, source, out)):
        return []
    if source.dtype not in QUANTIZED:
        return []
    if source.dtype is DType.INT16:
        return [8 * out.elements]
    at, kernel, channels = call.operator.options, weights.shape[1:3], source.shape[3]
    if max(at.stride_height, at.stride_width) <= 2 and channels > _TRANSPOSE_REVERSE_THRESHOLD:
        taps = channels * kernel[0] * kernel[1]
        return [_int8_columns(taps, call.extension), taps * weights.shape[0]]
    width = ((source.shape[2] - 1) * at.stride_width + max(kernel[1], at.stride_height)) * out.shape[3]
    return [4 * width * max(kernel[0], at.stride_height), 0]


def lstm(call: Call) -> list[int]:
    """UNIDIRECTIONAL_SEQUENCE_LSTM."""
    source, out = call.source, call.out
    if source is None or not source.shape or not out.shape:
        return []
    state = source.shape[0] * out.shape[-1]
    return [2 * state] * 3 if source.dtype in QUANTIZED else [4 * state] * 4


def _positive(nbytes: int) -> list[int]:
    return [nbytes] if nbytes > 0 else []
