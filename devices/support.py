"""What the runtime of a board cannot run, or runs to wrong results.

A constraint is a function of the graph and one of its operators that is true
where the operator is fine; its docstring is what a user reads where it is not.
To add one: write the function and name it in the tuple of every runtime and
kernel library that it holds for (`CONSTRAINTS`).

Sources: tflite-micro@90b983c2b, CMSIS-NN@4ab83cc3, esp-tflite-micro@99f49e14,
ai-edge-litert 2.3.0.  What portable kernels and LiteRT refuse was tried in
their interpreters; what only CMSIS-NN or ESP-NN refuse was read in their sources.
"""

from __future__ import annotations

from collections.abc import Callable

from devices.device import Device, Kernels
from devices.graph import DType, Graph, Operator, Tensor
from devices.operators import DECODE, FLOAT_ONLY, MOST_AXES, NO_INT16, NOT_IN_LITERT, OPERATORS, UINT8
from devices.vela import NPU_OPERATOR

Constraint = Callable[[Graph, Operator], bool]

_INT4 = (DType.INT4, DType.INT2, DType.UINT4)
_WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})
_LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
_RECURRENT = frozenset({"SVDF", _LSTM})  # input 1 holds weights here too
_MOST_JOINED = 10  # inputs of a CONCATENATION


def unsupported(graph: Graph, device: Device) -> tuple[str, ...]:
    """Why the runtime of `device` cannot run `graph`: a sentence per operator and constraint, none where it can.

    An operator stands by its name, a custom one by its own code.
    """
    constraints = ETHOS_U if device.accelerator is not None else CONSTRAINTS[device.kernels]
    return tuple(
        f"Operator {index} ({operator.name}): {constraint.__doc__}"
        for index, operator in enumerate(graph.operators)
        for constraint in constraints
        if not constraint(graph, operator)
    )


def builtin(_graph: Graph, operator: Operator) -> bool:
    """Custom operators are not scored, for their memory and time are not known; use built-in operators only."""
    return not operator.is_custom


def builtin_or_decode(graph: Graph, operator: Operator) -> bool:
    """Custom operators are not scored, for their memory and time are not known, but TFLM_DECODE; use built-in ones."""
    return not operator.is_custom or is_decode(graph, operator)


def builtin_or_compiled(_graph: Graph, operator: Operator) -> bool:
    """Custom operators other than the Ethos-U's are not scored: memory and time are not known; use built-in ones."""
    return not operator.is_custom or operator.name == NPU_OPERATOR


def known(_graph: Graph, operator: Operator) -> bool:
    """TensorFlow Lite Micro does not have this operator; replace the layer by one of operators that it has."""
    return operator.is_custom or operator.name in OPERATORS


def known_to_litert(_graph: Graph, operator: Operator) -> bool:
    """LiteRT does not have this operator; replace the layer by one of operators that it has."""
    return operator.is_custom or operator.name not in NOT_IN_LITERT


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
    """Weights with a scale per channel, dequantised at run time, give wrong results; quantise activations too."""
    source = graph.tensor(operator, 0)
    return operator.name != "DEQUANTIZE" or source is None or source.scales <= 1


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
    """CMSIS-NN needs one scale, not one per channel, for a fully connected layer of int16 activations."""
    return _has_one_int16_scale(graph, operator)


def esp_nn_int16_fully_connected_per_tensor(graph: Graph, operator: Operator) -> bool:
    """ESP-NN runs fully connected layers of int16 activations with a scale per channel to wrong results; use one."""
    return _has_one_int16_scale(graph, operator)


def whole_channels(graph: Graph, operator: Operator) -> bool:
    """CMSIS-NN runs grouped convolutions to wrong results unless activations and weights are int8; use these."""
    source, weights = graph.tensor(operator, 0), graph.tensor(operator, 1)
    if operator.name != "CONV_2D" or source is None or weights is None or not _are_images(source, weights):
        return True
    is_int8 = source.dtype is DType.INT8 and weights.dtype is DType.INT8
    return source.shape[3] == weights.shape[3] or is_int8 or source.dtype is DType.FLOAT32


def four_axes(graph: Graph, operator: Operator) -> bool:
    """CMSIS-NN takes at most 4 axes here; reshape before and after."""
    source = graph.tensor(operator, 0)
    if source is None or len(source.shape) <= 4:
        return True
    return operator.name != "BATCH_MATMUL" and (operator.name != "TRANSPOSE" or source.dtype is not DType.INT8)


def few_axes(graph: Graph, operator: Operator) -> bool:
    """There are more axes than the kernel takes (4 to 6, by operator); reshape before and after."""
    source = graph.tensor(operator, 0)
    return source is None or len(source.shape) <= MOST_AXES.get(operator.name, len(source.shape))


def few_inputs(_graph: Graph, operator: Operator) -> bool:
    """At most 10 tensors can be concatenated at once; concatenate in steps."""
    return operator.name != "CONCATENATION" or len(operator.inputs) <= _MOST_JOINED


def float_only(graph: Graph, operator: Operator) -> bool:
    """The kernel takes float32 only; replace the layer or keep it in float32."""
    source = graph.tensor(operator, 0)
    return operator.name not in FLOAT_ONLY or source is None or source.dtype is DType.FLOAT32


def not_int16(graph: Graph, operator: Operator) -> bool:
    """The kernel takes float32 and int8, not int16; use int8 activations."""
    source = graph.tensor(operator, 0)
    return operator.name not in NO_INT16 or source is None or source.dtype is not DType.INT16


def not_uint8(graph: Graph, operator: Operator) -> bool:
    """Activations of uint8 are refused; convert again with int8."""
    if operator.is_custom or operator.name in UINT8 or operator.name in _WEIGHTED:  # these have a sentence of their own
        return True
    source = graph.tensor(operator, 0)
    return source is None or source.dtype is not DType.UINT8


def plain_lstm(_graph: Graph, operator: Operator) -> bool:
    """LSTM layers need all four gates, and no peephole, projection or layer normalisation; use a plain LSTM."""
    if operator.name != _LSTM or operator.is_custom:
        return True
    given = [index >= 0 for index in operator.inputs]
    needed, barred = (*range(1, 9), *range(12, 16)), (*range(9, 12), 16, 17, *range(20, 24))
    return len(given) == 24 and all(given[i] for i in needed) and not any(given[i] for i in barred)


def decodes(device: Device) -> bool:
    """True when the board's runtime has TFLM's DECODE operator, which coded weights need."""
    return device.accelerator is None and builtin_or_decode in CONSTRAINTS[device.kernels]


def is_decode(graph: Graph, operator: Operator) -> bool:
    """Whether it looks compressed weights up as TensorFlow Lite Micro does: from two constants each."""
    if not operator.is_custom or operator.name != DECODE or len(operator.inputs) != 2 * len(operator.outputs):
        return False
    return all(index >= 0 and graph.tensors[index].constant_bytes is not None for index in operator.inputs)


def _has_one_int16_scale(graph: Graph, operator: Operator) -> bool:
    source, weights = _source(graph, operator), _weights(graph, operator)
    if operator.name != "FULLY_CONNECTED" or source is None or weights is None:
        return True
    return source.dtype is not DType.INT16 or weights.scales <= 1


def _are_images(*tensors: Tensor) -> bool:
    return all(len(tensor.shape) == 4 for tensor in tensors)


def _weights(graph: Graph, operator: Operator) -> Tensor | None:
    return graph.tensor(operator, 1) if operator.name in _WEIGHTED else None


def _source(graph: Graph, operator: Operator) -> Tensor | None:
    """Activations of an operator with weights."""
    if operator.name not in _WEIGHTED:
        return None
    return graph.tensor(operator, 2 if operator.name == "TRANSPOSE_CONV" else 0)


_MICRO: tuple[Constraint, ...] = (
    known,
    not_hybrid,
    activations_known,
    not_uint8,
    float_only,
    not_int16,
    no_float16,
    not_weight_only,
    no_int2,
    int4_kernel,
    int4_fully_connected_per_tensor,
    int4_with_int8,
    few_axes,
    few_inputs,
    plain_lstm,
)
CONSTRAINTS: dict[Kernels, tuple[Constraint, ...]] = {
    "cmsis-nn": (builtin_or_decode, *_MICRO, int16_fully_connected_per_tensor, whole_channels, four_axes),
    "esp-nn": (builtin, *_MICRO, esp_nn_int16_fully_connected_per_tensor),  # its runtime has no DECODE
    "reference": (builtin_or_decode, *_MICRO),
    "xnnpack": (builtin, known_to_litert),
}
# what Vela leaves on the core is run by CMSIS-NN; of int16 it takes fully connected layers with scales per channel
ETHOS_U: tuple[Constraint, ...] = (builtin_or_compiled, *_MICRO, whole_channels, four_axes)
