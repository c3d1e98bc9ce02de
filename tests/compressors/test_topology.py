"""A topology that cannot be built cannot be written down."""

from __future__ import annotations

import pytest

from compressors.layers import (
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    GlobalPooling2D,
    Input,
    Spec,
    TopologyError,
)
from compressors.topology import Layer, Topology


def _layer(name: str, spec: Spec, *inputs: str) -> Layer:
    return Layer(name=name, spec=spec, inputs=inputs)


IMAGE = _layer("x", Input(shape=(4, 4, 2)))
CONV = Conv2D(filters=3, kernel=(3, 3))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), "starts with an Input"),
        ((_layer("c", CONV, "x"),), "starts with an Input"),
        ((IMAGE, _layer("x", CONV, "x")), "two layers are named 'x'"),
        ((IMAGE, _layer("c", CONV, "d"), _layer("d", CONV, "x")), "reads 'd', which does not precede"),
        ((IMAGE, _layer("y", Input(shape=(4, 4, 2))), _layer("a", Add(), "x", "y")), "second Input"),
        ((IMAGE, _layer("c", CONV)), "0 inputs"),
        ((IMAGE, _layer("c", CONV, "x", "x")), "reads 2 layers, but takes one"),
        ((IMAGE, _layer("dead", CONV, "x"), _layer("c", CONV, "x")), "'dead' does not lead to the output 'c'"),
        ((IMAGE, _layer("c", CONV, "x"), _layer("a", Add(), "x", "c")), "one shape"),
        ((IMAGE, _layer("d", Dense(units=2), "x")), "flat input"),
        ((IMAGE, _layer("c", Conv2D(filters=1, kernel=(5, 5), padding="valid"), "x")), "does not fit"),
        (
            (IMAGE, _layer("c", Conv2D(filters=1, kernel=(1, 1), strides=(2, 2)), "x"),
             _layer("j", Concatenate(), "x", "c")),
            "channels only",
        ),
    ],
)  # fmt: skip
def test_refuses(layers: tuple[Layer, ...], message: str) -> None:
    with pytest.raises(TopologyError, match=message):
        Topology(layers=layers)


def test_digest_is_of_the_structure() -> None:
    """Names do not count, widths do."""
    one = Topology(layers=(IMAGE, _layer("c", CONV, "x")))
    other = Topology(layers=(IMAGE, _layer("other", CONV, "x")))
    wider = Topology(layers=(IMAGE, _layer("c", Conv2D(filters=4, kernel=(3, 3)), "x")))
    assert one.digest() == other.digest() != wider.digest()


def test_weights_are_those_of_the_folded_network() -> None:
    """A convolution without bias, its normalisation, a depthwise and a dense layer with theirs."""
    topology = Topology(
        layers=(
            IMAGE,
            _layer("c", Conv2D(filters=3, kernel=(4, 4), use_bias=False), "x"),
            _layer("n", BatchNormalization(), "c"),
            _layer("d", DepthwiseConv2D(kernel=(3, 3), depth_multiplier=2), "n"),
            _layer("p", GlobalPooling2D(kind="average"), "d"),
            _layer("f", Dense(units=5), "p"),
        )
    )
    assert topology.weights() == 4 * 4 * 2 * 3 + 3 + (3 * 3 + 1) * 3 * 2 + 6 * 5 + 5
