"""What is foretold without weights is what the converter writes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from compressors.compressor import Context
from compressors.layers import (
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalPooling2D,
    Input,
    Pooling2D,
    Spec,
    TopologyError,
    ZeroPadding2D,
)
from compressors.lower import lower
from compressors.quantization import Quantization, Quantizer
from compressors.topology import Layer, Topology
from devices.boards import load_device
from devices.flatbuffer import read_graph
from devices.graph import Graph, Operator
from devices.memory import plan_arena
from devices.slim import predicted_bytes
from devices.support import unsupported

Granularity = Literal["channel", "tensor"]
BOARD = load_device("nucleo-l4r5zi")
RELU, RELU6, SIGMOID = (Activation(function="relu"), Activation(function="relu6"), Activation(function="sigmoid"))
NORM, AVERAGE, ADD, JOIN, FLAT = (
    BatchNormalization(),
    GlobalPooling2D(kind="average"),
    Add(),
    Concatenate(),
    Flatten(),
)


def conv(filters: int, kernel: int = 3, **options: Any) -> Conv2D:
    return Conv2D(filters=filters, kernel=(kernel, kernel), **options)


def depthwise(**options: Any) -> DepthwiseConv2D:
    return DepthwiseConv2D(kernel=(3, 3), **options)


def pad(top: int, bottom: int, left: int, right: int) -> ZeroPadding2D:
    return ZeroPadding2D(padding=((top, bottom), (left, right)))


def pool(kind: Literal["max", "average"], size: int, stride: int, **options: Any) -> Pooling2D:
    return Pooling2D(kind=kind, size=(size, size), strides=(stride, stride), **options)


def network(shape: tuple[int, ...], **layers: Spec | tuple[Any, ...]) -> Topology:
    """``name=spec`` reads the layer before it, ``name=(spec, "a", "b")`` the layers named; the input is ``x``."""
    made = [Layer(name="x", spec=Input(shape=shape))]
    for name, value in layers.items():
        spec, *inputs = value if isinstance(value, tuple) else (value, made[-1].name)
        made.append(Layer(name=name, spec=spec, inputs=tuple(inputs)))
    return Topology(layers=tuple(made))


# What no structure of tests/compressors/conftest.py has.
NETWORKS: dict[str, Topology] = {
    "normalised input": network(
        (8, 6, 3), n=NORM, a=conv(8, 1, strides=(2, 2)), b=NORM, r=RELU6, f=FLAT, o=Dense(units=2)
    ),
    "normalised grey input": network(
        (8, 6, 1), n=NORM, a=conv(12, padding="valid"), r=RELU, m=pool("max", 2, 2), n2=NORM, r2=RELU, p=AVERAGE,
        n3=NORM, o=Dense(units=2, activation="softmax"),
    ),
    "padding that is SAME, and that is not": network(
        (8, 7, 2), p1=pad(1, 1, 1, 1), a=conv(8, padding="valid"), r=RELU, p2=pad(0, 1, 1, 1),
        b=depthwise(strides=(2, 2), padding="valid"), p3=pad(1, 1, 1, 1), c=conv(8, strides=(2, 2), padding="valid"),
        g=AVERAGE, o=Dense(units=3),
    ),
    "normalisation around dense layers": network(
        (12,), n0=NORM, a=Dense(units=10, use_bias=False), n1=NORM, b=Dense(units=9), n2=NORM,
        c=Dense(units=8, activation="relu"), n3=NORM, d=Dense(units=7, use_bias=False), r=RELU,
        e=Dense(units=6), f=Dense(units=5, activation="relu"), s=Dense(units=2, activation="softmax"),
    ),
    "dense layer read twice": network(
        (8,), a=Dense(units=12), r=RELU, b=Dense(units=12), s=(ADD, "a", "b"), t=Activation(function="tanh"),
        o=Dense(units=3),
    ),
    "rectifiers that do not fuse": network(
        (6, 6, 4), r0=RELU, a=conv(8, activation="relu"), r1=RELU6, b=conv(8), r2=RELU, c=(conv(8), "r2"),
        s=(ADD, "b", "c"), m=GlobalPooling2D(kind="max"), r3=RELU, o=Dense(units=2),
    ),
    "rectifiers that do": network(
        (8, 8, 2), a=conv(8), m=pool("max", 2, 2), r=RELU, b=conv(8), v=pool("average", 2, 2), r6=RELU6, c=conv(6),
        f=FLAT, r2=RELU, o=Dense(units=5),
    ),
    "pre-activation": network(
        (6, 6, 3), a=conv(8), n=NORM, r=RELU, b=conv(8, use_bias=False), n2=NORM, r2=RELU, c=conv(8), s=(ADD, "a", "c"),
        n3=NORM, r3=RELU, g=AVERAGE, o=Dense(units=4),
    ),
    "reshapes that go": network(
        (3, 3, 8), a=conv(16, padding="valid"), f=FLAT, n=NORM, s=SIGMOID, d=Dense(units=6), f2=FLAT, o=Dense(units=4)
    ),
    "dense connections": network(
        (6, 6, 3), a=conv(6, activation="relu"), b=conv(6, activation="relu"), j=(JOIN, "a", "b"), c=conv(6), r=RELU,
        k=(JOIN, "a", "b", "r"), v=pool("average", 2, 2), g=AVERAGE, o=Dense(units=4),
    ),
    "scales of their own into a concatenation": network(
        (6, 6, 3), a=conv(8, activation="sigmoid"), m=pool("max", 2, 2), b=(conv(8, strides=(2, 2)), "x"),
        t=Activation(function="tanh"), j=(JOIN, "m", "t"), c=conv(4), f=FLAT, o=Dense(units=2, activation="sigmoid"),
    ),
    "branches taken in another order than written": network(
        (6, 6, 3), a=conv(8), p=conv(8), b=(conv(8), "p"), c=(conv(8, 1), "a"), d=(conv(8, 1), "p"),
        s=(ADD, "b", "c", "d", "a"), g=AVERAGE, o=Dense(units=4),
    ),
    "the same twice": network(
        (6, 6, 3), a=conv(8), r=RELU, q=(RELU, "a"), d=Dropout(rate=0.1), m=(pool("max", 2, 2), "r"),
        n=(pool("max", 2, 2), "d"), b=conv(8, 1), s=(ADD, "m", "n", "b"), g=AVERAGE, o=Dense(units=4),
    ),
    "windows and strides that are not square": network(
        (9, 6, 2), a=Conv2D(filters=8, kernel=(5, 3), strides=(2, 1)), b=DepthwiseConv2D(kernel=(3, 5), strides=(2, 1)),
        m=Pooling2D(kind="max", size=(2, 1), strides=(2, 1), padding="same"),
        c=DepthwiseConv2D(kernel=(1, 3), depth_multiplier=3), g=GlobalPooling2D(kind="max"), o=Dense(units=2),
    ),
}  # fmt: skip


def _file(topology: Topology, settings: Quantization, trained: Callable[..., Any]) -> bytes:
    samples = np.random.default_rng(1).normal(size=(4, *topology.input_shape)).astype(np.float32)
    context = Context(calibration=samples, fine_tune=lambda _network, _share, **_options: None)
    return Quantizer().compress(trained(topology), settings, context).content


def _renumbered(graph: Graph) -> Graph:
    """The same graph with tensors numbered by first use, so that equal networks are equal graphs."""
    uses = [index for operator in graph.operators for index in (*operator.inputs, *operator.outputs) if index >= 0]
    order = list(dict.fromkeys((*graph.inputs, *uses, *range(len(graph.tensors)))))
    number = {old: new for new, old in enumerate(order)} | {-1: -1}

    def moved(indexes: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(number[index] for index in indexes)

    operators = tuple(
        Operator(name=o.name, inputs=moved(o.inputs), outputs=moved(o.outputs), options=o.options)
        for o in graph.operators
    )
    tensors = tuple(graph.tensors[index] for index in order)
    return Graph(tensors=tensors, operators=operators, inputs=moved(graph.inputs), outputs=moved(graph.outputs))


def _agrees(topology: Topology, settings: Quantization, trained: Callable[..., Any]) -> None:
    content = _file(topology, settings, trained)
    real, foretold = read_graph(content), lower(topology, settings)
    assert [operator.name for operator in foretold.operators] == [operator.name for operator in real.operators]
    assert _renumbered(foretold) == _renumbered(real)
    assert sum(map(foretold.macs, foretold.operators)) == sum(map(real.macs, real.operators)) > 0
    if not unsupported(real, BOARD):  # what is for computers only has no arena
        assert plan_arena(foretold, "cortex-m4") == plan_arena(real, "cortex-m4")
    # In files of 2 kB, constants and zero points that happen to be equal, and so are stored once, weigh more.
    assert predicted_bytes(foretold) == pytest.approx(len(content), rel=0.03, abs=200)


@pytest.mark.parametrize("granularity", ["channel", "tensor"])
@pytest.mark.parametrize("name", NETWORKS)
def test_rules_of_the_converter(name: str, granularity: Granularity, trained: Callable[..., Any]) -> None:
    """Operators, tensors, options, arena and size are those of the converted file, for what fuses and what does not."""
    _agrees(NETWORKS[name], Quantization(granularity=granularity), trained)


@pytest.mark.parametrize(
    "settings",
    [
        Quantization(weight_bits=4, granularity="tensor"),
        Quantization(activation_bits=16),
        Quantization(weight_bits=32, activation_bits=32),
    ],
    ids=("int4", "int16", "float32"),
)
@pytest.mark.parametrize("name", NETWORKS)
def test_other_bits_keep_the_rules(name: str, settings: Quantization, trained: Callable[..., Any]) -> None:
    """The same where the file is rewritten, and for the float file that it is rewritten from."""
    _agrees(NETWORKS[name], settings, trained)


@pytest.mark.parametrize("granularity", ["channel", "tensor"])
def test_typical_networks(example: Topology, granularity: Granularity, trained: Callable[..., Any]) -> None:
    """The same for the structures that searches draw."""
    _agrees(example, Quantization(granularity=granularity), trained)


@pytest.mark.parametrize(
    "settings",
    [
        Quantization(weight_bits=4),
        Quantization(activation_bits=16),
        Quantization(activation_bits=32),
        Quantization(weight_bits=16, activation_bits=32),
        Quantization(weight_bits=32, activation_bits=32),
        Quantization(scales="power_of_two", overrides=(("out", 4.0),)),
    ],
    ids=("int4", "int16", "dynamic", "float16", "float32", "mixed"),
)
def test_typical_networks_in_other_bits(example: Topology, settings: Quantization, trained: Callable[..., Any]) -> None:
    """Every legal pair of bits, and a layer with bits of its own."""
    _agrees(example, settings, trained)


def test_names_do_not_count() -> None:
    """Equal topologies are lowered to equal graphs, whatever their layers are called."""
    topology = NETWORKS["branches taken in another order than written"]
    count = len(topology.layers)
    new = {layer.name: f"layer{count - index}" for index, layer in enumerate(topology.layers)}
    renamed = Topology(
        layers=tuple(
            Layer(name=new[layer.name], spec=layer.spec, inputs=tuple(new[read] for read in layer.inputs))
            for layer in topology.layers
        )
    )
    assert lower(renamed) == lower(topology)


def test_a_network_that_computes_nothing_is_refused() -> None:
    """The converter would write a float file without operators."""
    with pytest.raises(TopologyError, match="the output is the input: add a layer that computes something"):
        lower(network((4, 4, 1), a=Activation(function="linear"), d=Dropout(rate=0.5)))


def test_needs_no_tensorflow() -> None:
    """Candidates are screened in a process that never imports it."""
    program = (
        "import sys\n"
        "from compressors.lower import lower\n"
        "from compressors.layers import Dense, Input\nfrom compressors.topology import Layer, Topology\n"
        "x, y = Layer(name='x', spec=Input(shape=(3,))), Layer(name='y', spec=Dense(units=2), inputs=('x',))\n"
        "assert [o.name for o in lower(Topology(layers=(x, y))).operators] == ['FULLY_CONNECTED']\n"
        "assert not {'tensorflow', 'tf_keras', 'keras'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])
