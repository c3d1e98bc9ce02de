"""Real Fourier transform in 16-bit integers, the way TensorFlow Lite Micro's front-end rounds.

Radix 4, and 2 once where the size asks for it, decimation in time.  Before each
butterfly its inputs are divided by the radix, as a product with 32767 / radix
rounded to 15 bits, so that the whole comes out divided by the size and nothing
overflows; products with the roots of unity are rounded alike.  Outputs equal
those of KISS FFT 1.3.0 with 16-bit integers, which TensorFlow Lite Micro uses
(``signal/src/rfft_int16.cc``).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from devices.frontend.frontend import Constant

Integers = npt.NDArray[Any]

SOURCE = "fixed_fft.inc"
_ONE = 32767
_ROUND, _BITS = 1 << 14, 15


def constants(size: int) -> dict[str, Constant]:
    """C++ constants of ``fixed_fft.inc``."""
    roots, turned = _roots(size // 2), _turned_roots(size // 2)
    return {"kFftSize": size, "kRoots": np.stack(roots, -1), "kTurnedRoots": np.stack(turned, -1)}


def integer_operations(size: int) -> int:
    """Additions, multiplications and shifts of one transform: 80 a radix-4 butterfly, 40 a pair of bins."""
    half = size // 2
    return 80 * (half // 4) * math.ceil(math.log(half, 4)) + 40 * (half // 2)


def transform(frames: Integers) -> tuple[Integers, Integers]:
    """Real and imaginary parts, divided by the size.

    Parameters
    ----------
    frames
        Columns of 16-bit values, int32 (size, n), size a power of two from 8.

    Returns
    -------
    Two int32 (size / 2 + 1, n), each of 16 bits.
    """
    half = len(frames) // 2
    real, imaginary = _work(frames[0::2], frames[1::2], _roots(half))
    return _of_real(real, imaginary)


def _roots(n: int) -> tuple[Integers, Integers]:
    """Roots of unity ``exp(-2 pi i k / n)`` for k = 0..n-1."""
    return _rounded([-2 * math.pi * k / n for k in range(n)])


def _turned_roots(n: int) -> tuple[Integers, Integers]:
    """``exp(-pi i ((k + 1) / n + 1/2))`` for k = 0..n/2-1, which take the two halves of a real frame apart."""
    return _rounded([-math.pi * ((k + 1) / n + 0.5) for k in range(n // 2)])


def _rounded(phases: list[float]) -> tuple[Integers, Integers]:
    cosine, sine = (
        np.array([math.floor(0.5 + _ONE * function(phase)) for phase in phases], np.int16)
        for function in (math.cos, math.sin)
    )
    return cosine, sine


def _wrapped(x: Integers) -> Integers:
    return x.astype(np.int16).astype(np.int32)


def _scaled(x: Integers) -> Integers:
    """A product of two 15-bit fractions as one."""
    return _wrapped((x + _ROUND) >> _BITS)


def _divided(x: Integers, divisor: int) -> Integers:
    return _scaled(x * (_ONE // divisor))


def _product(real: Integers, imaginary: Integers, root: tuple[Integers, Integers]) -> tuple[Integers, Integers]:
    c, s = (part.astype(np.int32)[:, np.newaxis] for part in root)
    return _scaled(real * c - imaginary * s), _scaled(real * s + imaginary * c)


def _work(real: Integers, imaginary: Integers, roots: tuple[Integers, Integers]) -> tuple[Integers, Integers]:
    """Transform of complex columns (n, columns); `roots` are those of the whole size."""
    n = len(real)
    if n == 1:
        return real, imaginary
    radix = 4 if n % 4 == 0 else 2
    step = len(roots[0]) // n
    parts = []
    for q in range(radix):
        re, im = _work(real[q::radix], imaginary[q::radix], roots)
        re, im = _divided(re, radix), _divided(im, radix)
        if q:
            turned = (roots[0][:: step * q][: len(re)], roots[1][:: step * q][: len(re)])
            re, im = _product(re, im, turned)
        parts.append((re, im))
    return _butterfly_2(parts) if radix == 2 else _butterfly_4(parts)


def _butterfly_2(parts: list[tuple[Integers, Integers]]) -> tuple[Integers, Integers]:
    (r0, i0), (r1, i1) = parts
    return _wrapped(np.concatenate([r0 + r1, r0 - r1])), _wrapped(np.concatenate([i0 + i1, i0 - i1]))


def _butterfly_4(parts: list[tuple[Integers, Integers]]) -> tuple[Integers, Integers]:
    (r0, i0), (r1, i1), (r2, i2), (r3, i3) = parts
    even_r, even_i, odd_r, odd_i = r0 + r2, i0 + i2, r0 - r2, i0 - i2
    sum_r, sum_i, difference_r, difference_i = r1 + r3, i1 + i3, r1 - r3, i1 - i3
    real = [even_r + sum_r, odd_r + difference_i, even_r - sum_r, odd_r - difference_i]
    imaginary = [even_i + sum_i, odd_i - difference_r, even_i - sum_i, odd_i + difference_r]
    return _wrapped(np.concatenate(real)), _wrapped(np.concatenate(imaginary))


def _of_real(real: Integers, imaginary: Integers) -> tuple[Integers, Integers]:
    """Bins of the real frame from the transform of its even and odd values."""
    points = len(real)
    out_r, out_i = (np.zeros((points + 1, real.shape[1]), np.int32) for _ in range(2))
    first_r, first_i = _divided(real[0], 2), _divided(imaginary[0], 2)
    out_r[0], out_r[points] = _wrapped(first_r + first_i), _wrapped(first_r - first_i)
    low, high = slice(1, points // 2 + 1), slice(points - 1, points // 2 - 1, -1)
    low_r, low_i = _divided(real[low], 2), _divided(imaginary[low], 2)
    high_r, high_i = _divided(real[high], 2), _divided(_wrapped(-imaginary[high]), 2)
    sum_r, sum_i = _wrapped(low_r + high_r), _wrapped(low_i + high_i)
    turned_r, turned_i = _product(_wrapped(low_r - high_r), _wrapped(low_i - high_i), _turned_roots(points))
    out_r[low], out_i[low] = (sum_r + turned_r) >> 1, (sum_i + turned_i) >> 1
    out_r[high], out_i[high] = (sum_r - turned_r) >> 1, (turned_i - sum_i) >> 1
    return out_r, out_i
