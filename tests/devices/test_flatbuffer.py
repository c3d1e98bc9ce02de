"""Reading a file gives a graph or one kind of error."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from devices.flatbuffer import ModelFileError, read_graph, read_ports
from devices.geometry import misshapen
from devices.graph import DType, Graph, Operator, Options, Tensor
from tests.devices.models import mutations, packed, shared_models


def edited(content: bytes, **changes: object) -> schema.ModelT:
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for name, value in changes.items():
        setattr(model, name, value)
    return model


def test_reads_operators_tensors_and_options(tiny_model: bytes) -> None:
    """Names, shapes, types, bits and options are those of the network that was converted."""
    graph = read_graph(tiny_model)
    names = [operator.name for operator in graph.operators]
    assert names == [
        "CONV_2D",
        *["DEPTHWISE_CONV_2D", "CONV_2D"] * 2,
        "MEAN",
        "FULLY_CONNECTED",
        "SOFTMAX",
    ]
    first, weights = graph.operators[0], graph.tensor(graph.operators[0], 1)
    assert (first.options.stride_height, first.options.stride_width, first.options.padding) == (2, 2, "SAME")
    assert first.options.activation == "RELU"
    assert weights is not None
    assert (weights.shape, weights.dtype, weights.scales, weights.constant_bytes) == ((8, 3, 3, 1), DType.INT8, 8, 72)
    assert graph.output(graph.operators[1]).shape == (1, 4, 4, 8)
    assert sum(graph.macs(operator) for operator in graph.operators) == 16 * (72 + 72 + 128 + 144 + 384) + 240


def test_reads_ports(tiny_model: bytes) -> None:
    """The input is (1, 8, 8, 1) int8 in [0, 1], the output a softmax with the fixed scale of 1/256."""
    source, result = read_ports(tiny_model)
    assert (source.shape, source.dtype, source.zero_point) == ((1, 8, 8, 1), DType.INT8, -128)
    assert source.scale == pytest.approx(1 / 255, rel=0.05)
    assert (result.shape, result.scale, result.zero_point) == ((1, 10), 1 / 256, -128)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x89PNG\r\n\x1a\n" + bytes(100), bytes(64)])
def test_refuses_what_is_not_tflite(content: bytes) -> None:
    """The error names the rule, what was found and the remedy."""
    with pytest.raises(ModelFileError, match=r"must be TFL3.*give a \.tflite file"):
        read_graph(content)


def test_refuses_several_subgraphs(tiny_model: bytes) -> None:
    """Control flow cannot be scored, so the error says how to avoid it."""
    subgraph = edited(tiny_model).subgraphs[0]
    for subgraphs in ([], [subgraph, subgraph]):
        content = packed(edited(tiny_model, subgraphs=subgraphs))
        with pytest.raises(ModelFileError, match=f"exactly one subgraph, this one has {len(subgraphs)}"):
            read_graph(content)


@pytest.mark.parametrize(
    ("shape", "signature"),
    [((-1, 8, 8, 1), None), ((1, 8, 8, 1), (1, -1, 8, 1)), ((4, 8, 8, 1), (-1, 8, 8, 1))],
)
def test_refuses_dynamic_shapes(tiny_model: bytes, shape: tuple[int, ...], signature: tuple[int, ...] | None) -> None:
    """An open axis other than a batch of 1 has no footprint; the remedy is a static batch."""
    model = edited(tiny_model)
    tensor = model.subgraphs[0].tensors[0]
    tensor.shape = np.array(shape, np.int32)
    tensor.shapeSignature = None if signature is None else np.array(signature, np.int32)
    with pytest.raises(ModelFileError, match="convert with a static batch of 1"):
        read_graph(packed(model))


def test_reads_an_open_batch_as_one(tiny_model: bytes) -> None:
    """The MLPerf models leave the batch open in the signature only; the runtime takes the shape, which says 1."""
    model = edited(tiny_model)
    model.subgraphs[0].tensors[0].shapeSignature = np.array((-1, 8, 8, 1), np.int32)
    assert read_graph(packed(model)) == read_graph(tiny_model)


def test_reads_the_deprecated_operator_code(tiny_model: bytes) -> None:
    """Files of old converters have the code only in the one-byte field."""
    model = edited(tiny_model)
    for code in model.operatorCodes:
        code.deprecatedBuiltinCode, code.builtinCode = code.builtinCode, 0
    assert read_graph(packed(model)) == read_graph(tiny_model)


@pytest.mark.parametrize(
    ("part", "field", "value", "words"),
    [
        ("tensors", "buffer", 999, "names buffer 999"),
        ("tensors", "type", 99, "type 99"),
        ("operators", "opcodeIndex", 99, "operator code 99"),
        ("operators", "inputs", [-2], "names tensor -2"),
        ("operators", "outputs", [500], "names tensor 500"),
        ("operators", "outputs", [], "has no output"),
    ],
)
def test_refuses_indexes_out_of_range(tiny_model: bytes, part: str, field: str, value: object, words: str) -> None:
    """Whatever reads the graph may trust its indexes."""
    model = edited(tiny_model)
    setattr(getattr(model.subgraphs[0], part)[0], field, value)
    with pytest.raises(ModelFileError, match=f"corrupt.*{words}"):
        read_graph(packed(model))


def test_refuses_a_stride_of_zero(tiny_model: bytes) -> None:
    """Nothing can be computed for it."""
    model = edited(tiny_model)
    model.subgraphs[0].operators[0].builtinOptions.strideW = 0
    with pytest.raises(ModelFileError, match="stride_width of 0"):
        read_graph(packed(model))


def test_refuses_a_buffer_that_is_too_small(tiny_model: bytes) -> None:
    """The runtime would read past it."""
    model = edited(tiny_model)
    weights = model.subgraphs[0].operators[0].inputs[1]
    model.subgraphs[0].tensors[weights].shape = np.array((9, 3, 3, 1), np.int32)
    with pytest.raises(ModelFileError, match="needs 81 bytes, its buffer has 72"):
        read_graph(packed(model))


@pytest.mark.parametrize(
    ("position", "shape", "words"),
    [
        (0, (1, 1 << 30, 2, 1), "of 2147483648 bytes, and no device here can hold 2 GB"),
        (0, (64,), "has input of 1 axes instead of 4"),
        (1, (72,), "has weights of 1 axes instead of 4"),
    ],
)
def test_refuses_absurd_shapes(tiny_model: bytes, position: int, shape: tuple[int, ...], words: str) -> None:
    """Costs are loops over shapes, so they must be possible ones."""
    model = edited(tiny_model)
    tensor = model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[position]]
    tensor.shape, tensor.shapeSignature = np.array(shape, np.int32), None
    with pytest.raises(ModelFileError, match=words):
        read_graph(packed(model))


def test_refuses_an_absurd_window() -> None:
    """A pool may claim any window: its options are two numbers."""
    image = Tensor(shape=(1, 4, 4, 8), dtype=DType.INT8)
    pool = Operator(name="MAX_POOL_2D", inputs=(0,), outputs=(0,), options=Options(filter_width=1 << 20))
    graph = Graph(tensors=(image,), operators=(pool,), inputs=(0,), outputs=(0,))
    assert misshapen(graph, pool) == "has a window of 1 x 1048576, more than 32768 along one axis"


def test_refuses_more_operators_than_any_network_has(tiny_model: bytes) -> None:
    """Placing buffers takes the square of their number; a file of 20 kB can claim 5,000 operators."""
    model = edited(tiny_model)
    model.subgraphs[0].operators = model.subgraphs[0].operators[:1] * 4097
    with pytest.raises(ModelFileError, match="has 4097 operators, TinyFront reads 4096 at most"):
        read_graph(packed(model))


def test_refuses_several_ports(tiny_model: bytes) -> None:
    """A second output has no place in an artifact."""
    model = edited(tiny_model)
    model.subgraphs[0].outputs = [20, 21]
    with pytest.raises(ModelFileError, match="this one has 1 and 2"):
        read_ports(packed(model))


def test_mutations_raise_one_kind_of_error(tiny_model: bytes) -> None:
    """Of 500 damaged files, each is read, with indexes in range, or refused."""
    refused = 0
    for content in mutations(tiny_model, 500, seed=1):
        try:
            graph = read_graph(content)
        except ModelFileError:
            refused += 1
            continue
        assert all(0 <= index < len(graph.tensors) for operator in graph.operators for index in operator.outputs)
    assert 100 < refused < 500


def test_shared_models_are_read(shared: Path) -> None:
    """Every reference model is one static subgraph; sizes agree with the buffers."""
    for path in shared_models(shared):
        graph = read_graph(path.read_bytes())
        assert graph.operators, path
        for tensor in graph.tensors:
            assert tensor.constant_bytes in (None, tensor.nbytes) or not math.prod(tensor.shape), path
