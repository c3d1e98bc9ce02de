"""Weight bytes read from flash, kernel by kernel and cache by cache."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.graph import DType
from devices.weight_traffic import flash_weight_bytes
from devices.workload import Workload

CONV = Workload(
    op="CONV_2D", dtype=DType.INT8, in_channels=16, kernel_height=3, kernel_width=3, out_height=5, out_width=5,
    out_channels=16, out_elements=400, weight_bytes=2368, weight_bits=8,
)  # fmt: skip
POINTWISE = replace(CONV, kernel_height=1, kernel_width=1, weight_bytes=320)
DEPTHWISE = replace(CONV, op="DEPTHWISE_CONV_2D", weight_bytes=1000)
DENSE = Workload(op="FULLY_CONNECTED", dtype=DType.INT8, in_channels=640, batch=3, weight_bytes=80000, weight_bits=8)


@pytest.mark.parametrize(
    ("work", "reads"),
    [
        (CONV, 13),  # 25 pixels, two at a time
        (POINTWISE, 1),  # two output channels of 16 bytes stay in the cache
        (replace(POINTWISE, stride_height=2), 5),  # row by row
        (replace(POINTWISE, in_channels=256), 13),
        (DEPTHWISE, 25),
        (DENSE, 3),
        (replace(CONV, op="MUL"), 1),
    ],
)
def test_a_small_cache_reads_weights_again(work: Workload, reads: int) -> None:
    """Past a cache of 256 bytes every kernel re-reads its weights in its own rhythm."""
    assert flash_weight_bytes(work, 256) == reads * work.weight_bytes


@pytest.mark.parametrize("work", [CONV, POINTWISE, DEPTHWISE, DENSE])
def test_weights_that_fit_the_cache_are_read_once(work: Workload) -> None:
    """A cache as large as the weights is enough, one byte less is not for those that are re-read."""
    assert flash_weight_bytes(work, work.weight_bytes) == work.weight_bytes
    assert flash_weight_bytes(work, 0) >= flash_weight_bytes(work, work.weight_bytes - 1) >= work.weight_bytes
