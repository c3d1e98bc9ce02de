"""Scratch buffers that kernels use while their operator runs.

Rules of tflite-micro@90b983c2b with CMSIS-NN@4ab83cc3 built by GCC (the
``arm_*_get_buffer_size`` functions); kernels that CMSIS-NN does not have are
the portable ones.
"""

from __future__ import annotations

from collections.abc import Callable

from devices.graph import DType, Operator, Tensor
from devices.kernels import QUANTIZED, Call, Extension

_MVE_CHANNEL_BLOCK = 124
_MVE_ONE_CHANNEL_THRESHOLD = 1  # output channels above which depthwise of one channel becomes a convolution
_TRANSPOSE_REVERSE_THRESHOLD = 16


def scratch(call: Call) -> tuple[int, ...]:
    """Bytes of every buffer that the operator needs only while it runs, in order."""
    rule = _RULES.get(call.operator.name)
    return () if rule is None else tuple(rule(call))


def _fully_connected(call: Call) -> list[int]:
    weights, out = call.weights, call.out
    if weights is None or not out.shape or out.dtype is not DType.INT8 or weights.dtype is DType.INT4:
        return []
    if call.is_fast_convolution:
        return [8 * out.shape[-1]] if weights.scales <= 1 else []
    return [4 * out.shape[-1]] if call.extension is Extension.MVE and not call.is_constant else []


def _images(call: Call) -> tuple[Tensor, Tensor, Tensor] | None:
    """Input, weights and output where all have four axes."""
    source, weights, out = call.source, call.weights, call.out
    if source is None or weights is None or any(len(t.shape) != 4 for t in (source, weights, out)):
        return None
    return source, weights, out


def _padding(operator: Operator, size: int, out: int, kernel: int, stride: int, dilation: int) -> int:
    """Rows or columns added before the first, rounded down."""
    if operator.options.padding == "VALID":
        return 0
    return max(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - size) // 2


def _paddings(operator: Operator, source: Tensor, weights: Tensor, out: Tensor) -> tuple[int, int]:
    """Padding above and to the left."""
    at = operator.options
    return (
        _padding(operator, source.shape[1], out.shape[1], weights.shape[1], at.stride_height, at.dilation_height),
        _padding(operator, source.shape[2], out.shape[2], weights.shape[2], at.stride_width, at.dilation_width),
    )


def _convolution(call: Call) -> list[int]:
    tensors = _images(call)
    if tensors is None or tensors[0].dtype not in QUANTIZED:
        return []
    source, weights, out = tensors
    columns = weights.shape[1] * weights.shape[2] * source.shape[3]
    if source.dtype is DType.INT16:
        return _positive(_int16_columns(columns, call.extension))
    pad = _paddings(call.operator, source, weights, out)
    if source.shape[3] != weights.shape[3]:  # grouped
        return _positive(_int8_columns(columns, call.extension))
    return _positive(_int8_bytes(call, source, weights.shape[1:3], out, pad))


def _int8_bytes(call: Call, source: Tensor, kernel: tuple[int, ...], out: Tensor, pad: tuple[int, int]) -> int:
    """Scratch of an int8 convolution over all channels of `source`."""
    at, channels = call.operator.options, source.shape[3]
    if at.dilation_width == 1 and at.dilation_height == 1 and pad == (0, 0) and kernel == (1, 1):
        return 0
    is_one_row = source.shape[1] == 1 and kernel[0] == 1 and at.dilation_width == 1
    if call.extension is Extension.MVE and is_one_row and (at.stride_width * channels) % 4 == 0:
        return _one_row_bytes(call.operator, source.shape[2], channels, kernel[1], out.shape[2], pad[1])
    return _int8_columns(kernel[0] * kernel[1] * channels, call.extension)


def _int8_columns(columns: int, extension: Extension) -> int:
    """Two patches of the input as int16; four as int8 in whole vectors with MVE."""
    if extension is Extension.MVE:
        return 4 * 16 * -(-columns // 16)
    return 4 * 4 * -(-columns // 4)


def _int16_columns(columns: int, extension: Extension) -> int:
    """Two patches of the input; four in whole vectors with MVE."""
    return 4 * 2 * 8 * -(-columns // 8) if extension is Extension.MVE else 4 * columns


def _one_row_bytes(operator: Operator, width: int, channels: int, kernel: int, out: int, pad: int) -> int:
    """Scratch of the 1xN convolution with MVE, where only the padded ends are copied."""
    stride = operator.options.stride_width
    is_uneven = ((out - 1) * stride + kernel - width) % 2
    right = max(1, -(-(pad + is_uneven) // stride)) if pad + is_uneven else 0
    left = max(1, -(-pad // stride)) if pad else 0
    if right + max(out - right - left, 0) + left != out:
        return _int8_columns(kernel * channels, Extension.MVE)
    at_left = (kernel + pad) * channels
    at_right = (kernel - 1) * channels + (right if is_uneven else pad) * channels
    return max(at_left, at_right)


def _depthwise(call: Call) -> list[int]:
    tensors = _images(call)
    if tensors is None or tensors[0].dtype is not DType.INT8:
        return []
    source, weights, out = tensors
    kernel, channels, at = weights.shape[1:3], source.shape[3], call.operator.options
    pad = _paddings(call.operator, source, weights, out)
    is_int4, on_mve = weights.dtype is DType.INT4, call.extension is Extension.MVE
    if on_mve and not is_int4 and channels == 1 and out.shape[3] > _MVE_ONE_CHANNEL_THRESHOLD:
        # runs as a convolution on transposed weights
        return [weights.shape[3] * kernel[0] * kernel[1] + _int8_bytes(call, source, kernel, out, pad)]
    if channels != out.shape[3] or source.shape[0] != 1 or (at.dilation_height, at.dilation_width) != (1, 1):
        return []
    if on_mve:
        return [4 * _MVE_CHANNEL_BLOCK * kernel[0] * kernel[1]]
    has_own_kernel = kernel == (3, 3) and max(pad) <= 1
    if not is_int4 and (call.extension is Extension.SCALAR or has_own_kernel):
        return []
    return _positive(2 * channels * kernel[0] * kernel[1])


def _average_pool(call: Call) -> list[int]:
    if call.extension is not Extension.DSP or call.out.dtype not in QUANTIZED or not call.out.shape:
        return []
    return _positive(4 * call.out.shape[-1])


def _reduce(call: Call) -> list[int]:
    source, axes = call.source, call.weights  # input 1 holds the axes here
    if source is None or axes is None:
        return []
    walk = [4 * len(source.shape), 4 * axes.elements]
    if call.operator.name in ("MEAN", "SUM") and source.dtype in QUANTIZED:
        return [4 * call.out.elements, *walk]
    return walk


def _transpose_convolution(call: Call) -> list[int]:
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


def _svdf(call: Call) -> list[int]:
    # inputs: 0 image (batch, in), 1 feature weights (filters, in), 2 time weights (filters, memory)
    source, weights = call.source, call.weights
    if source is None or weights is None or not source.shape or not weights.shape:
        return []
    filters = 4 * source.shape[0] * weights.shape[0]
    return [filters] if source.dtype is DType.FLOAT32 else [filters, 4 * call.out.elements]


def _lstm(call: Call) -> list[int]:
    source, out = call.source, call.out
    if source is None or not source.shape or not out.shape:
        return []
    state = source.shape[0] * out.shape[-1]
    return [2 * state] * 3 if source.dtype in QUANTIZED else [4 * state] * 4


def _mirror_pad(call: Call) -> list[int]:
    return [] if call.source is None else [4 * len(call.source.shape)] * 2


def _add_n(call: Call) -> list[int]:
    return [4 * len(call.operator.inputs)]


def _positive(nbytes: int) -> list[int]:
    return [nbytes] if nbytes > 0 else []


_RULES: dict[str, Callable[[Call], list[int]]] = {
    "ADD_N": _add_n,
    "AVERAGE_POOL_2D": _average_pool,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "MEAN": _reduce,
    "MIRROR_PAD": _mirror_pad,
    "REDUCE_ALL": _reduce,
    "REDUCE_MAX": _reduce,
    "REDUCE_MIN": _reduce,
    "SUM": _reduce,
    "SVDF": _svdf,
    "TRANSPOSE_CONV": _transpose_convolution,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}
