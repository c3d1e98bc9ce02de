from __future__ import annotations

import pytest

from spaces.blocks.geometry import (
    is_spectrogram,
    kernel_within,
    may_flatten,
    may_stride,
    shrinks,
    stem_strides,
    widths,
)


@pytest.mark.parametrize(
    ("shape", "kernel"),
    [((8, 8, 1), (5, 5)), ((2, 9, 1), (3, 5)), ((1, 4, 1), (1, 5)), ((1, 1, 8), (1, 1)), ((2, 2, 8), (3, 3))],
)
def test_a_kernel_has_no_taps_that_only_meet_padding(shape: tuple[int, ...], kernel: tuple[int, int]) -> None:
    """An axis of n positions sees 2n - 1 taps."""
    assert kernel_within(shape, 5) == kernel


def test_striding_ends_at_two_positions() -> None:
    """One long axis is enough to go on."""
    assert [may_stride(shape) for shape in ((3, 3, 1), (2, 2, 1), (1, 3, 1), (1, 2, 1))] == [True, False, True, False]


def test_flattening_is_for_few_positions() -> None:
    """One position needs no choice, more than sixteen cost too many weights."""
    assert [may_flatten(shape) for shape in ((1, 1, 8), (1, 2, 8), (4, 4, 8), (4, 5, 8))] == [False, True, True, False]


def test_a_spectrogram_is_longer_than_wide() -> None:
    """Frames by bands; neither images, series nor features."""
    shapes = ((49, 40, 1), (49, 10, 1), (28, 28, 1), (4, 40, 1), (150, 1, 1), (7,))
    assert [is_spectrogram(shape) for shape in shapes] == [True, True, False, False, False, False]


def test_large_inputs_must_shrink_early() -> None:
    """Above 40 x 40 neither a stem nor an MLP may keep the resolution."""
    assert stem_strides((28, 28, 1)) == (1, 2)
    assert stem_strides((96, 96, 3)) == (2, 4)
    assert shrinks((8, 8, 1)) == (1, 2)
    assert shrinks((28, 28, 1)) == (1, 2, 4)
    assert shrinks((96, 96, 3)) == (4, 8, 16)
    assert shrinks((4, 40, 1)) == (1,)
    assert shrinks((7,)) == (1,)


def test_small_inputs_get_narrower_layers() -> None:
    """Half the width, the same tiny end."""
    assert widths((8, 8, 1)) == (2, 4, 6, 8, 12, 16, 24, 32)
    assert widths((28, 28, 1)) == (2, 4, 6, 8, 12, 16, 24, 32, 48, 64)
    assert widths((8, 8, 1), 48)[-1] == 24
