"""What TensorFlow Lite Micro with CMSIS-NN cannot run, or runs to wrong results.

A constraint is a function of the graph and one of its operators that is true
where the operator is fine; its docstring is what a user reads where it is not.
To add one: write the function and name it in `CONSTRAINTS`.

Source: tflite-micro@90b983c2b (``micro_mutable_op_resolver.h`` and the kernels);
every kind was tried in the interpreter.
"""

from __future__ import annotations

from collections.abc import Callable

from devices.graph import DType, Graph, Operator, Tensor

Constraint = Callable[[Graph, Operator], bool]

_INT4 = (DType.INT4, DType.INT2, DType.UINT4)
_WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})
_RECURRENT = frozenset({"SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM"})  # input 1 holds weights here too

OPERATORS = frozenset(
    """
    ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_ARGS
    BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS CUMSUM DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE
    DIV DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL EXP EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD
    FULLY_CONNECTED GATHER GATHER_ND GREATER GREATER_EQUAL HARD_SWISH IF L2_NORMALIZATION L2_POOL_2D LEAKY_RELU
    LESS LESS_EQUAL LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM
    MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2 PRELU QUANTIZE READ_VARIABLE REDUCE_ALL REDUCE_MAX REDUCE_MIN RELU
    RELU6 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX
    SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM SVDF
    TANH TRANSPOSE TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK VAR_HANDLE WHILE ZEROS_LIKE
    """.split()  # noqa: SIM905 - one name a line would hide the list
)


def unsupported(graph: Graph) -> tuple[str, ...]:
    """Why the runtime cannot run `graph`: one sentence per operator and constraint, none where it can."""
    return tuple(
        f"Operator {index} ({operator.name}): {constraint.__doc__}"
        for index, operator in enumerate(graph.operators)
        for constraint in CONSTRAINTS
        if not constraint(graph, operator)
    )


def builtin(_graph: Graph, operator: Operator) -> bool:
    """Custom operators are not part of the exported runtime; convert with built-in operators only."""
    return not operator.is_custom


def known(_graph: Graph, operator: Operator) -> bool:
    """TensorFlow Lite Micro does not have this operator; replace the layer by one of operators that it has."""
    return operator.is_custom or operator.name in OPERATORS


def not_hybrid(graph: Graph, operator: Operator) -> bool:
    """Float activations with integer weights (dynamic range) are refused; quantise the activations too."""
    if operator.name in _RECURRENT:
        source, weights = graph.tensor(operator, 0), graph.tensor(operator, 1)
    else:
        source, weights = _source(graph, operator), _weights(graph, operator)
    return source is None or weights is None or source.dtype is not DType.FLOAT32 or weights.dtype is DType.FLOAT32


def activations_known(graph: Graph, operator: Operator) -> bool:
    """Activations must be float32, int8 or int16; convert again with one of them."""
    source = _source(graph, operator)
    return source is None or source.dtype in (DType.FLOAT32, DType.INT8, DType.INT16, DType.FLOAT16)


def no_float16(graph: Graph, operator: Operator) -> bool:
    """Float16 tensors are refused; keep float32 weights or quantise to int8."""
    touched = (*operator.inputs, *operator.outputs)
    return all(graph.tensors[index].dtype is not DType.FLOAT16 for index in touched if index >= 0)


def not_weight_only(graph: Graph, operator: Operator) -> bool:
    """Weights stored as integers and dequantised at run time give wrong results; quantise the activations too."""
    source = graph.tensor(operator, 0)
    is_constant = source is not None and source.constant_bytes is not None
    return operator.name != "DEQUANTIZE" or not is_constant or source is None or source.dtype is DType.FLOAT16


def no_int2(graph: Graph, operator: Operator) -> bool:
    """Weights below 4 bits are refused; use int4 or int8."""
    weights = _weights(graph, operator)
    return weights is None or weights.dtype not in (DType.INT2, DType.UINT4)


def int4_kernel(graph: Graph, operator: Operator) -> bool:
    """There is no int4 kernel for transposed convolutions; use int8 weights."""
    weights = _weights(graph, operator)
    return operator.name != "TRANSPOSE_CONV" or weights is None or weights.dtype not in _INT4


def int4_fully_connected_per_tensor(graph: Graph, operator: Operator) -> bool:
    """Weights of 4 bits of a fully connected layer must have one scale, not one per channel."""
    weights = _weights(graph, operator)
    return operator.name != "FULLY_CONNECTED" or weights is None or weights.dtype not in _INT4 or weights.scales <= 1


def int4_with_int8(graph: Graph, operator: Operator) -> bool:
    """Weights of 4 bits need int8 activations, not int16; use int8 weights or int8 activations."""
    source, weights = _source(graph, operator), _weights(graph, operator)
    return source is None or weights is None or source.dtype is not DType.INT16 or weights.dtype not in _INT4


def int16_fully_connected_per_tensor(graph: Graph, operator: Operator) -> bool:
    """With int16 activations the weights of a fully connected layer must have one scale, not one per channel."""
    source, weights = _source(graph, operator), _weights(graph, operator)
    if operator.name != "FULLY_CONNECTED" or source is None or weights is None:
        return True
    return source.dtype is not DType.INT16 or weights.scales <= 1


def int16_extreme(graph: Graph, operator: Operator) -> bool:
    """There is no int16 kernel for the greatest or least of an axis; use int8 activations or average pooling."""
    source = graph.tensor(operator, 0)
    return operator.name not in ("REDUCE_MAX", "REDUCE_MIN") or source is None or source.dtype is not DType.INT16


def _weights(graph: Graph, operator: Operator) -> Tensor | None:
    return graph.tensor(operator, 1) if operator.name in _WEIGHTED else None


def _source(graph: Graph, operator: Operator) -> Tensor | None:
    """Activations of an operator with weights."""
    if operator.name not in _WEIGHTED:
        return None
    return graph.tensor(operator, 2 if operator.name == "TRANSPOSE_CONV" else 0)


CONSTRAINTS: tuple[Constraint, ...] = (
    builtin,
    known,
    not_hybrid,
    activations_known,
    no_float16,
    not_weight_only,
    no_int2,
    int4_kernel,
    int4_fully_connected_per_tensor,
    int4_with_int8,
    int16_fully_connected_per_tensor,
    int16_extreme,
)
