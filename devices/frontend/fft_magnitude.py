"""Magnitude spectrum of each channel of a window: where vibrations show their speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from devices.frontend import fft, logarithm
from devices.frontend.channels import length_and_channels, running_sum, series
from devices.frontend.cost import Operations
from devices.frontend.fft import fft_size_for
from devices.frontend.frontend import FrontendError
from devices.frontend.windows import WINDOWS, Window, window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.frontend.frontend import Constant, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class FftMagnitude:
    """Settings of the magnitude spectrum: windows (window, 1, channels) to (bins, 1, channels).

    Attributes
    ----------
    fft_size
        Power of two; None takes the least that holds the window.  Shorter
        windows are filled up with zeros.
    bins
        Bands of equal width over all frequencies above 0, each the mean of its
        magnitudes; a divisor of half of `fft_size`.  None keeps every bin.
    window
        Window function, divided by its sum, so that a magnitude does not
        depend on the window's length.
    remove_mean
        Whether the window's mean is taken off first.
    log
        Whether the natural logarithm is taken.
    log_offset
        Added before the logarithm, 1e-30 to 1e6.

    Raises
    ------
    FrontendError
        When a setting is out of range.
    """

    name: ClassVar[str] = "fft_magnitude"
    raw_value_bytes: ClassVar[int] = 4

    fft_size: int | None = None
    bins: int | None = None
    window: Window = "hann"
    remove_mean: bool = True
    log: bool = False
    log_offset: float = 1e-6

    def __post_init__(self) -> None:
        if self.fft_size is not None:
            fft_size_for(1, self.fft_size)
        if self.bins is not None and self.bins < 1:
            raise FrontendError(f"bins is {self.bins}: it must be above 0")
        if self.window not in WINDOWS:
            raise FrontendError(f"window is {self.window!r}: it is one of {', '.join(WINDOWS)}")
        if not 1e-30 <= self.log_offset <= 1e6:
            raise FrontendError(f"log_offset is {self.log_offset:g}: it must be in 1e-30..1e6")

    def _points(self, input_shape: tuple[int, ...]) -> int:
        return fft_size_for(length_and_channels(input_shape)[0], self.fft_size)

    @property
    def code_bytes(self) -> int:
        """Machine code of the C++ source (estimated)."""
        return 3200 if self.log else 2800

    @property
    def int16_steps(self) -> int:
        """1: raw values as they are in the data."""
        return 1

    def outline(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape (bins, 1, channels).

        Raises
        ------
        FrontendError
            When the input is no window, or the bins do not divide its spectrum.
        """
        half = self._points(input_shape) // 2
        bins = half if self.bins is None else self.bins
        if half % bins:
            raise FrontendError(f"bins is {bins}: it must divide half of fft_size, {half}")
        return (bins, 1, length_and_channels(input_shape)[1])

    def row_elements(self, input_shape: tuple[int, ...]) -> int:
        """All features: a window is one row."""
        bins, _, channels = self.outline(input_shape)
        return bins * channels

    def apply(self, x: Floats) -> Floats:
        """Features float32 (n, bins, 1, channels) of windows float32 (n, window, 1, channels).

        Raises
        ------
        FrontendError
            When the input is no window, or the bins do not divide its spectrum.
        """
        bins, _, channels = self.outline(x.shape[1:])
        length, points = x.shape[1], self._points(x.shape[1:])
        shape = self._window(length)[:, np.newaxis]
        out = np.empty((len(x), bins, 1, channels), np.float32)
        for which, values in series(x):
            mean = running_sum(values) / np.float32(length) if self.remove_mean else np.float32(0)
            padded = np.zeros((points, values.shape[1]), np.float32)
            padded[:length] = (values - mean) * shape
            magnitudes = np.sqrt(fft.power_spectrum(padded)[1:])
            out[which, :, 0] = self._bands(magnitudes, bins).reshape(bins, -1, channels).transpose(1, 0, 2)
        return out

    def _bands(self, magnitudes: Floats, bins: int) -> Floats:
        """Features (bins, n) of magnitudes (fft_size / 2, n)."""
        width = len(magnitudes) // bins
        groups = magnitudes.reshape(bins, width, -1).transpose(1, 0, 2)
        means = running_sum(groups) / np.float32(width)
        return logarithm.natural_log(means + np.float32(self.log_offset)) if self.log else means

    def _window(self, length: int) -> Floats:
        shape = window(self.window, length).astype(np.float64)
        normalised: Floats = (shape / shape.sum()).astype(np.float32)
        return normalised

    def sources(self) -> tuple[str, ...]:
        """C++ sources in the order they are put together."""
        return (
            fft.SOURCE,
            *((logarithm.SOURCE, "log_compressed.inc") if self.log else ("as_it_is.inc",)),
            "fft_magnitude.inc",
        )

    def constants(self, input_shape: tuple[int, ...]) -> Mapping[str, Constant]:
        """C++ constants of the sources."""
        length, channels = length_and_channels(input_shape)
        return {
            **fft.constants(self._points(input_shape)),
            "kRows": 1,
            "kLength": length,
            "kChannels": channels,
            "kBins": self.outline(input_shape)[0],
            "kWindow": self._window(length),
            "kRemovesMean": self.remove_mean,
            **({"kLogOffset": self.log_offset} if self.log else {}),
        }

    def operations(self, input_shape: tuple[int, ...]) -> Operations:
        """Of all channels of one window."""
        bins, _, channels = self.outline(input_shape)
        length, points = length_and_channels(input_shape)[0], self._points(input_shape)
        log = (1 + logarithm.SIMPLE_OPERATIONS, logarithm.SLOW_OPERATIONS) if self.log else (0, 0)
        simple = 3 * length + fft.simple_operations(points) + points // 2 + bins * log[0]
        return Operations(simple=channels * simple, slow=channels * (points // 2 + bins * (1 + log[1]) + 1))

    def buffer_bytes(self, input_shape: tuple[int, ...]) -> int:
        """One channel, which becomes its spectrum."""
        return 4 * self._points(input_shape)
