"""What the kernels of TensorFlow Lite Micro with CMSIS-NN ask of the arena.

Sizes are those of a 32-bit Arm build without compression support (enumerations
of one byte, pointers of four), read from tflite-micro@90b983c2b and
CMSIS-NN@4ab83cc3.  Kernels that CMSIS-NN does not have are the portable ones.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from devices.graph import DType, Graph, Operator, Tensor

_QUANTIZED = (DType.INT8, DType.INT16)


class Extension(Enum):
    """Instruction set extension that CMSIS-NN picks its kernels by."""

    SCALAR = "scalar"
    DSP = "dsp"
    MVE = "mve"


EXTENSIONS = {
    "cortex-m0": Extension.SCALAR,
    "cortex-m0plus": Extension.SCALAR,
    "cortex-m3": Extension.SCALAR,
    "cortex-m23": Extension.SCALAR,
    "cortex-m4": Extension.DSP,
    "cortex-m7": Extension.DSP,
    "cortex-m33": Extension.DSP,
    "cortex-m55": Extension.MVE,
    "cortex-m85": Extension.MVE,
}

# operator -> (bytes, alignment) of its parsed options; operators that are not here have none
PARAMETERS = {
    "ADD": (2, 1),
    "ARG_MAX": (1, 1),
    "ARG_MIN": (1, 1),
    "AVERAGE_POOL_2D": (40, 4),
    "BATCH_MATMUL": (3, 1),
    "CALL_ONCE": (4, 4),
    "CAST": (2, 1),
    "CONCATENATION": (8, 4),
    "CONV_2D": (28, 4),
    "CUMSUM": (2, 1),
    "DEPTHWISE_CONV_2D": (28, 4),
    "DEPTH_TO_SPACE": (4, 4),
    "DIV": (1, 1),
    "FULLY_CONNECTED": (5, 1),
    "GATHER": (8, 4),
    "IF": (8, 4),
    "L2_NORMALIZATION": (1, 1),
    "L2_POOL_2D": (40, 4),
    "LEAKY_RELU": (4, 4),
    "MAX_POOL_2D": (40, 4),
    "MEAN": (1, 1),
    "MIRROR_PAD": (1, 1),
    "MUL": (1, 1),
    "PACK": (8, 4),
    "REDUCE_ALL": (1, 1),
    "REDUCE_MAX": (1, 1),
    "REDUCE_MIN": (1, 1),
    "RESHAPE": (36, 4),
    "RESIZE_BILINEAR": (2, 1),
    "RESIZE_NEAREST_NEIGHBOR": (2, 1),
    "SHAPE": (1, 1),
    "SOFTMAX": (4, 4),
    "SPACE_TO_DEPTH": (4, 4),
    "SPLIT": (4, 4),
    "SPLIT_V": (4, 4),
    "SQUEEZE": (36, 4),
    "STRIDED_SLICE": (24, 4),
    "SUB": (2, 1),
    "SUM": (1, 1),
    "SVDF": (8, 4),
    "TRANSPOSE_CONV": (16, 4),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (16, 4),
    "UNPACK": (8, 4),
    "VAR_HANDLE": (8, 4),
    "WHILE": (8, 4),
}

# operator -> bytes of the state its kernel allocates before anything is prepared
STATE = {
    "ABS": 20,
    "ADD": 60,
    "ADD_N": 40,
    "ASSIGN_VARIABLE": 4,
    "AVERAGE_POOL_2D": 36,
    "BATCH_MATMUL": 36,
    "CALL_ONCE": 8,
    "CONCATENATION": 24,
    "CONV_2D": 60,
    "CUMSUM": 36,
    "DEPTHWISE_CONV_2D": 60,
    "DEQUANTIZE": 32,
    "DIV": 28,
    "ELU": 256,
    "EMBEDDING_LOOKUP": 8,
    "EQUAL": 32,
    "FULLY_CONNECTED": 72,
    "GREATER": 32,
    "GREATER_EQUAL": 32,
    "HARD_SWISH": 20,
    "IF": 8,
    "L2_NORMALIZATION": 4,
    "LEAKY_RELU": 24,
    "LESS": 32,
    "LESS_EQUAL": 32,
    "LOGISTIC": 16,
    "LOG_SOFTMAX": 28,
    "MAX_POOL_2D": 36,
    "MEAN": 44,
    "MIRROR_PAD": 20,
    "MUL": 36,
    "NOT_EQUAL": 32,
    "PAD": 56,
    "PADV2": 56,
    "PRELU": 28,
    "QUANTIZE": 32,
    "REDUCE_ALL": 44,
    "REDUCE_MAX": 44,
    "REDUCE_MIN": 44,
    "RELU": 28,
    "RELU6": 8,
    "RSQRT": 20,
    "SELECT_V2": 1,
    "SOFTMAX": 64,
    "SPACE_TO_BATCH_ND": 4,
    "SQUARED_DIFFERENCE": 112,
    "STRIDED_SLICE": 84,
    "SUB": 52,
    "SVDF": 40,
    "TANH": 16,
    "TRANSPOSE_CONV": 76,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": 912,
    "VAR_HANDLE": 4,
    "WHILE": 8,
}

# operators that copy the shape of their output into the arena
_WRITABLE_SHAPE = frozenset(
    {"DEPTH_TO_SPACE", "EMBEDDING_LOOKUP", "GATHER", "GATHER_ND", "L2_POOL_2D", "SPACE_TO_DEPTH"}
)
_LUT_BYTES = 2 * 513  # one look-up table of the int16 softmax
_MVE_CHANNEL_BLOCK = 124
_MVE_ONE_CHANNEL_THRESHOLD = 1  # with GCC; Arm Compiler has 8
_TRANSPOSE_REVERSE_THRESHOLD = 16


def persistent(graph: Graph, operator: Operator, extension: Extension) -> tuple[int, ...]:
    """Bytes of every buffer that preparing `operator` allocates for good, in order."""
    weights = graph.tensor(operator, 1)
    source = graph.tensor(operator, 0)
    match operator.name:
        case "CONV_2D" if weights is not None and weights.shape and graph.output(operator).dtype in _QUANTIZED:
            return (4 * weights.shape[0],) * 2
        case "TRANSPOSE_CONV" if weights is not None and weights.shape:
            return (4 * weights.shape[0],) * 2
        case "DEPTHWISE_CONV_2D" if weights is not None and weights.shape and source is not None:
            return (4 * weights.shape[-1],) * 2 if source.dtype in _QUANTIZED else ()
        case "BATCH_MATMUL" if weights is not None:
            return _batch_matmul_persistent(graph, operator, weights)
        case "FULLY_CONNECTED" if weights is not None:
            return _fully_connected_persistent(graph, operator, weights, extension)
        case "SOFTMAX" if source is not None and source.dtype is DType.INT16:
            return (_LUT_BYTES,) * 2
        case "SVDF" if weights is not None and source is not None:
            on_mve = extension is Extension.MVE and source.dtype is DType.INT8 and weights.shape
            return (4 * weights.shape[0],) if on_mve else ()
        case "UNIDIRECTIONAL_SEQUENCE_LSTM" if source is not None and source.dtype in _QUANTIZED:
            return ((4 if source.dtype is DType.INT8 else 8) * _lstm_units(graph, operator),) * 8
    if operator.name in _WRITABLE_SHAPE:
        return (4 + 4 * len(graph.output(operator).shape),)
    return ()


def scratch(graph: Graph, operator: Operator, extension: Extension) -> tuple[int, ...]:
    """Bytes of every buffer that `operator` needs only while it runs, in order."""
    rule = _SCRATCH.get(operator.name)
    return () if rule is None else tuple(rule(graph, operator, extension))


def _batch_matmul_persistent(graph: Graph, operator: Operator, right: Tensor) -> tuple[int, ...]:
    """Upper bound: the right operand is copied transposed unless the file stores it so, which a graph does not say."""
    shapes = (4 + 4 * len(right.shape), 4 + 4 * len(graph.output(operator).shape))
    copy = (12, shapes[0], right.nbytes)
    return (*copy, shapes[1], 28) if right.dtype in _QUANTIZED else (*copy, shapes[1])


def _fully_connected_persistent(
    graph: Graph, operator: Operator, weights: Tensor, extension: Extension
) -> tuple[int, ...]:
    buffers: tuple[int, ...] = ()
    if graph.output(operator).dtype in _QUANTIZED and weights.scales > 1:
        buffers = (4 * weights.scales,) * 2
    out = graph.output(operator)
    is_int8 = out.dtype is DType.INT8 and weights.dtype is not DType.INT4
    if extension is Extension.MVE and is_int8 and not _runs_as_convolution(out, weights) and _is_constant(
        graph, operator
    ):
        buffers += (4 * out.shape[-1],) if out.shape else ()
    return buffers


def _is_constant(graph: Graph, operator: Operator) -> bool:
    """Whether weights and bias lie in the file."""
    arguments = (graph.tensor(operator, 1), graph.tensor(operator, 2))
    return all(tensor is None or tensor.constant_bytes is not None for tensor in arguments)


def _runs_as_convolution(out: Tensor, weights: Tensor) -> bool:
    return len(out.shape) > 2 and bool(weights.shape) and weights.shape[-1] % 4 == 0


def _fully_connected_scratch(graph: Graph, operator: Operator, extension: Extension) -> list[int]:
    weights, out = graph.tensor(operator, 1), graph.output(operator)
    if weights is None or not out.shape or out.dtype is not DType.INT8 or weights.dtype is DType.INT4:
        return []
    if _runs_as_convolution(out, weights):
        return [8 * out.shape[-1]] if weights.scales <= 1 else []
    if extension is Extension.MVE and not _is_constant(graph, operator):
        return [4 * out.shape[-1]]
    return []


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


def _images(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor, Tensor] | None:
    """Input, weights and output where all have four axes."""
    source, weights, out = graph.tensor(operator, 0), graph.tensor(operator, 1), graph.output(operator)
    if source is None or weights is None or any(len(t.shape) != 4 for t in (source, weights, out)):
        return None
    return source, weights, out


def _conv_scratch(graph: Graph, operator: Operator, extension: Extension) -> list[int]:
    tensors = _images(graph, operator)
    if tensors is None:
        return []
    source, weights, out = tensors
    columns = weights.shape[1] * weights.shape[2] * source.shape[3]
    if source.dtype is DType.INT16:
        return _positive(_int16_columns(columns, extension))
    if source.dtype is not DType.INT8:
        return []
    pad = _paddings(operator, source, weights, out)
    at = operator.options
    plain = at.dilation_width == 1 and source.shape[3] == weights.shape[3]
    if plain and at.dilation_height == 1 and pad == (0, 0) and weights.shape[1:3] == (1, 1):
        return []
    one_row = source.shape[1] == 1 and weights.shape[1] == 1 and (at.stride_width * source.shape[3]) % 4 == 0
    if extension is Extension.MVE and plain and one_row:
        return _positive(_one_row_bytes(operator, source.shape[2:4], weights.shape[2], out.shape[2], pad[1]))
    return _positive(_int8_columns(columns, extension))


def _int8_columns(columns: int, extension: Extension) -> int:
    """Two patches of the input as int16; four as int8 in whole vectors with MVE."""
    if extension is Extension.MVE:
        return 4 * 16 * -(-columns // 16)
    return 4 * (4 * -(-columns // 4))


def _int16_columns(columns: int, extension: Extension) -> int:
    """Two patches of the input as int16; four in whole vectors with MVE."""
    return 4 * 2 * 8 * -(-columns // 8) if extension is Extension.MVE else 4 * columns


def _one_row_bytes(operator: Operator, source: tuple[int, ...], kernel: int, out: int, pad: int) -> int:
    """Scratch of the 1xN convolution with MVE, where only the padded ends are copied."""
    width, channels = source
    stride = operator.options.stride_width
    uneven = ((out - 1) * stride + kernel - width) % 2
    right = max(1, -(-(pad + uneven) // stride)) if pad + uneven else 0
    left = max(1, -(-pad // stride)) if pad else 0
    if right + max(out - right - left, 0) + left != out:
        return _int8_columns(kernel * channels, Extension.MVE)
    at_left = (kernel + pad) * channels
    at_right = (kernel - 1) * channels + (right if uneven else pad) * channels
    return max(at_left, at_right)


def _depthwise_scratch(graph: Graph, operator: Operator, extension: Extension) -> list[int]:
    tensors = _images(graph, operator)
    if tensors is None or tensors[0].dtype is not DType.INT8:
        return []
    source, weights, out = tensors
    kernel = weights.shape[1] * weights.shape[2]
    pad = _paddings(operator, source, weights, out)
    is_int4 = weights.dtype is DType.INT4
    if extension is Extension.MVE and not is_int4 and source.shape[3] == 1:
        if out.shape[3] > _MVE_ONE_CHANNEL_THRESHOLD:
            return [_one_channel_bytes(operator, source, weights, out, pad)]
    at = operator.options
    if source.shape[3] != out.shape[3] or source.shape[0] != 1 or (at.dilation_height, at.dilation_width) != (1, 1):
        return []
    if extension is Extension.MVE:
        return [4 * _MVE_CHANNEL_BLOCK * kernel]
    if is_int4:
        return [2 * source.shape[3] * kernel]
    if extension is Extension.SCALAR or (weights.shape[1:3] == (3, 3) and max(pad) <= 1):
        return []
    return [2 * source.shape[3] * kernel]


def _one_channel_bytes(
    operator: Operator, source: Tensor, weights: Tensor, out: Tensor, pad: tuple[int, int]
) -> int:
    """Depthwise on one channel runs as a convolution on transposed weights with MVE."""
    at = operator.options
    kernel_height, kernel_width = weights.shape[1:3]
    transposed = weights.shape[3] * kernel_height * kernel_width
    plain = at.dilation_width == 1
    if plain and at.dilation_height == 1 and pad == (0, 0) and (kernel_height, kernel_width) == (1, 1):
        return transposed
    if plain and source.shape[1] == 1 and kernel_height == 1 and at.stride_width % 4 == 0:
        return transposed + _one_row_bytes(operator, source.shape[2:4], kernel_width, out.shape[2], pad[1])
    return transposed + _int8_columns(kernel_height * kernel_width, Extension.MVE)


def _average_pool_scratch(graph: Graph, operator: Operator, extension: Extension) -> list[int]:
    out = graph.output(operator)
    if extension is not Extension.DSP or out.dtype not in _QUANTIZED or not out.shape:
        return []
    return _positive(4 * out.shape[-1])


def _reduce_scratch(graph: Graph, operator: Operator, extension: Extension) -> list[int]:
    source, axes = graph.tensor(operator, 0), graph.tensor(operator, 1)
    if source is None or axes is None:
        return []
    walk = [4 * len(source.shape), 4 * axes.elements]
    if operator.name in ("MEAN", "SUM") and source.dtype in _QUANTIZED:
        return [4 * graph.output(operator).elements, *walk]
    return walk


def _transpose_conv_scratch(graph: Graph, operator: Operator, extension: Extension) -> list[int]:
    # input 0 is the wanted shape, 1 the weights (out, height, width, in), 2 the image
    weights, source, out = graph.tensor(operator, 1), graph.tensor(operator, 2), graph.output(operator)
    if weights is None or source is None or any(len(t.shape) != 4 for t in (weights, source, out)):
        return []
    if source.dtype is DType.INT16:
        return [8 * out.elements]
    if source.dtype is not DType.INT8:
        return [4 * out.elements] if source.dtype is not DType.FLOAT32 else []
    at = operator.options
    kernel, channels = weights.shape[1:3], source.shape[3]
    if max(at.stride_height, at.stride_width) <= 2 and channels > _TRANSPOSE_REVERSE_THRESHOLD:
        taps = channels * kernel[0] * kernel[1]
        return [_int8_columns(taps, extension), taps * weights.shape[0]]
    width = ((source.shape[2] - 1) * at.stride_width + max(kernel[1], at.stride_height)) * out.shape[3]
    return [4 * width * max(kernel[0], at.stride_height), 0]


def _svdf_scratch(graph: Graph, operator: Operator, extension: Extension) -> list[int]:
    # inputs: 0 image (batch, in), 1 feature weights (filters, in), 2 time weights (filters, memory)
    source, weights, out = graph.tensor(operator, 0), graph.tensor(operator, 1), graph.output(operator)
    if source is None or weights is None or not source.shape or not weights.shape:
        return []
    filters = 4 * source.shape[0] * weights.shape[0]
    return [filters] if source.dtype is DType.FLOAT32 else [filters, 4 * out.elements]


def _lstm_units(graph: Graph, operator: Operator) -> int:
    out = graph.output(operator)
    return out.shape[-1] if out.shape else 0


def _lstm_scratch(graph: Graph, operator: Operator, extension: Extension) -> list[int]:
    source = graph.tensor(operator, 0)
    if source is None or len(source.shape) < 2:
        return []
    batch = source.shape[0]
    if source.dtype in _QUANTIZED:
        return [2 * batch * _lstm_units(graph, operator)] * 3
    return [4 * batch * _lstm_units(graph, operator)] * 4


def _mirror_pad_scratch(graph: Graph, operator: Operator, extension: Extension) -> list[int]:
    source = graph.tensor(operator, 0)
    return [] if source is None else [4 * len(source.shape)] * 2


def _add_n_scratch(graph: Graph, operator: Operator, extension: Extension) -> list[int]:
    return [4 * len(operator.inputs)]


def _positive(nbytes: int) -> list[int]:
    return [nbytes] if nbytes > 0 else []


_SCRATCH: dict[str, Callable[[Graph, Operator, Extension], list[int]]] = {
    "ADD_N": _add_n_scratch,
    "AVERAGE_POOL_2D": _average_pool_scratch,
    "CONV_2D": _conv_scratch,
    "DEPTHWISE_CONV_2D": _depthwise_scratch,
    "FULLY_CONNECTED": _fully_connected_scratch,
    "MEAN": _reduce_scratch,
    "MIRROR_PAD": _mirror_pad_scratch,
    "REDUCE_ALL": _reduce_scratch,
    "REDUCE_MAX": _reduce_scratch,
    "REDUCE_MIN": _reduce_scratch,
    "SUM": _reduce_scratch,
    "SVDF": _svdf_scratch,
    "TRANSPOSE_CONV": _transpose_conv_scratch,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm_scratch,
}
