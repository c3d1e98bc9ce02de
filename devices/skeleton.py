"""A ``.tflite`` without its weights, to be weighed before there are any.

Numbers are made up so that what differs in a real file differs here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from devices.graph import DType, Graph, Operator, Tensor

# operators whose output has the scale and zero point of their input
_SAME_SCALE = frozenset(
    {
        "AVERAGE_POOL_2D",
        "EXPAND_DIMS",
        "GATHER",
        "MAX_POOL_2D",
        "PACK",
        "PAD",
        "REDUCE_MAX",
        "REDUCE_MIN",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "SLICE",
        "SPACE_TO_DEPTH",
        "SPLIT",
        "SQUEEZE",
        "STRIDED_SLICE",
        "TRANSPOSE",
    }
)
# outputs that never are negative, whose int8 zero point therefore is -128
_NEVER_NEGATIVE = frozenset({"SOFTMAX", "LOGISTIC", "RELU", "RELU6"})
# operators that the converter leaves at version 1 when they are quantised
_VERSION_ONE = frozenset(
    {"RESHAPE", "QUANTIZE", "SQUEEZE", "EXPAND_DIMS", "HARD_SWISH", "UNIDIRECTIONAL_SEQUENCE_LSTM"}
)
# operators that the converter writes without options, or whose options are not named after them
_CLASSES = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "REDUCE_ALL": "ReducerOptions",
}
_WITHOUT_OPTIONS = frozenset({"RESHAPE", "QUANTIZE", "DEQUANTIZE", "TRANSPOSE", "CAST", "PAD", "PADV2", "EXP"})
_BY_NAME = {
    name.removesuffix("Options").upper(): name
    for name in vars(schema.BuiltinOptions)
    if name.endswith("Options") and not name.startswith("_")
}
# field of `Options` -> field of the schema's option classes
_FIELDS = {
    "stride_height": "strideH",
    "stride_width": "strideW",
    "dilation_height": "dilationHFactor",
    "dilation_width": "dilationWFactor",
    "filter_height": "filterHeight",
    "filter_width": "filterWidth",
    "depth_multiplier": "depthMultiplier",
    "axis": "axis",
}


def skeleton(graph: Graph) -> Any:
    """A ``schema.ModelT`` of `graph` as the converter would write it: no names, every constant different."""
    codes: dict[tuple[str, bool], int] = {}
    operators = []
    for operator in graph.operators:
        number = codes.setdefault((operator.name, _is_quantized(graph, operator)), len(codes))
        operators.append(_operator(operator, number))
    quantizations = _quantizations(graph)
    tensors = [
        _tensor(tensor, index, quantizations[index] if tensor.scales else None)
        for index, tensor in enumerate(graph.tensors)
    ]
    subgraph = schema.SubGraphT(
        tensors=tensors, inputs=list(graph.inputs), outputs=list(graph.outputs), operators=operators
    )
    customs = {operator.name for operator in graph.operators if operator.is_custom}
    return schema.ModelT(
        version=3,
        operatorCodes=[_code(name, quantized, name in customs) for name, quantized in codes],
        subgraphs=[subgraph],
        buffers=[schema.BufferT(), *(_buffer(tensor, index) for index, tensor in enumerate(graph.tensors))],
    )


def _is_quantized(graph: Graph, operator: Operator) -> bool:
    return graph.output(operator).dtype in (DType.INT8, DType.INT16)


def _code(name: str, is_quantized: bool, is_custom: bool) -> Any:
    if is_custom:
        return schema.OperatorCodeT(builtinCode=schema.BuiltinOperator.CUSTOM, customCode=name)
    version = 2 if is_quantized and name not in _VERSION_ONE else 1
    return schema.OperatorCodeT(builtinCode=getattr(schema.BuiltinOperator, name), version=version)


def _operator(operator: Operator, number: int) -> Any:
    made = schema.OperatorT(opcodeIndex=number, inputs=list(operator.inputs), outputs=list(operator.outputs))
    name = _CLASSES.get(operator.name) or _BY_NAME.get(operator.name.replace("_", ""))
    if name is None or operator.is_custom or operator.name in _WITHOUT_OPTIONS:
        return made
    options = getattr(schema, f"{name}T")()
    given = operator.options
    for field, target in _FIELDS.items():
        if hasattr(options, target):
            setattr(options, target, getattr(given, field))
    if hasattr(options, "padding"):
        options.padding = getattr(schema.Padding, given.padding)
    if hasattr(options, "fusedActivationFunction"):
        options.fusedActivationFunction = getattr(schema.ActivationFunctionType, given.activation)
    if hasattr(options, "keepDims"):
        options.keepDims = given.keep_dims
    if hasattr(options, "keepNumDims"):
        options.keepNumDims = given.keep_dims
    if hasattr(options, "beta"):
        options.beta = 1.0
    made.builtinOptions, made.builtinOptionsType = options, getattr(schema.BuiltinOptions, name)
    return made


def _tensor(tensor: Tensor, index: int, quantization: tuple[int, int] | None) -> Any:
    made = schema.TensorT(
        shape=np.array(tensor.shape, np.int32),
        type=getattr(schema.TensorType, tensor.dtype.upper()),
        buffer=index + 1 if tensor.constant_bytes else 0,
        isVariable=tensor.is_variable,
    )
    if quantization is not None:
        scale, zero_point = quantization
        scales = np.zeros(tensor.scales, np.float32)
        scales[0] = scale + 1
        made.quantization = schema.QuantizationParametersT(
            scale=scales,
            zeroPoint=np.full(tensor.scales, zero_point, np.int64),
            quantizedDimension=len(tensor.shape) - 1 if tensor.scales > 1 and tensor.shape[:1] == (1,) else 0,
        )
    return made


def _quantizations(graph: Graph) -> dict[int, tuple[int, int]]:
    """A number that stands for the scale, and a zero point, of every tensor."""
    made = {
        index: (index, 0 if tensor.constant_bytes else _asymmetric(tensor, index))
        for index, tensor in enumerate(graph.tensors)
    }
    for operator in graph.operators:
        for output in operator.outputs:
            source = operator.inputs[0] if operator.inputs else -1
            if operator.name in _SAME_SCALE and source >= 0:
                made[output] = made[source]
            elif operator.name in _NEVER_NEGATIVE or operator.options.activation in ("RELU", "RELU6"):
                made[output] = (output, _lowest(graph.tensors[output]))
            elif operator.name == "CONCATENATION":
                made[output] = _join(made, operator)
            elif operator.name == "MEAN" and source >= 0:
                made[output] = (output, made[source][1])
    return made


def _join(made: dict[int, tuple[int, int]], operator: Operator) -> tuple[int, int]:
    """One scale for all that a concatenation joins and all that share a scale with it."""
    joined = {made[index] for index in operator.inputs}
    # negative numbers in one of them move the zero point of all
    common = max(joined, key=lambda quantization: quantization[1])
    for index, quantization in made.items():
        if quantization in joined:
            made[index] = common
    return common


def _asymmetric(tensor: Tensor, index: int) -> int:
    """A zero point that no other tensor has; int16 is always symmetric."""
    return index + 1 if tensor.dtype is DType.INT8 else 0


def _lowest(tensor: Tensor) -> int:
    return -128 if tensor.dtype is DType.INT8 else 0


def _buffer(tensor: Tensor, index: int) -> Any:
    """Zeros, marked with the index so that no two constants are equal."""
    size = tensor.constant_bytes or 0
    content = np.zeros(size, np.uint8)
    mark = (index + 1).to_bytes(4, "little")[:size]
    content[: len(mark)] = np.frombuffer(mark, np.uint8)
    return schema.BufferT(data=content)
