"""What the kernels of TensorFlow Lite Micro with CMSIS-NN keep in the arena: parsed options and state.

Sizes are those of a 32-bit Arm build without compression support (enumerations
of one byte, pointers of four), read from tflite-micro@90b983c2b and
CMSIS-NN@4ab83cc3.  Kernels that CMSIS-NN does not have are the portable ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from devices.graph import DType, Graph, Operator, Tensor

QUANTIZED = (DType.INT8, DType.INT16)


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


@dataclass(frozen=True, slots=True)
class Call:
    """An operator of a graph with the kernels of a core."""

    graph: Graph
    operator: Operator
    extension: Extension

    @property
    def source(self) -> Tensor | None:
        """Input 0, the activations of most operators."""
        return self.graph.tensor(self.operator, 0)

    @property
    def weights(self) -> Tensor | None:
        """Input 1, the weights of operators that have them."""
        return self.graph.tensor(self.operator, 1)

    @property
    def out(self) -> Tensor:
        """Output 0."""
        return self.graph.output(self.operator)

    @property
    def is_constant(self) -> bool:
        """Whether weights and bias lie in the file."""
        arguments = (self.weights, self.graph.tensor(self.operator, 2))
        return all(tensor is None or tensor.constant_bytes is not None for tensor in arguments)

    @property
    def is_fast_convolution(self) -> bool:
        """Whether a fully connected int8 layer runs as a 1x1 convolution."""
        weights = self.weights
        return weights is not None and len(self.out.shape) > 2 and bool(weights.shape) and weights.shape[-1] % 4 == 0


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
