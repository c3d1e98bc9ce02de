"""Multiply-accumulates of operators, counted by hand from their shapes."""

from __future__ import annotations

import pytest

from devices.graph import DType, Graph, Operator, Tensor


def macs(name: str, inputs: tuple[tuple[int, ...] | None, ...], output: tuple[int, ...]) -> int:
    """MACs of one operator on tensors of these shapes; None is an input that is left out."""
    tensors = [Tensor(shape=shape or (), dtype=DType.INT8, constant_bytes=None) for shape in (*inputs, output)]
    positions = tuple(-1 if shape is None else index for index, shape in enumerate(inputs))
    operator = Operator(name=name, inputs=positions, outputs=(len(inputs),))
    return Graph(tensors=tuple(tensors), operators=(operator,), inputs=(0,), outputs=(len(inputs),)).macs(operator)


@pytest.mark.parametrize(
    ("name", "inputs", "output", "expected"),
    [
        ("CONV_2D", ((1, 8, 8, 3), (4, 3, 3, 3)), (1, 8, 8, 4), 8 * 8 * 4 * 27),
        ("DEPTHWISE_CONV_2D", ((1, 8, 8, 3), (1, 3, 3, 6)), (1, 8, 8, 6), 8 * 8 * 6 * 9),
        ("FULLY_CONNECTED", ((1, 12), (5, 12)), (1, 5), 60),
        # every pixel of the image goes through the whole window of every filter
        ("TRANSPOSE_CONV", ((4,), (6, 3, 3, 2), (1, 4, 4, 2)), (1, 8, 8, 6), 4 * 4 * 2 * 6 * 9),
        # 16 filters of 10 inputs, then 16 of a memory of 8
        ("SVDF", ((1, 10), (16, 10), (16, 8)), (1, 4), 16 * 10 + 16 * 8),
        # 7 steps of 4 gates with 3 inputs and 5 states each
        (
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            ((1, 7, 3), *[(5, 3)] * 4, *[(5, 5)] * 4, None, None, None),
            (1, 7, 5),
            7 * 4 * (5 * 3 + 5 * 5),
        ),
        ("SOFTMAX", ((1, 5),), (1, 5), 0),
    ],
)
def test_macs(name: str, inputs: tuple[tuple[int, ...] | None, ...], output: tuple[int, ...], expected: int) -> None:
    assert macs(name, inputs, output) == expected
