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
        (replace(DEPTHWISE, in_channels=1, out_channels=16, multiplier=16), "mve", "depthwise_as_conv"),
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
    assert counts["taps_inside"] + counts["taps_padded"] == 64 * 9


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
