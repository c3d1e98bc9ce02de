"""TensorFlow Lite Micro's operators and how a program registers them.

Read from ``micro_mutable_op_resolver.h`` and the headers of ``kernels/`` of
tensorflow/tflite-micro at commit 90b983c2b (2026-08-20).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from devices.graph import DType

BUILTIN_METHODS = {
    "ABS": "AddAbs",
    "ADD": "AddAdd",
    "ADD_N": "AddAddN",
    "ARG_MAX": "AddArgMax",
    "ARG_MIN": "AddArgMin",
    "ASSIGN_VARIABLE": "AddAssignVariable",
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "BATCH_MATMUL": "AddBatchMatMul",
    "BATCH_TO_SPACE_ND": "AddBatchToSpaceNd",
    "BROADCAST_ARGS": "AddBroadcastArgs",
    "BROADCAST_TO": "AddBroadcastTo",
    "CALL_ONCE": "AddCallOnce",
    "CAST": "AddCast",
    "CEIL": "AddCeil",
    "CONCATENATION": "AddConcatenation",
    "CONV_2D": "AddConv2D",
    "COS": "AddCos",
    "CUMSUM": "AddCumSum",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "DEPTH_TO_SPACE": "AddDepthToSpace",
    "DEQUANTIZE": "AddDequantize",
    "DIV": "AddDiv",
    "DYNAMIC_UPDATE_SLICE": "AddDynamicUpdateSlice",
    "ELU": "AddElu",
    "EMBEDDING_LOOKUP": "AddEmbeddingLookup",
    "EQUAL": "AddEqual",
    "EXP": "AddExp",
    "EXPAND_DIMS": "AddExpandDims",
    "FILL": "AddFill",
    "FLOOR": "AddFloor",
    "FLOOR_DIV": "AddFloorDiv",
    "FLOOR_MOD": "AddFloorMod",
    "FULLY_CONNECTED": "AddFullyConnected",
    "GATHER": "AddGather",
    "GATHER_ND": "AddGatherNd",
    "GREATER": "AddGreater",
    "GREATER_EQUAL": "AddGreaterEqual",
    "HARD_SWISH": "AddHardSwish",
    "IF": "AddIf",
    "L2_NORMALIZATION": "AddL2Normalization",
    "L2_POOL_2D": "AddL2Pool2D",
    "LEAKY_RELU": "AddLeakyRelu",
    "LESS": "AddLess",
    "LESS_EQUAL": "AddLessEqual",
    "LOG": "AddLog",
    "LOGICAL_AND": "AddLogicalAnd",
    "LOGICAL_NOT": "AddLogicalNot",
    "LOGICAL_OR": "AddLogicalOr",
    "LOGISTIC": "AddLogistic",
    "LOG_SOFTMAX": "AddLogSoftmax",
    "MAXIMUM": "AddMaximum",
    "MAX_POOL_2D": "AddMaxPool2D",
    "MEAN": "AddMean",
    "MINIMUM": "AddMinimum",
    "MIRROR_PAD": "AddMirrorPad",
    "MUL": "AddMul",
    "NEG": "AddNeg",
    "NOT_EQUAL": "AddNotEqual",
    "PACK": "AddPack",
    "PAD": "AddPad",
    "PADV2": "AddPadV2",
    "PRELU": "AddPrelu",
    "QUANTIZE": "AddQuantize",
    "READ_VARIABLE": "AddReadVariable",
    "REDUCE_ALL": "AddReduceAll",
    "REDUCE_MAX": "AddReduceMax",
    "REDUCE_MIN": "AddReduceMin",
    "RELU": "AddRelu",
    "RELU6": "AddRelu6",
    "RESHAPE": "AddReshape",
    "RESIZE_BILINEAR": "AddResizeBilinear",
    "RESIZE_NEAREST_NEIGHBOR": "AddResizeNearestNeighbor",
    "REVERSE_V2": "AddReverseV2",
    "ROUND": "AddRound",
    "RSQRT": "AddRsqrt",
    "SELECT_V2": "AddSelectV2",
    "SHAPE": "AddShape",
    "SIN": "AddSin",
    "SLICE": "AddSlice",
    "SOFTMAX": "AddSoftmax",
    "SPACE_TO_BATCH_ND": "AddSpaceToBatchNd",
    "SPACE_TO_DEPTH": "AddSpaceToDepth",
    "SPLIT": "AddSplit",
    "SPLIT_V": "AddSplitV",
    "SQRT": "AddSqrt",
    "SQUARE": "AddSquare",
    "SQUARED_DIFFERENCE": "AddSquaredDifference",
    "SQUEEZE": "AddSqueeze",
    "STRIDED_SLICE": "AddStridedSlice",
    "SUB": "AddSub",
    "SUM": "AddSum",
    "SVDF": "AddSvdf",
    "TANH": "AddTanh",
    "TRANSPOSE": "AddTranspose",
    "TRANSPOSE_CONV": "AddTransposeConv",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
    "UNPACK": "AddUnpack",
    "VAR_HANDLE": "AddVarHandle",
    "WHILE": "AddWhile",
    "ZEROS_LIKE": "AddZerosLike",
}
"""Schema name of each builtin operator the runtime has -> method of ``MicroMutableOpResolver``."""

CUSTOM_METHODS = {
    "CIRCULAR_BUFFER": "AddCircularBuffer",
    "SignalDelay": "AddDelay",
    "SignalEnergy": "AddEnergy",
    "SignalFftAutoScale": "AddFftAutoScale",
    "SignalFilterBank": "AddFilterBank",
    "SignalFilterBankLog": "AddFilterBankLog",
    "SignalFilterBankSpectralSubtraction": "AddFilterBankSpectralSubtraction",
    "SignalFilterBankSquareRoot": "AddFilterBankSquareRoot",
    "SignalFramer": "AddFramer",
    "SignalIrfft": "AddIrfft",
    "SignalOverlapAdd": "AddOverlapAdd",
    "SignalPCAN": "AddPCAN",
    "SignalRfft": "AddRfft",
    "SignalStacker": "AddStacker",
    "SignalWindow": "AddWindow",
    "TFLM_DECODE": "AddDecode",
    "TFLite_Detection_PostProcess": "AddDetectionPostprocess",
    "ethos-u": "AddEthosU",
}
"""The same for the custom operators that the runtime brings along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """Registrations of one operator that carry the code of one element type only.

    Attributes
    ----------
    inputs
        Positions of the inputs whose types decide.
    suffixes
        Types of those inputs, then of the first output -> suffix of the registration.
    header
        Header that declares them, where the resolver's own header does not include it.
    """

    inputs: tuple[int, ...]
    suffixes: Mapping[tuple[DType, ...], str]
    header: str = ""


_I4, _I8, _I16 = DType.INT4, DType.INT8, DType.INT16
_Suffixes = dict[tuple[DType, ...], str]
_WEIGHTED: _Suffixes = {(_I8, _I8, _I8): "INT8", (_I8, _I4, _I8): "INT4", (_I16, _I8, _I16): "INT16"}
_UNARY: _Suffixes = {(_I8, _I8): "INT8", (_I16, _I16): "INT16"}
_BINARY: _Suffixes = {(_I8, _I8, _I8): "INT8", (_I16, _I16, _I16): "INT16"}
_INT8_UNARY: _Suffixes = {(_I8, _I8): "INT8"}
_INT8_BINARY: _Suffixes = {(_I8, _I8, _I8): "INT8"}

TYPED = {
    "ADD": Typed(inputs=(0, 1), suffixes=_BINARY),
    "AVERAGE_POOL_2D": Typed(inputs=(0,), suffixes=_UNARY),
    "BATCH_MATMUL": Typed(inputs=(0, 1), suffixes=_BINARY),
    "CONV_2D": Typed(inputs=(0, 1), suffixes=_WEIGHTED),
    "DEPTHWISE_CONV_2D": Typed(inputs=(0, 1), suffixes=_WEIGHTED),
    "FULLY_CONNECTED": Typed(inputs=(0, 1), suffixes=_WEIGHTED),
    "MAXIMUM": Typed(inputs=(0, 1), suffixes=_INT8_BINARY),
    "MAX_POOL_2D": Typed(inputs=(0,), suffixes=_UNARY),
    "MINIMUM": Typed(inputs=(0, 1), suffixes=_INT8_BINARY),
    "MUL": Typed(inputs=(0, 1), suffixes=_INT8_BINARY),
    "PAD": Typed(inputs=(0,), suffixes=_INT8_UNARY, header="tensorflow/lite/micro/kernels/pad.h"),
    "SOFTMAX": Typed(inputs=(0,), suffixes=_UNARY | {(_I8, _I16): "INT8_INT16"}),
    "SVDF": Typed(inputs=(0, 1), suffixes=_INT8_BINARY),
    "TRANSPOSE_CONV": Typed(inputs=(2, 1), suffixes=_INT8_BINARY),
}
"""Operators with typed registrations.

Two that the runtime declares are left out on purpose: the LSTM's asserts
16-bit weights in its int8 path and so stops a debug build, and TRANSPOSE's
reads four axes whatever the rank.
"""
