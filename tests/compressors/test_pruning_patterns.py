"""What each pattern can prune, and how much is left."""

from __future__ import annotations

import numpy as np
import pytest

from compressors.pruning_patterns import Pattern, misfit, parts, parts_left


@pytest.mark.parametrize(
    ("shape", "pattern", "reason"),
    [
        ((3, 3, 2, 8), "unstructured", ""),
        ((3, 3, 3, 8), "2:4", ""),
        ((3, 3, 2, 8), "2:4", "2 input channels, all of which the pattern 2:4 keeps"),
        ((3, 3, 2, 8), "1:4", ""),
        ((4, 8), "4:8", "4 input channels"),
        ((3, 3, 8, 8), "block", "dense layers only"),
        ((8, 8), "block", ""),
    ],
)
def test_misfit(shape: tuple[int, ...], pattern: Pattern, reason: str) -> None:
    assert reason in misfit(shape, pattern)
    assert bool(reason) is bool(misfit(shape, pattern))


def test_parts() -> None:
    """Blocks are counted whole, the last of a column may be cut short."""
    assert parts((3, 3, 2, 8), "unstructured") == 144
    assert parts((10, 5), "block") == 15
    kernel = np.zeros((10, 5), np.float32)
    kernel[1, 0] = kernel[2, 0] = kernel[9, 4] = -1.0
    assert parts_left(kernel, "block") == 2
    assert parts_left(kernel, "unstructured") == 3
