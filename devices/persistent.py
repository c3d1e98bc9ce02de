"""Buffers that kernels allocate for good while they are prepared.

Rules of tflite-micro@90b983c2b with CMSIS-NN@4ab83cc3, and of esp-tflite-micro@99f49e14.
"""

from __future__ import annotations

from collections.abc import Callable

from devices.graph import DType
from devices.kernels import QUANTIZED, Call, Extension
from devices.operators import DECODE

# operators that copy the shape of their output into the arena
_WRITABLE_SHAPE = frozenset(
    {"DEPTH_TO_SPACE", "EMBEDDING_LOOKUP", "GATHER", "GATHER_ND", "L2_POOL_2D", "SPACE_TO_DEPTH"}
)
_LUT_BYTES = 2 * 513  # one look-up table of the int16 softmax
_DECODER = 36  # what DECODE keeps of one tensor
_LSTM_SUMS = 8  # four gates, for the input and the state


def persistent(call: Call) -> tuple[int, ...]:
    """Bytes of every buffer that preparing the operator allocates for good, in order."""
    if call.operator.name in _WRITABLE_SHAPE:
        return (4 + 4 * len(call.out.shape),)
    rule = _RULES.get(call.operator.name)
    return () if rule is None else tuple(rule(call))


def _convolution(call: Call) -> list[int]:
    """Multiplier and shift of every channel; CMSIS-NN leaves them out where nothing is quantised."""
    weights = call.weights
    if weights is None or not weights.shape:
        return []
    if call.extension.is_cmsis_nn and call.out.dtype not in QUANTIZED and call.operator.name != "TRANSPOSE_CONV":
        return []
    axis = -1 if call.operator.name == "DEPTHWISE_CONV_2D" else 0
    return [4 * weights.shape[axis]] * 2


def _fully_connected(call: Call) -> list[int]:
    """Multipliers and shifts per channel; with MVE also the sums of the weights of every neuron."""
    weights, out = call.weights, call.out
    if weights is None or not out.shape or out.dtype not in QUANTIZED:
        return []
    buffers = [4 * weights.scales] * 2 if weights.scales > 1 else []
    is_int8 = out.dtype is DType.INT8 and weights.dtype is not DType.INT4
    if call.extension is Extension.MVE and is_int8 and call.is_constant and not call.is_fast_convolution:
        buffers.append(4 * out.shape[-1])
    return buffers


def _softmax(call: Call) -> list[int]:
    return [_LUT_BYTES] * 2 if call.source is not None and call.source.dtype is DType.INT16 else []


def _svdf(call: Call) -> list[int]:
    """Sums of the feature weights of every filter with MVE."""
    weights, source = call.weights, call.source
    if call.extension is not Extension.MVE or weights is None or source is None or not weights.shape:
        return []
    return [4 * weights.shape[0]] if source.dtype is DType.INT8 else []


def _lstm(call: Call) -> list[int]:
    """Sums of the weights of every gate, as wide as a bias, with CMSIS-NN."""
    if (
        not call.extension.is_cmsis_nn
        or call.source is None
        or call.source.dtype not in QUANTIZED
        or not call.out.shape
    ):
        return []
    return [(4 if call.source.dtype is DType.INT8 else 8) * call.out.shape[-1]] * _LSTM_SUMS


def _batch_matmul(call: Call) -> list[int]:
    """Upper bound: the right operand is copied transposed unless the file stores it so, which a graph does not say."""
    right = call.weights
    if right is None:
        return []
    buffers = [12, 4 + 4 * len(right.shape), right.nbytes, 4 + 4 * len(call.out.shape)]
    return [*buffers, 28] if right.dtype in QUANTIZED else buffers


def _decode(call: Call) -> list[int]:
    """A list of decoders, and the decoder of every tensor."""
    count = len(call.operator.outputs)
    return [4 * count] + [_DECODER] * count


_RULES: dict[str, Callable[[Call], list[int]]] = {
    "BATCH_MATMUL": _batch_matmul,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "FULLY_CONNECTED": _fully_connected,
    "SOFTMAX": _softmax,
    "SVDF": _svdf,
    DECODE: _decode,
    "TRANSPOSE_CONV": _convolution,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}
