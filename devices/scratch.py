"""Scratch buffers that kernels use while their operator runs.

The portable kernels of tflite-micro@90b983c2b are here; what CMSIS-NN and
ESP-NN ask for stands in `devices.scratch_cmsis_nn` and `devices.scratch_esp_nn`.
"""

from __future__ import annotations

from collections.abc import Callable

from devices import scratch_cmsis_nn, scratch_esp_nn
from devices.graph import DType
from devices.kernels import QUANTIZED, Call, Extension

Rule = Callable[[Call], list[int]]
_UNPACKED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})


def scratch(call: Call) -> tuple[int, ...]:
    """Bytes of every buffer that the operator needs only while it runs, in order."""
    rule = _rules(call.extension).get(call.operator.name)
    own = [] if rule is None else rule(call)
    return (*_unpacked_weights(call), *own)


def _unpacked_weights(call: Call) -> list[int]:
    """Weights of 4 bits as bytes: CMSIS-NN alone reads them packed."""
    weights = call.weights
    if call.extension.is_cmsis_nn or call.operator.name not in _UNPACKED or weights is None:
        return []
    return [weights.elements] if weights.dtype is DType.INT4 else []


def _reduce(call: Call) -> list[int]:
    source, axes = call.source, call.weights  # input 1 holds the axes here
    if source is None or axes is None:
        return []
    walk = [4 * len(source.shape), 4 * axes.elements]
    if call.operator.name in ("MEAN", "SUM") and source.dtype in QUANTIZED:
        return [4 * call.out.elements, *walk]
    return walk


def _transpose_convolution(call: Call) -> list[int]:
    """Sums of the output; input 2 is the image."""
    source = call.graph.tensor(call.operator, 2)
    if source is None or source.dtype not in QUANTIZED:
        return []
    return [(8 if source.dtype is DType.INT16 else 4) * call.out.elements]


def _svdf(call: Call) -> list[int]:
    # inputs: 0 image (batch, in), 1 feature weights (filters, in), 2 time weights (filters, memory)
    source, weights = call.source, call.weights
    if source is None or weights is None or not source.shape or not weights.shape:
        return []
    filters = 4 * source.shape[0] * weights.shape[0]
    return [filters] if source.dtype is DType.FLOAT32 else [filters, 4 * call.out.elements]


def _lstm(call: Call) -> list[int]:
    """Four gates of the width of the cell's state."""
    source, out = call.source, call.out
    if source is None or not source.shape or not out.shape:
        return []
    return [(2 if source.dtype in QUANTIZED else 4) * source.shape[0] * out.shape[-1]] * 4


def _mirror_pad(call: Call) -> list[int]:
    return [] if call.source is None else [4 * len(call.source.shape)] * 2


def _add_n(call: Call) -> list[int]:
    return [4 * len(call.operator.inputs)]


_PORTABLE: dict[str, Rule] = {
    "ADD_N": _add_n,
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
_CMSIS_NN: dict[str, Rule] = _PORTABLE | {
    "AVERAGE_POOL_2D": scratch_cmsis_nn.average_pool,
    "CONV_2D": scratch_cmsis_nn.convolution,
    "DEPTHWISE_CONV_2D": scratch_cmsis_nn.depthwise,
    "FULLY_CONNECTED": scratch_cmsis_nn.fully_connected,
    "TRANSPOSE_CONV": scratch_cmsis_nn.transpose_convolution,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": scratch_cmsis_nn.lstm,
}
_ESP_NN: dict[str, Rule] = _PORTABLE | {
    "CONV_2D": scratch_esp_nn.convolution,
    "DEPTHWISE_CONV_2D": scratch_esp_nn.depthwise,
    "SOFTMAX": scratch_esp_nn.softmax,
}


def _rules(extension: Extension) -> dict[str, Rule]:
    if extension.is_cmsis_nn:
        return _CMSIS_NN
    return _ESP_NN if extension.is_esp_nn else _PORTABLE
