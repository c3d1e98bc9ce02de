"""Shapes of operators as kernels see them."""

from __future__ import annotations

import pytest

from devices.graph import DType, Graph, Operator, Options, Tensor
from devices.padding import taps_inside
from devices.workload import workload


@pytest.mark.parametrize("size", [1, 2, 5, 9])
@pytest.mark.parametrize("kernel", [1, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_taps_inside_agrees_with_counting_every_tap(size: int, kernel: int, stride: int, dilation: int) -> None:
    """The closed form per position equals walking over all taps, under SAME padding."""
    out = -(-size // stride)
    before = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0) // 2
    walked = sum(
        0 <= position * stride - before + tap * dilation < size for position in range(out) for tap in range(kernel)
    )
    assert taps_inside(size, kernel, stride, dilation, True, out) == walked


def test_valid_padding_keeps_every_tap_inside() -> None:
    """Without padding every tap reads the image: 4 positions of 3 taps."""
    assert taps_inside(6, 3, 1, 1, False, 4) == 12


def test_a_grouped_convolution_is_its_groups_in_turn() -> None:
    """8 channels in 2 groups: two loop nests of 4 input and 3 output channels each."""
    graph = Graph(
        tensors=(
            Tensor(shape=(1, 5, 5, 8), dtype=DType.INT8),
            Tensor(shape=(6, 3, 3, 4), dtype=DType.INT8, constant_bytes=216, scales=6),
            Tensor(shape=(1, 3, 3, 6), dtype=DType.INT8),
        ),
        operators=(Operator(name="CONV_2D", inputs=(0, 1), outputs=(2,), options=Options()),),
        inputs=(0,),
        outputs=(2,),
    )
    work = workload(graph, graph.operators[0])
    assert (work.batch, work.in_channels, work.out_channels, work.columns) == (2, 4, 3, 36)


def test_an_unlisted_operator_is_its_element_counts() -> None:
    """An operator without a shape of its own is described by what goes in and out."""
    graph = Graph(
        tensors=(Tensor(shape=(1, 4), dtype=DType.INT8), Tensor(shape=(1, 6), dtype=DType.INT8)),
        operators=(Operator(name="PAD", inputs=(0,), outputs=(1,)),),
        inputs=(0,),
        outputs=(1,),
    )
    work = workload(graph, graph.operators[0])
    assert (work.in_elements, work.out_elements, work.weight_bits) == (4, 6, 0)
