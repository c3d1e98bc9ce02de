"""Rescaled images against Pillow and against what can be seen by hand; what is no image is refused."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from devices.frontend.frontend import FrontendError
from devices.frontend.image_rescale import ImageRescale

Floats = npt.NDArray[np.float32]


def _images(*shape: int) -> Floats:
    return np.random.default_rng(sum(shape)).uniform(0, 1, shape).astype(np.float32)


def _by_pillow(x: Floats, height: int, width: int, filter_: Image.Resampling) -> Floats:
    """Each channel as an image of single-precision numbers."""
    channels = [
        [np.array(Image.fromarray(image[..., c]).resize((width, height), filter_)) for c in range(x.shape[3])]
        for image in x
    ]
    return np.moveaxis(np.array(channels, np.float32), 1, -1)


@pytest.mark.parametrize("size", [(8, 6), (4, 24), (1, 1), (32, 24)])
def test_whole_number_factors_are_pillows_box(size: tuple[int, int]) -> None:
    x = _images(3, 32, 24, 3)
    made = ImageRescale(height=size[0], width=size[1]).apply(x)
    assert made.shape == (3, *size, 3)
    assert np.abs(made - _by_pillow(x, *size, Image.Resampling.BOX)).max() < 1e-5


@pytest.mark.parametrize("size", [(11, 9), (16, 18), (7, 30)])
def test_growing_is_pillows_bilinear(size: tuple[int, int]) -> None:
    """Any factor: there its filter is the triangle of one pixel to either side."""
    x = _images(2, 7, 9, 2)
    made = ImageRescale(height=size[0], width=size[1]).apply(x)
    assert np.abs(made - _by_pillow(x, *size, Image.Resampling.BILINEAR)).max() < 1e-5


@pytest.mark.parametrize(("length", "places"), [(5, 3), (31, 7), (96, 40), (1000, 999)])
def test_shrinking_by_any_factor_is_the_mean_of_what_is_covered(length: int, places: int) -> None:
    """Against the integral of the pixels, in double precision: the mean is its rise from one border to the next."""
    x = _images(1, length, 2, 1)
    integral = np.concatenate([[0], np.cumsum(x[0, :, 0, 0], dtype=np.float64)])
    borders = np.interp(np.arange(places + 1) * length / places, np.arange(length + 1), integral)
    made = ImageRescale(height=places, width=2).apply(x)[0, :, 0, 0]
    assert np.abs(made - np.diff(borders) * places / length).max() < 1e-5


def test_an_image_of_that_size_stays_bit_for_bit() -> None:
    x = _images(2, 6, 5, 3)
    assert np.array_equal(ImageRescale(height=6, width=5).apply(x), x)


def test_grey_is_the_luma_of_the_rescaled_image() -> None:
    x = _images(2, 8, 8, 3)
    grey = ImageRescale(height=4, width=4, grey=True).apply(x)
    colour = ImageRescale(height=4, width=4).apply(x)
    assert grey.shape == (2, 4, 4, 1)
    assert np.allclose(grey[..., 0], colour.astype(np.float64) @ [0.299, 0.587, 0.114], atol=1e-6)


def test_many_images_are_worked_on_in_blocks() -> None:
    """More than one block of 4 MiB: the last image is as it is alone."""
    x = _images(12, 256, 256, 3)
    rescale = ImageRescale(height=10, width=10)
    assert np.array_equal(rescale.apply(x)[-1:], rescale.apply(x[-1:]))


def test_cost_counts_what_is_read() -> None:
    """Shrunk to a third, each of the 9 x 9 pixels is multiplied and added once, each of 3 x 3 sums of 3 rows too."""
    rescale = ImageRescale(height=3, width=3)
    assert rescale.operations((9, 9, 1)).simple == 2 * 81 + 2 * 27
    assert rescale.operations((9, 9, 3)).simple == 3 * (2 * 81 + 2 * 27)
    grey = ImageRescale(height=3, width=3, grey=True).operations((9, 9, 3)).simple
    assert grey == 9 * (3 * 24 * 3 // 4 + 5)  # 24 a channel and pixel; the channels share the loading of weights
    assert rescale.buffer_bytes((9, 9, 3)) == 0
    tables = [value for value in rescale.constants((9, 9, 3)).values() if isinstance(value, np.ndarray)]
    assert sum(table.nbytes for table in tables) == 2 * (2 * 3 + 4 * 9)


@pytest.mark.parametrize("shape", [(64,), (64, 3), (128, 1, 3), (1, 128, 3), (0, 8, 1), (8, 8, 0), (4, 8, 8, 3)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    """Tables, series and windows, with what to take instead; and nothing to rescale."""
    rescale = ImageRescale(height=4, width=4)
    with pytest.raises(FrontendError, match=r"input has shape \(.*images of shape .* are needed; .* take window_stat"):
        rescale.outline(shape)
    with pytest.raises(FrontendError, match="images of shape"):
        rescale.apply(np.zeros((2, *shape), np.float32))


@pytest.mark.parametrize(
    ("height", "width", "message"),
    [
        (0, 4, r"height is 0: it must be in 1\.\.1024 pixels"),
        (4, -1, r"width is -1: it must be in 1\.\.1024 pixels"),
        (4, 1025, r"width is 1025: it must be in 1\.\.1024 pixels"),
    ],
)
def test_sizes_out_of_range_are_refused(height: int, width: int, message: str) -> None:
    with pytest.raises(FrontendError, match=message):
        ImageRescale(height=height, width=width)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_grey_is_made_of_three_channels_only(channels: int) -> None:
    with pytest.raises(FrontendError, match=f"grey is true and images have {channels} channels: .* leave grey out"):
        ImageRescale(height=4, width=4, grey=True).outline((8, 8, channels))


def test_sides_too_long_to_be_numbered_are_refused() -> None:
    with pytest.raises(FrontendError, match="a side has at most 65536 pixels; give smaller images"):
        ImageRescale(height=4, width=4).outline((65537, 2, 1))
    assert ImageRescale(height=4, width=4).constants((65536, 2, 1))["kFirstRow"].max() == 49152  # type: ignore[union-attr]
