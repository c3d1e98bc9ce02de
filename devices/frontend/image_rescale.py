"""Images at another size: the mean of an area where they shrink, straight lines between pixels where they grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from devices.frontend.cost import Operations
from devices.frontend.frontend import FrontendError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from devices.frontend.frontend import Constant, Floats

    _Integers = npt.NDArray[np.int64]

_LARGEST = 1024  # pixels of a side that is made
_LARGEST_INPUT = 65536  # of a side that is taken: its pixels are numbered in 16 bits
_BLOCK_VALUES = 1 << 20  # worked on at a time: 4 MiB
_GREY = (0.299, 0.587, 0.114)  # of red, green and blue: Recommendation ITU-R BT.601-7, section 2.5.1
# Quarters of what three channels take apart from each other: they share weights and loop.  Counted as
# `devices.frontend.cost` says: 0.58 to 0.76 of it over five sizes.
_GREY_SHARE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRescale:
    """Settings of the rescaling: images (height, width, channels) to (`height`, `width`, channels).

    Each side by itself: where it shrinks, a pixel is the mean of what it
    covers, by area; where it grows, pixels are joined by straight lines between
    their centres (bilinear), and what lies beyond the outermost centre is as
    that one.  Nothing is cropped: sides in another ratio distort the image.

    Attributes
    ----------
    height, width
        Of the images that are made, in pixels, 1 to 1024.
    grey
        Whether red, green and blue become one channel, their luma (ITU-R BT.601).

    Raises
    ------
    FrontendError
        When a size is out of range.
    """

    name: ClassVar[str] = "image_rescale"
    raw_value_bytes: ClassVar[int] = 4

    height: int
    width: int
    grey: bool = False

    def __post_init__(self) -> None:
        for name, pixels in (("height", self.height), ("width", self.width)):
            if not 1 <= pixels <= _LARGEST:
                raise FrontendError(f"{name} is {pixels}: it must be in 1..{_LARGEST} pixels")

    @property
    def code_bytes(self) -> int:
        """Machine code of the C++ source (estimated)."""
        return 700 if self.grey else 900

    @property
    def int16_steps(self) -> int:
        """1: raw values as they are in the data."""
        return 1

    def outline(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape (height, width, channels), one channel where grey is made.

        Raises
        ------
        FrontendError
            When the input is no image, is too large, or has no three channels to make grey of.
        """
        if len(input_shape) != 3 or min(input_shape) < 1 or min(input_shape[:2]) < 2:
            raise FrontendError(
                f"input has shape {input_shape}: images of shape (height, width, channels), at least two pixels high "
                "and wide, are needed; for a series or a table take window_statistics, fft_magnitude or standardise"
            )
        if max(input_shape[:2]) > _LARGEST_INPUT:
            raise FrontendError(
                f"input has shape {input_shape}: a side has at most {_LARGEST_INPUT} pixels; give smaller images"
            )
        if self.grey and input_shape[2] != 3:
            raise FrontendError(
                f"grey is true and images have {input_shape[2]} channels: it is made of 3, red, green and blue; "
                "leave grey out"
            )
        return (self.height, self.width, 1 if self.grey else input_shape[2])

    def row_elements(self, input_shape: tuple[int, ...]) -> int:
        """Channels that are made: each pixel is a row, so that each channel is standardised, not each place."""
        return self.outline(input_shape)[2]

    def apply(self, x: Floats) -> Floats:
        """Images float32 (n, height, width, channels) of images float32 (n, input height, input width, channels).

        Raises
        ------
        FrontendError
            When the input is no image, or has no three channels to make grey of.
        """
        out = np.empty((len(x), *self.outline(x.shape[1:])), np.float32)
        rows, columns = _Side.scaled(x.shape[1], self.height), _Side.scaled(x.shape[2], self.width)
        for which in _blocks(len(x), x.shape[1] * max(x.shape[2], self.width) * x.shape[3]):
            narrowed = columns.along(x[which].astype(np.float32, copy=False), axis=2)
            made = rows.along(narrowed, axis=1)
            out[which] = _grey(made) if self.grey else made
        return out

    def sources(self) -> tuple[str, ...]:
        """C++ sources in the order they are put together."""
        return ("plain_sample.inc", "image_rescale.inc", "grey_pixel.inc" if self.grey else "colour_pixel.inc")

    def constants(self, input_shape: tuple[int, ...]) -> Mapping[str, Constant]:
        """C++ constants of the sources."""
        self.outline(input_shape)
        rows, columns = _Side.scaled(input_shape[0], self.height), _Side.scaled(input_shape[1], self.width)
        return {
            "kRows": self.height * self.width,
            "kWidth": self.width,
            "kRawWidth": input_shape[1],
            "kChannels": input_shape[2],
            "kRowTaps": rows.taps,
            "kFirstRow": rows.first,
            "kRowWeights": rows.weights,
            "kColumnTaps": columns.taps,
            "kFirstColumn": columns.first,
            "kColumnWeights": columns.weights,
            **({"kGrey": np.array(_GREY, np.float32)} if self.grey else {}),
        }

    def operations(self, input_shape: tuple[int, ...]) -> Operations:
        """Of one image: a multiplication and an addition for each pixel read, and for each row of them."""
        self.outline(input_shape)
        rows, columns = _Side.scaled(input_shape[0], self.height), _Side.scaled(input_shape[1], self.width)
        of_channel = 2 * rows.taps * (columns.taps + 1)
        of_pixel = 3 * of_channel * _GREY_SHARE // 4 + 5 if self.grey else input_shape[2] * of_channel
        return Operations(simple=self.height * self.width * of_pixel)

    def buffer_bytes(self, input_shape: tuple[int, ...]) -> int:
        """None: a pixel is made of the raw image at once."""
        del input_shape
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """What each place of one side is made of: `taps` neighbours from `first` on, weighted; all as many, some with 0.

    Attributes
    ----------
    first
        uint16 (places,).
    weights
        float32 (places, taps).
    """

    first: npt.NDArray[np.uint16]
    weights: Floats

    @property
    def taps(self) -> int:
        """Neighbours that are read for a place."""
        return int(self.weights.shape[1])

    @classmethod
    def scaled(cls, length: int, places: int) -> _Side:
        """From `length` pixels to `places`; weights are quotients of integers, so equal on every machine."""
        return cls._shrunk(length, places) if places < length else cls._grown(length, places)

    @classmethod
    def _shrunk(cls, length: int, places: int) -> _Side:
        """Each place covers `length` units and each pixel `places`: weights are the shares of what a place covers."""
        begin = np.arange(places)[:, np.newaxis] * length
        end = begin + length
        pixels = _neighbours(begin // places, (end - 1) // places, length)
        covered = np.minimum(end, (pixels + 1) * places) - np.maximum(begin, pixels * places)
        return cls._of(pixels, np.maximum(covered, 0) / length)

    @classmethod
    def _grown(cls, length: int, places: int) -> _Side:
        """Centres of places among those of pixels, which lie 2 * `places` units apart; the nearer, the heavier."""
        apart = 2 * places
        centre = np.clip(np.arange(1, apart, 2)[:, np.newaxis] * length - places, 0, apart * (length - 1))
        pixels = _neighbours(centre // apart, -(-centre // apart), length)
        return cls._of(pixels, np.maximum(apart - np.abs(centre - pixels * apart), 0) / apart)

    @classmethod
    def _of(cls, pixels: _Integers, weights: npt.NDArray[np.float64]) -> _Side:
        return cls(first=pixels[:, 0].astype(np.uint16), weights=weights.astype(np.float32))

    def along(self, x: Floats, *, axis: int) -> Floats:
        """`x` scaled along an axis, added up tap by tap as the device does."""
        shape = tuple(-1 if each == axis else 1 for each in range(x.ndim))
        total: Floats = np.zeros((*x.shape[:axis], len(self.first), *x.shape[axis + 1 :]), np.float32)
        for tap in range(self.taps):
            total += np.take(x, self.first.astype(np.intp) + tap, axis=axis) * self.weights[:, tap].reshape(shape)
        return total


def _neighbours(first: _Integers, last: _Integers, length: int) -> _Integers:
    """Pixels (places, taps) of the side, from `first` (places, 1) to `last` at least; equally many for each place."""
    taps = int((last - first).max()) + 1
    pixels: _Integers = np.minimum(first, length - taps) + np.arange(taps)
    return pixels


def _grey(pixels: Floats) -> Floats:
    red, green, blue = (np.float32(weight) for weight in _GREY)
    mixed: Floats = pixels[..., 0:1] * red + pixels[..., 1:2] * green + pixels[..., 2:3] * blue
    return mixed


def _blocks(n: int, values: int) -> Iterator[slice]:
    """Slices of `n` images of which each takes `values` values on the way."""
    size = max(1, _BLOCK_VALUES // values)
    return (slice(start, start + size) for start in range(0, n, size))
