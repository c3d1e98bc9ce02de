"""Scratch and persistent buffers of single operators, by hand from the rules of CMSIS-NN."""

from __future__ import annotations

import pytest

from devices.graph import DType, Graph, Operator, Options, Tensor
from devices.kernels import Call, Extension
from devices.persistent import persistent
from devices.scratch import scratch

DSP, MVE, SCALAR = Extension.DSP, Extension.MVE, Extension.SCALAR


def call(
    name: str,
    source: tuple[int, ...],
    weights: tuple[int, ...],
    out: tuple[int, ...],
    extension: Extension = DSP,
    *,
    dtype: DType = DType.INT8,
    bits: DType = DType.INT8,
    scales: int = 1,
    options: Options | None = None,
) -> Call:
    """One operator of activations `dtype` with constant weights."""
    made = Operator(name=name, inputs=(0, 1), outputs=(2,), options=options or Options(padding="SAME"))
    tensors = (
        Tensor(shape=source, dtype=dtype, scales=1),
        Tensor(shape=weights, dtype=bits, constant_bytes=1, scales=scales),
        Tensor(shape=out, dtype=dtype, scales=1),
    )
    graph = Graph(tensors=tensors, operators=(made,), inputs=(0,), outputs=(2,))
    return Call(graph, made, extension)


@pytest.mark.parametrize(
    ("extension", "dtype", "expected"),
    [
        (DSP, DType.INT8, 4 * 28),  # 3*3*3 = 27 taps rounded up to 28, two columns of int16
        (SCALAR, DType.INT8, 4 * 28),
        (MVE, DType.INT8, 4 * 32),  # four columns of int8 in vectors of 16
        (DSP, DType.INT16, 4 * 27),
        (MVE, DType.INT16, 4 * 2 * 32),
    ],
)
def test_convolution_copies_columns(extension: Extension, dtype: DType, expected: int) -> None:
    """3x3 on 3 channels."""
    made = call("CONV_2D", (1, 8, 8, 3), (4, 3, 3, 3), (1, 8, 8, 4), extension, dtype=dtype)
    assert scratch(made) == (expected,)


@pytest.mark.parametrize("extension", [SCALAR, DSP, MVE])
def test_pointwise_convolution_copies_nothing(extension: Extension) -> None:
    """At any stride."""
    for stride, size in ((1, 8), (2, 4)):
        options = Options(padding="SAME", stride_height=stride, stride_width=stride)
        made = call("CONV_2D", (1, 8, 8, 3), (4, 1, 1, 3), (1, size, size, 4), extension, options=options)
        assert scratch(made) == ()


def test_one_row_copies_only_padded_ends_with_mve() -> None:
    """1x3 on 8 channels, one column of padding: (3 + 1) * 8 bytes."""
    shapes = ((1, 1, 20, 8), (4, 1, 3, 8), (1, 1, 20, 4))
    assert scratch(call("CONV_2D", *shapes, MVE)) == (32,)
    assert scratch(call("CONV_2D", *shapes, DSP)) == (4 * 24,)


@pytest.mark.parametrize(
    ("kernel", "extension", "bits", "expected"),
    [
        (3, DSP, DType.INT8, ()),  # has its own kernel
        (5, DSP, DType.INT8, (2 * 6 * 25,)),
        (5, SCALAR, DType.INT8, ()),
        (3, MVE, DType.INT8, (4 * 124 * 9,)),
        (3, DSP, DType.INT4, (2 * 6 * 9,)),
    ],
)
def test_depthwise(kernel: int, extension: Extension, bits: DType, expected: tuple[int, ...]) -> None:
    """6 channels, multiplier 1."""
    made = call("DEPTHWISE_CONV_2D", (1, 8, 8, 6), (1, kernel, kernel, 6), (1, 8, 8, 6), extension, bits=bits)
    assert scratch(made) == expected


def test_depthwise_with_a_multiplier_or_dilation_needs_nothing() -> None:
    """The portable loop runs them, except that MVE turns one channel into a convolution."""
    assert scratch(call("DEPTHWISE_CONV_2D", (1, 8, 8, 2), (1, 5, 5, 4), (1, 8, 8, 4))) == ()
    dilated = Options(padding="SAME", dilation_height=2, dilation_width=2)
    assert scratch(call("DEPTHWISE_CONV_2D", (1, 8, 8, 4), (1, 5, 5, 4), (1, 8, 8, 4), options=dilated)) == ()
    one = ((1, 49, 40, 1), (1, 10, 8, 8), (1, 49, 40, 8))
    assert scratch(call("DEPTHWISE_CONV_2D", *one)) == ()
    assert scratch(call("DEPTHWISE_CONV_2D", *one, MVE)) == (8 * 80 + 4 * 80,)


def test_fully_connected_keeps_sums_with_mve() -> None:
    """Four bytes a neuron for good; per channel also multiplier and shift."""
    shapes = ((1, 24), (10, 24), (1, 10))
    assert persistent(call("FULLY_CONNECTED", *shapes)) == ()
    assert persistent(call("FULLY_CONNECTED", *shapes, MVE)) == (40,)
    assert persistent(call("FULLY_CONNECTED", *shapes, MVE, scales=10)) == (40, 40, 40)
    assert persistent(call("FULLY_CONNECTED", *shapes, MVE, bits=DType.INT4)) == ()


def test_fully_connected_over_positions_runs_as_convolution() -> None:
    """A per-tensor scale is spread over the channels in scratch."""
    shapes = ((1, 6, 24), (10, 24), (1, 6, 10))
    assert scratch(call("FULLY_CONNECTED", *shapes)) == (80,)
    assert scratch(call("FULLY_CONNECTED", *shapes, scales=10)) == ()
    assert scratch(call("FULLY_CONNECTED", (1, 6, 23), (10, 23), (1, 6, 10))) == ()


def test_mean_accumulates_in_scratch() -> None:
    """Sums of the 6 outputs, 4 positions of the walk, 2 axes."""
    assert scratch(call("MEAN", (1, 4, 4, 6), (2,), (1, 6))) == (24, 16, 8)
    assert scratch(call("MEAN", (1, 4, 4, 6), (2,), (1, 6), dtype=DType.FLOAT32)) == (16, 8)


def test_int16_softmax_keeps_two_tables() -> None:
    """513 entries of exp(x) and of 1/(1+x)."""
    assert persistent(call("SOFTMAX", (1, 10), (1,), (1, 10), dtype=DType.INT16)) == (1026, 1026)
    assert persistent(call("SOFTMAX", (1, 10), (1,), (1, 10))) == ()
