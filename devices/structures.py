"""Sizes of what the interpreter keeps in the arena for its operators: parsed options, state and tensors.

CMSIS-NN@4ab83cc3 with tflite-micro@90b983c2b for Arm without an operating
system (enumerations of one byte, pointers of four); esp-tflite-micro@99f49e14 for
Xtensa and RISC-V (enumerations and pointers of four bytes); no compression
support.  The sizes for Arm with CMSIS-NN agree with measured arenas; the
others are what Clang makes of the same structures for those targets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from devices.device import Kernels


@dataclass(frozen=True, slots=True, kw_only=True)
class Structures:
    """Sizes in bytes of one build of the interpreter.

    Attributes
    ----------
    tensor
        A ``TfLiteTensor``.
    parameters
        (bytes, alignment) of an operator's parsed options; operators that are
        not named have none.
    state
        What an operator's kernel allocates before anything is prepared.
    """

    tensor: int
    parameters: Mapping[str, tuple[int, int]]
    state: Mapping[str, int]


def structures_of(core: str, kernels: Kernels) -> Structures:
    """Sizes of the build for `core` with `kernels`."""
    if core.startswith("cortex-"):
        state = _CMSIS_NN_STATE if kernels == "cmsis-nn" else _PORTABLE_STATE
        return Structures(tensor=32, parameters=_ARM_PARAMETERS, state=state)
    state = _ESP_NN_STATE if kernels == "esp-nn" else _WIDE_PORTABLE_STATE
    return Structures(tensor=40, parameters=_WIDE_PARAMETERS, state=state)


# operator -> (bytes, alignment) of its parsed options, enumerations of one byte
_ARM_PARAMETERS = {
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
_CMSIS_NN_STATE = {
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

_WIDE_PARAMETERS = _ARM_PARAMETERS | {
    "ADD": (8, 4),
    "ARG_MAX": (4, 4),
    "ARG_MIN": (4, 4),
    "CAST": (8, 4),
    "DIV": (4, 4),
    "FULLY_CONNECTED": (16, 4),
    "L2_NORMALIZATION": (4, 4),
    "MIRROR_PAD": (4, 4),
    "MUL": (4, 4),
    "SHAPE": (4, 4),
    "SUB": (8, 4),
    "SVDF": (12, 4),
    "TRANSPOSE_CONV": (20, 4),
}
_PORTABLE_STATE = _CMSIS_NN_STATE | {
    "AVERAGE_POOL_2D": 32,
    "BATCH_MATMUL": 16,
    "CONV_2D": 56,
    "DEPTHWISE_CONV_2D": 56,
    "FULLY_CONNECTED": 48,
    "MAX_POOL_2D": 32,
    "SOFTMAX": 56,
    "SVDF": 36,
    "TRANSPOSE_CONV": 72,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": 688,
}
_WIDE_PORTABLE_STATE = _PORTABLE_STATE | {"ABS": 28, "RSQRT": 28}
_ESP_NN_STATE = _WIDE_PORTABLE_STATE | {"CONV_2D": 60, "DEPTHWISE_CONV_2D": 60, "SOFTMAX": 64}
