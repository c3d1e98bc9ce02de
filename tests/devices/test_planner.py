"""The greedy planner, against its rule."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.planner import Buffer, aligned, place

buffers = st.builds(
    lambda blocks, first, length: Buffer(nbytes=16 * blocks, first=first, last=first + length),
    st.integers(1, 40),
    st.integers(0, 20),
    st.integers(0, 6),
)


def test_aligned() -> None:
    """The next multiple, 0 for 0."""
    assert [aligned(n) for n in (0, 1, 16, 17)] == [0, 16, 16, 32]
    assert aligned(5, 4) == 8


def test_a_chain_needs_the_two_largest_neighbours() -> None:
    """Three activations of 32, 64 and 16 bytes in a row: the first and the last share the place after the middle."""
    chain = [
        Buffer(nbytes=32, first=0, last=1),
        Buffer(nbytes=64, first=1, last=2),
        Buffer(nbytes=16, first=2, last=3),
    ]
    assert place(chain) == (64, 0, 64)


def test_fills_a_gap_when_it_is_wide_enough() -> None:
    """A buffer goes into the gap left by one that is not alive, not to the end."""
    placed = [
        Buffer(nbytes=64, first=0, last=9),
        Buffer(nbytes=48, first=0, last=1),
        Buffer(nbytes=32, first=0, last=9),
        Buffer(nbytes=48, first=2, last=3),
    ]
    assert place(placed) == (0, 64, 112, 64)


def test_of_equal_sizes_the_last_is_placed_first() -> None:
    """As in the original, whose sort is stable on the reversed list."""
    assert place([Buffer(nbytes=16, first=0, last=0)] * 3) == (32, 16, 0)


@settings(max_examples=200, deadline=None)
@given(st.lists(buffers, max_size=25))
def test_live_buffers_never_overlap(given_buffers: list[Buffer]) -> None:
    """Two buffers that are alive at one time have no byte in common."""
    offsets = place(given_buffers)
    for i, (a, at) in enumerate(zip(given_buffers, offsets, strict=True)):
        for b, bt in list(zip(given_buffers, offsets, strict=True))[:i]:
            if a.first <= b.last and b.first <= a.last:
                assert at + a.nbytes <= bt or bt + b.nbytes <= at
