"""Small networks of every structure that pruning and conversion must get right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

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
    Reshape,
    Spec,
    ZeroPadding2D,
)
from compressors.topology import Layer, Topology

IMAGE = Input(shape=(8, 8, 3))
RELU, RELU6 = Activation(function="relu"), Activation(function="relu6")
NORM = BatchNormalization()
AVERAGE = GlobalPooling2D(kind="average")


def conv(filters: int, kernel: int = 3, **options: Any) -> Conv2D:
    return Conv2D(filters=filters, kernel=(kernel, kernel), **options)


def depthwise(**options: Any) -> DepthwiseConv2D:
    return DepthwiseConv2D(kernel=(3, 3), **options)


def topology(**layers: Spec | tuple[Any, ...]) -> Topology:
    """``name=spec`` reads the layer before it, ``name=(spec, "a", "b")`` the layers named."""
    made: list[Layer] = []
    for name, value in layers.items():
        if isinstance(value, tuple):
            made.append(Layer(name=name, spec=value[0], inputs=value[1:]))
        else:
            made.append(Layer(name=name, spec=value, inputs=(made[-1].name,) if made else ()))
    return Topology(layers=tuple(made))


HEAD: dict[str, Spec] = {"pool": AVERAGE, "out": Dense(units=4)}

EXAMPLES: dict[str, Topology] = {
    "conv_flatten": topology(
        image=IMAGE,
        c1=conv(8, activation="relu"),
        pool=Pooling2D(kind="max", size=(2, 2), strides=(2, 2)),
        c2=conv(6, strides=(2, 1), padding="valid", activation="tanh"),
        flat=Flatten(),
        hidden=Dense(units=10, activation="relu"),
        drop=Dropout(rate=0.5),
        out=Dense(units=4),
    ),
    "depthwise_separable": topology(
        image=IMAGE,
        c1=conv(8, use_bias=False),
        n1=NORM,
        r1=RELU,
        d1=depthwise(strides=(2, 2), use_bias=False),
        n2=NORM,
        r2=RELU6,
        p1=conv(12, 1, use_bias=False),
        n3=NORM,
        r3=RELU,
        **HEAD,
    ),
    "biased_depthwise": topology(
        image=IMAGE, first=depthwise(), c1=conv(8), d1=depthwise(activation="relu6"), p1=conv(6, 1), **HEAD
    ),
    "depth_multiplier": topology(
        image=IMAGE,
        c1=conv(6, activation="relu"),
        d1=depthwise(depth_multiplier=2),
        n1=NORM,
        d2=depthwise(depth_multiplier=3, activation="relu"),
        p1=conv(8, 1),
        flat=Flatten(),
        out=Dense(units=4),
    ),
    "inverted_residual": topology(
        image=IMAGE,
        stem=conv(8, activation="relu6"),
        e=conv(16, 1, use_bias=False),
        en=NORM,
        er=RELU6,
        d=depthwise(use_bias=False),
        dn=NORM,
        dr=RELU6,
        p=conv(8, 1, use_bias=False),
        pn=NORM,
        add=(Add(), "stem", "pn"),
        **HEAD,
    ),
    "resnet_projection": topology(
        image=IMAGE,
        stem=conv(8, activation="relu"),
        a=conv(12, strides=(2, 2), use_bias=False),
        an=NORM,
        ar=RELU,
        b=conv(12, use_bias=False),
        bn=NORM,
        s=(conv(12, 1, strides=(2, 2)), "stem"),
        add=(Add(), "bn", "s"),
        r=RELU,
        flat=Flatten(),
        out=Dense(units=4),
    ),
    "chained_adds": topology(
        image=IMAGE,
        stem=conv(8),
        a=conv(8, activation="relu"),
        add1=(Add(), "stem", "a"),
        b=depthwise(activation="relu"),
        c=conv(8),
        add2=(Add(), "add1", "c"),
        n=NORM,
        d=conv(8, activation="relu"),
        add3=(Add(), "add2", "d", "a"),
        **HEAD,
    ),
    "concatenate": topology(
        image=IMAGE,
        a=conv(8, activation="relu"),
        b=(conv(6, 1, activation="relu"), "image"),
        pooled=(Pooling2D(kind="max", size=(3, 3), strides=(1, 1), padding="same"), "image"),
        joined=(Concatenate(), "a", "b", "pooled"),
        n=NORM,
        c=conv(8, activation="relu"),
        flat=Flatten(),
        out=Dense(units=4),
    ),
    "concatenate_then_add": topology(
        image=IMAGE,
        a=conv(4),
        b=(conv(6, 1), "image"),
        joined=(Concatenate(), "a", "b"),
        c=(conv(10), "image"),
        add=(Add(), "joined", "c"),
        **HEAD,
    ),
    "mlp": topology(
        features=Input(shape=(12,)),
        h1=Dense(units=16, use_bias=False),
        n1=NORM,
        r1=RELU,
        h2=Dense(units=10, activation="relu"),
        drop=Dropout(rate=0.2),
        out=Dense(units=4),
    ),
    "pooling": topology(
        image=Input(shape=(9, 9, 3)),
        pad=ZeroPadding2D(padding=((1, 0), (0, 2))),
        c1=conv(8, padding="valid", activation="relu"),
        avg=Pooling2D(kind="average", size=(2, 2), strides=(2, 2), padding="same"),
        c2=conv(6),
        max=GlobalPooling2D(kind="max"),
        out=Dense(units=4),
    ),
    "series": topology(
        signal=Input(shape=(20, 3)),
        image=Reshape(shape=(20, 1, 3)),
        c1=Conv2D(filters=8, kernel=(5, 1), strides=(2, 1), use_bias=False),
        n1=NORM,
        r1=RELU,
        p1=Pooling2D(kind="max", size=(2, 1), strides=(2, 1)),
        d1=DepthwiseConv2D(kernel=(3, 1), use_bias=False),
        c2=Conv2D(filters=6, kernel=(1, 1), activation="relu"),
        joined=Reshape(shape=(30,)),
        out=Dense(units=4),
    ),
    "reshape": topology(
        features=Input(shape=(12,)),
        image=Reshape(shape=(4, 3, 1)),
        c1=conv(6, activation="relu"),
        rows=Reshape(shape=(2, 6, 6)),
        c2=conv(8),
        flat=Flatten(),
        whole=Dense(units=12, activation="relu"),
        taken_apart=Reshape(shape=(2, 2, 3)),
        c3=conv(6, 1, activation="relu"),
        again=Flatten(),
        out=Dense(units=4),
    ),
}

SOFTMAX = Activation(function="softmax")

# The conformance suite puts every technique on each of these.
FOUR: dict[str, Topology] = {
    name: Topology(layers=(*EXAMPLES[name].layers, Layer(name="probabilities", spec=SOFTMAX, inputs=("out",))))
    for name in ("conv_flatten", "depthwise_separable", "resnet_projection", "mlp")
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `example` runs on every structure; one that takes `classifier` on four typical ones."""
    for argument, networks in (("example", EXAMPLES), ("classifier", FOUR)):
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, networks.values(), ids=networks.keys())


@pytest.fixture(scope="session")
def examples() -> dict[str, Topology]:
    """All structures by name."""
    return EXAMPLES


def _trained(topology: Topology, seed: int = 0) -> Any:
    """A network with distinct weights everywhere, biases and moving statistics too."""
    from compressors.network import build

    network, rng = build(topology), np.random.default_rng(seed)
    for layer in network.layers:
        if layer.weights:
            fan_in = np.prod(layer.weights[0].shape[:-1]) or 1
            made = [rng.normal(0, 1.4 / np.sqrt(fan_in), weight.shape) for weight in layer.weights[:1]]
            made += [rng.normal(0, 0.3, weight.shape) for weight in layer.weights[1:]]
            if "variance" in layer.weights[-1].name:
                made[0] = rng.uniform(0.5, 1.5, made[0].shape)
                made[-1] = rng.uniform(0.5, 2.0, made[-1].shape)
            layer.set_weights(made)
    return network


@pytest.fixture(scope="session")
def trained() -> Callable[..., Any]:
    """``trained(topology, seed=0)``: a network as if it had been trained."""
    return _trained
