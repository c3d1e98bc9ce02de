"""Where a kernel's taps fall: into the image or into the zeros around it."""

from __future__ import annotations

from functools import lru_cache


def padding_before(size: int, kernel: int, stride: int, dilation: int, out: int) -> int:
    """Zeros that SAME padding puts before the first element along one axis."""
    return max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0) // 2


@lru_cache(maxsize=4096)
def taps_inside(size: int, kernel: int, stride: int, dilation: int, same: bool, out: int) -> int:
    """Kernel taps along one axis that read the image and not its padding, summed over `out` positions.

    Parameters
    ----------
    size, out
        Elements of input and output along the axis.
    """
    before = padding_before(size, kernel, stride, dilation, out) if same else 0
    total = 0
    for tap in range(kernel):  # which of the positions put this tap on the image
        offset = tap * dilation - before
        first, last = max(0, -(offset // stride)), min(out - 1, (size - 1 - offset) // stride)
        total += max(0, last - first + 1)
    return total
