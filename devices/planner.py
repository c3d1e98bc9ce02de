"""Places buffers in the arena as TensorFlow Lite Micro's greedy memory planner does.

The rule (`GreedyMemoryPlanner`, Pisarchyk and Lee 2020, arXiv:2001.03288, section 5.2
"greedy by size"): largest buffer first, each at the lowest offset where it
overlaps no placed buffer that is alive at the same time.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """Memory that is needed from step `first` to step `last`, both included.

    `nbytes` is a multiple of `ALIGNMENT`.
    """

    nbytes: int
    first: int
    last: int


def aligned(nbytes: int, alignment: int = ALIGNMENT) -> int:
    """The next multiple of `alignment`."""
    return -(-nbytes // alignment) * alignment


def place(buffers: Sequence[Buffer]) -> tuple[int, ...]:
    """Offset of every buffer in bytes.

    Among buffers of one size the one added last is placed first, as in the
    original, whose sort is stable on the reversed list.
    """
    offsets = [0] * len(buffers)
    placed: list[tuple[int, int, int]] = []  # (offset, order of placing, index), by offset
    order = sorted(range(len(buffers)), key=lambda index: (-buffers[index].nbytes, -index))
    for turn, index in enumerate(order):
        wanted = buffers[index]
        lowest = 0
        for offset, _, other in placed:
            neighbour = buffers[other]
            if neighbour.first > wanted.last or wanted.first > neighbour.last:
                continue
            if offset - lowest >= wanted.nbytes:
                break
            lowest = max(lowest, offset + neighbour.nbytes)
        offsets[index] = lowest
        insort(placed, (lowest, turn, index))
    return tuple(offsets)
