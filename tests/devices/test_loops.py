"""Loop counts of the kernels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.graph import DType
from devices.loops import KernelSet, loops
from devices.workload import Workload

CONV = Workload(
    op="CONV_2D", dtype=DType.INT8, height=8, width=8, in_channels=8, out_channels=16, kernel_height=3,
    kernel_width=3, same=True, out_height=8, out_width=8, weight_bits=8,
)  # fmt: skip
DEPTHWISE = replace(CONV, op="DEPTHWISE_CONV_2D", out_channels=8)


@pytest.mark.parametrize(
    ("work", "kernels", "family"),
    [
        (CONV, "dsp", "conv"),
        (replace(CONV, kernel_height=1, kernel_width=1), "dsp", "conv_1x1"),
        (replace(CONV, kernel_height=1, kernel_width=1, dtype=DType.INT16), "dsp", "conv"),
        (replace(CONV, height=1, kernel_height=1, out_height=1), "mve", "conv_1xn"),
        (CONV, "mve", "conv"),
        (CONV, "reference", "conv"),
        (DEPTHWISE, "dsp", "depthwise_3x3"),
        (replace(DEPTHWISE, kernel_width=5, kernel_height=5), "dsp", "depthwise"),
        (replace(DEPTHWISE, out_channels=32, multiplier=4), "dsp", "depthwise_multiplier4"),
        (replace(DEPTHWISE, out_channels=16, multiplier=2), "dsp", "depthwise_generic"),
        (replace(DEPTHWISE, dilation_height=2), "dsp", "depthwise_generic"),
        (replace(DEPTHWISE, dtype=DType.INT16), "dsp", "depthwise_generic"),
        (replace(DEPTHWISE, in_channels=1, out_channels=16, multiplier=16), "mve", "conv"),
        (replace(DEPTHWISE, in_channels=1, out_channels=8, multiplier=8), "dsp", "depthwise_multiplier4"),
        (DEPTHWISE, "mve", "depthwise"),
    ],
)
def test_the_kernel_the_library_would_choose(work: Workload, kernels: KernelSet, family: str) -> None:
    """Kernel selection follows CMSIS-NN's wrappers as TFLM calls them."""
    assert loops(work, kernels)[0] == family


def test_multiply_accumulates_are_all_counted() -> None:
    """Four columns x two channels x two pixels a block: the block loops cover every MAC of an even layer."""
    _, counts = loops(CONV, "dsp")
    assert counts["block_quads"] * 16 == CONV.pixels * CONV.columns * CONV.out_channels


def test_padding_moves_taps_but_loses_none() -> None:
    """Inside and padded taps add up to pixels x kernel area; an 8x8 image with a 3x3 kernel has 22 x 22 inside."""
    _, counts = loops(CONV, "dsp")
    assert counts["taps_inside"] == 22 * 22
    assert counts["taps_above"] == 2 * 8 * 3
    assert counts["taps_inside"] + counts["taps_above"] + counts["taps_beside"] == 64 * 9


def test_a_batch_repeats_the_loops_and_not_the_call() -> None:
    """Two images double every loop; the constant stays one call."""
    _, one = loops(CONV, "dsp")
    _, two = loops(replace(CONV, batch=2), "dsp")
    assert two["constant"] == one["constant"] == 1
    assert two["block_quads"] == 2 * one["block_quads"]


def test_vectors_are_whole() -> None:
    """MVE pays a whole vector of 16 for 17 columns' tail."""
    dense = Workload(op="FULLY_CONNECTED", dtype=DType.INT8, in_channels=17, out_channels=8, weight_bits=8)
    assert loops(dense, "mve")[1]["four_vectors"] == 2 * 2


def test_one_row_has_the_edges_of_its_padding() -> None:
    """16 columns, 3 taps, stride 2: one zero on the right only, so 7 pixels in the middle and 1 at the right edge."""
    row = replace(CONV, height=1, out_height=1, kernel_height=1, width=16, out_width=8, stride_width=2)
    _, counts = loops(row, "mve")
    assert counts["edges"] == 1
    assert counts["row_fours"] == 1
    assert counts["last_rows"] == 3 + 1


def test_a_row_of_edges_alone_falls_back_to_im2col() -> None:
    """Two columns under a kernel of nine have no middle: the library gathers columns instead."""
    row = replace(CONV, height=1, out_height=1, kernel_height=1, width=2, out_width=2, kernel_width=9)
    assert loops(row, "mve")[0] == "conv"


def test_depthwise_channel_blocks_have_their_own_last_vector() -> None:
    """144 channels are blocks of 124 and 20: 8 + 2 vectors a tap, not 9."""
    wide = replace(DEPTHWISE, in_channels=144, out_channels=144)
    _, counts = loops(wide, "mve")
    assert counts["tap_vectors_inside"] == 10 * 22 * 22


def test_16_bit_columns_beyond_512_go_one_by_one() -> None:
    """640 columns of 16-bit activations: 128 steps of four, then 128 single columns; int8 has 160 steps."""
    dense = Workload(op="FULLY_CONNECTED", dtype=DType.INT16, in_channels=640, out_channels=2, weight_bits=8)
    _, wide = loops(dense, "dsp")
    _, narrow = loops(replace(dense, dtype=DType.INT8), "dsp")
    assert (4 * wide["block_sixteens"], wide["block_rest"]) == (128, 128)
    assert (4 * narrow["block_sixteens"], narrow["block_rest"]) == (160, 0)
