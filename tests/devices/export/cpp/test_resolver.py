"""The resolver has exactly the operators of the graph, typed only where every use is of that type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devices.export.cpp.kernels import BUILTIN_METHODS
from devices.export.cpp.resolver import headers, registrations
from devices.export.records import ExportError
from devices.flatbuffer import read_graph
from devices.graph import DType, Graph, Operator, Tensor

_MODELS = (
    "models_mlperf_tiny/keyword_spotting/kws_ref_model.tflite",
    "models_mlperf_tiny/image_classification/pretrainedResnet_quant.tflite",
    "models_mlperf_tiny/image_classification/pretrainedResnet.tflite",
    "models_tflm/mnist_lstm/trained_lstm_int8.tflite",
    "models_tflm/models/keyword_scrambled.tflite",
)


def _graph(*operators: tuple[str, tuple[DType, ...], DType], is_custom: bool = False) -> Graph:
    """A graph of operators, each with tensors of its own: name, types of its inputs, type of its output."""
    tensors: list[Tensor] = []
    made = []
    for name, inputs, output in operators:
        first = len(tensors)
        tensors += [Tensor(shape=(1, 4), dtype=dtype) for dtype in (*inputs, output)]
        positions = tuple(range(first, first + len(inputs)))
        made.append(Operator(name=name, inputs=positions, outputs=(first + len(inputs),), is_custom=is_custom))
    return Graph(tensors=tuple(tensors), operators=tuple(made), inputs=(0,), outputs=(len(tensors) - 1,))


_INT8, _INT4, _INT16, _FLOAT32, _INT32 = DType.INT8, DType.INT4, DType.INT16, DType.FLOAT32, DType.INT32


@pytest.mark.parametrize("model", _MODELS)
def test_lists_exactly_the_operators_of_a_real_network(shared: Path, model: str) -> None:
    graph = read_graph((shared / "data" / model).read_bytes())
    names = {method: name for name, method in BUILTIN_METHODS.items()}
    called = [names[re.match(r"\w+", call)[0]] for call in registrations(graph)]  # type: ignore[index]
    assert called == sorted({operator.name for operator in graph.operators})


@pytest.mark.parametrize(
    ("name", "inputs", "output", "call"),
    [
        ("CONV_2D", (_INT8, _INT8, _INT32), _INT8, "AddConv2D(tflite::Register_CONV_2D_INT8())"),
        ("CONV_2D", (_INT8, _INT4, _INT32), _INT8, "AddConv2D(tflite::Register_CONV_2D_INT4())"),
        ("CONV_2D", (_FLOAT32, _FLOAT32, _FLOAT32), _FLOAT32, "AddConv2D()"),
        (
            "DEPTHWISE_CONV_2D",
            (_INT16, _INT8),
            _INT16,
            "AddDepthwiseConv2D(tflite::Register_DEPTHWISE_CONV_2D_INT16())",
        ),
        ("SOFTMAX", (_INT8,), _INT16, "AddSoftmax(tflite::Register_SOFTMAX_INT8_INT16())"),
        ("TRANSPOSE_CONV", (_INT32, _INT8, _INT8), _INT8, "AddTransposeConv(tflite::Register_TRANSPOSE_CONV_INT8())"),
        ("MUL", (_INT16, _INT16), _INT16, "AddMul()"),  # the header declares int8 alone
        ("RESHAPE", (_INT8, _INT32), _INT8, "AddReshape()"),
    ],
)
def test_registration_of_one_operator(name: str, inputs: tuple[DType, ...], output: DType, call: str) -> None:
    assert registrations(_graph((name, inputs, output))) == (call,)


def test_two_types_of_one_operator_need_the_registration_of_all_types() -> None:
    """A typed registration would run the other type's data as its own."""
    graph = _graph(("CONV_2D", (_INT8, _INT8), _INT8), ("CONV_2D", (_INT8, _INT4), _INT8))
    assert registrations(graph) == ("AddConv2D()",)


def test_an_absent_input_is_no_type() -> None:
    graph = _graph(("FULLY_CONNECTED", (_INT8, _INT8), _INT8))
    lone = Operator(name="FULLY_CONNECTED", inputs=(0, -1), outputs=(2,))
    assert registrations(Graph(tensors=graph.tensors, operators=(lone,), inputs=(0,), outputs=(2,))) == (
        "AddFullyConnected()",
    )


def test_pad_brings_its_header_only_where_it_is_typed() -> None:
    assert headers(_graph(("PAD", (_INT8, _INT32), _INT8))) == ("tensorflow/lite/micro/kernels/pad.h",)
    assert headers(_graph(("PAD", (_FLOAT32, _INT32), _FLOAT32))) == ()


def test_the_runtimes_own_custom_operators_are_known() -> None:
    assert registrations(_graph(("TFLM_DECODE", (_INT8,), _INT8), is_custom=True)) == ("AddDecode()",)


@pytest.mark.parametrize(("name", "is_custom"), [("RFFT2D", False), ("Mine", True), ("CONV_2D", True)])
def test_refuses_what_the_runtime_has_no_kernel_for(name: str, is_custom: bool) -> None:
    with pytest.raises(ExportError, match=f"operator '{name}' has no kernel in TensorFlow Lite Micro"):
        registrations(_graph((name, (_FLOAT32,), _FLOAT32), is_custom=is_custom))


@pytest.mark.parametrize("name", ["IF", "WHILE", "CALL_ONCE"])
def test_refuses_control_flow(name: str) -> None:
    with pytest.raises(ExportError, match=f"operator {name} runs subgraphs"):
        registrations(_graph((name, (_INT8,), _INT8)))
