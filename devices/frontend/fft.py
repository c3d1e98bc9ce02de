"""Power spectrum of real frames by a radix-2 Fourier transform in single precision.

A real frame of even length is one complex frame of half that length; its
transform (decimation in time, Cooley and Tukey 1965) is then taken apart into
the spectrum of the real one (Numerical Recipes, section 12.3, "FFT of Single
Real Function", says how).  Sines come from one quarter of a wave, so that the
device stores a fourth of them.  The order of all operations is that of
``templates/fft.inc``, and so are the results, bit for bit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from devices.frontend.frontend import FrontendError

if TYPE_CHECKING:
    import numpy.typing as npt

    from devices.frontend.frontend import Constant, Floats

SOURCE = "fft.inc"
SMALLEST, LARGEST = 8, 16384
_HALF = np.float32(0.5)


def fft_size_for(window: int, given: int | None) -> int:
    """The given size, or the least power of two that holds `window` values.

    Raises
    ------
    FrontendError
        When the size is no power of two from 8 to 16384, or smaller than the window.
    """
    size = max(SMALLEST, 1 << (window - 1).bit_length()) if given is None else given
    if size & (size - 1) or not SMALLEST <= size <= LARGEST:
        raise FrontendError(
            f"fft_size is {size}: it must be a power of two from {SMALLEST} to {LARGEST}; "
            + ("a shorter window needs a smaller one" if given is None else "or leave it out")
        )
    if size < window:
        raise FrontendError(f"fft_size is {size} and the window has {window} values: make it larger, or leave it out")
    return size


def quarter_wave(size: int) -> Floats:
    """``sin(2 pi k / size)`` for k = 0..size/4."""
    return np.array([math.sin(2 * math.pi * k / size) for k in range(size // 4 + 1)], np.float32)


def constants(size: int) -> dict[str, Constant]:
    """C++ constants of ``fft.inc``."""
    return {"kFftSize": size, "kQuarterWave": quarter_wave(size)}


def simple_operations(size: int) -> int:
    """Additions and multiplications of one spectrum: 10 a butterfly, and 22 for each pair of bins."""
    half = size // 2
    return 10 * (half // 2) * (half.bit_length() - 1) + 22 * (half // 2)


def power_spectrum(frames: Floats) -> Floats:
    """Squared magnitudes of the discrete Fourier transform.

    Parameters
    ----------
    frames
        Windowed frames in columns, float32 (size, n), size a power of two from 8.

    Returns
    -------
    float32 (size / 2 + 1, n).
    """
    size = len(frames)
    cosine, sine = _waves(size)
    order = _bit_reversed(size // 2)
    real, imaginary = frames[0::2][order], frames[1::2][order]
    _transform(real, imaginary, cosine, sine)
    return _of_real(real, imaginary, cosine, sine)


def _waves(size: int) -> tuple[Floats, Floats]:
    """Cosine and sine of ``2 pi k / size`` for k = 0..size/2-1, unfolded from a quarter of a wave."""
    quarter = quarter_wave(size)
    sine = np.concatenate([quarter, quarter[-2:0:-1]])
    cosine = np.concatenate([quarter[::-1], -quarter[1:-1]])
    return cosine, sine


def _bit_reversed(n: int) -> npt.NDArray[np.intp]:
    order = np.zeros(1, np.intp)
    while len(order) < n:
        order = np.concatenate([2 * order, 2 * order + 1])
    return order


def _transform(real: Floats, imaginary: Floats, cosine: Floats, sine: Floats) -> None:
    """Complex transform of bit-reversed columns, in place."""
    points, columns = real.shape
    half = 1
    while half < points:
        step = points // half
        c, s = cosine[::step, np.newaxis], sine[::step, np.newaxis]
        re, im = (part.reshape(points // (2 * half), 2, half, columns) for part in (real, imaginary))
        turned_re = c * re[:, 1] + s * im[:, 1]
        turned_im = c * im[:, 1] - s * re[:, 1]
        re[:, 1] = re[:, 0] - turned_re
        im[:, 1] = im[:, 0] - turned_im
        re[:, 0] += turned_re
        im[:, 0] += turned_im
        half *= 2


def _of_real(real: Floats, imaginary: Floats, cosine: Floats, sine: Floats) -> Floats:
    """Power of the real frame's bins from the transform of its even and odd values."""
    points, columns = real.shape
    power = np.empty((points + 1, columns), np.float32)
    first, last = real[0] + imaginary[0], real[0] - imaginary[0]
    power[0], power[points] = first * first, last * last
    low = slice(1, points // 2 + 1)
    high = slice(points - 1, points // 2 - 1, -1)
    even_re, even_im = _HALF * (real[low] + real[high]), _HALF * (imaginary[low] - imaginary[high])
    odd_re, odd_im = _HALF * (imaginary[low] + imaginary[high]), _HALF * (real[high] - real[low])
    c, s = cosine[low, np.newaxis], sine[low, np.newaxis]
    turned_re, turned_im = c * odd_re + s * odd_im, c * odd_im - s * odd_re
    power[high] = _squared(even_re - turned_re, even_im - turned_im)
    power[low] = _squared(even_re + turned_re, even_im + turned_im)
    return power


def _squared(real: Floats, imaginary: Floats) -> Floats:
    return real * real + imaginary * imaginary
