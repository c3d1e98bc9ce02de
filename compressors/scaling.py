"""Scales and zero points: ``real = scale * (stored - zero_point)``.

Activations of 8 bits are asymmetric over -128..127, those of 16 bits symmetric
over -32767..32767.  Weights are symmetric over -127..127 or -7..7, as the TFLite
quantisation specification has it.  A scale that is a power of two is the least
one that holds the range, so it loses up to one bit of resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Scales = Literal["linear", "power_of_two"]
Range = tuple[float, float]

# Shares of a range that the search for the least square error tries.
SHARES = tuple(float(share) for share in np.linspace(1.0, 0.2, 41))
_LEAST_RANGE = 1e-30  # below it a float32 scale would lose digits: all values count as zero
# By bits of the activations: half of what the 32 bits of a bias hold, so that the accumulator has room for the
# products; of its 64 bits behind 16-bit activations the 40 that kernels keep, likewise.
MOST_BIAS = {8: float(2**30), 16: float(2**38)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Scale and zero point of an activation; the scale is a float32."""

    scale: float
    zero_point: int

    def stored(self, real: Floats, bits: int) -> npt.NDArray[np.int64]:
        """Integers of `bits` bits; what does not fit is cut off."""
        limit = 1 << (bits - 1)
        lowest = -limit if bits == 8 else 1 - limit
        stored: Floats = np.clip(np.rint(real / self.scale) + self.zero_point, lowest, limit - 1)
        return stored.astype(np.int64)

    def rounded(self, real: Floats, bits: int) -> Floats:
        """The real values that `stored` stands for."""
        return self.scale * (self.stored(real, bits) - self.zero_point).astype(np.float64)

    @property
    def span(self) -> Range:
        """Real values that 8 bits reach."""
        return self.scale * (-128 - self.zero_point), self.scale * (127 - self.zero_point)


def activation_scaling(reach: Range, bits: int, scales: Scales) -> Scaling:
    """Scaling of an activation whose values lie in `reach`; 0 is always among them and exact.

    Parameters
    ----------
    reach
        Lowest and highest value.
    bits
        8 or 16.
    """
    low, high = min(reach[0], 0.0), max(reach[1], 0.0)
    if high - low < _LEAST_RANGE:
        return Scaling(scale=1.0, zero_point=0)
    if bits == 16:
        return Scaling(scale=_allowed(max(-low, high) / 32767.0, scales), zero_point=0)
    scale = _allowed((high - low) / 255.0, scales)
    return Scaling(scale=scale, zero_point=int(np.clip(np.rint(-128.0 - low / scale), -128, 127)))


def weight_scales(
    rows: Floats,
    bits: int,
    scales: Scales,
    *,
    least_error: bool,
    biases: Floats | None = None,
    most_bias: float = MOST_BIAS[8],
    source_scale: float = 1.0,
    trained_reach: Floats | None = None,
) -> npt.NDArray[np.float32]:
    """One scale for each row of weights.

    Parameters
    ----------
    rows
        Weights (n, k): a row for each output channel, or a single row.
    bits
        4 or 8.
    least_error
        Choose the share of each row's range that gives the least square error
        of its rounded weights; without it nothing is cut off.
    biases
        Biases, the same number for each row; stored with the scale
        ``source_scale x scale of the row``, which is made large enough for
        them: a dead channel, of weights next to nothing, still has a bias.
        None where there is none.
    most_bias
        Greatest magnitude of a stored bias, see `MOST_BIAS`.
    trained_reach
        Greatest magnitude that each row was trained for (n,); such ranges are
        kept.  None takes the greatest that is there.
    """
    most = (1 << (bits - 1)) - 1
    reach = np.abs(rows).max(axis=1) if trained_reach is None else trained_reach
    chosen = np.array([_allowed(float(value) / most, scales) for value in reach])
    if least_error and trained_reach is None:
        chosen = _least_error(rows, chosen, most, scales)
    if biases is not None:
        room = np.abs(biases).reshape(len(rows), -1).max(axis=1) / (source_scale * most_bias)
        chosen = np.maximum(chosen, [_allowed(float(value), scales) for value in room])
    # A row of zeros fits any scale; a large one would make its bias coarse.
    empty = reach == 0
    if empty.any():
        others = chosen[~empty]
        chosen[empty] = np.maximum(chosen[empty], others.min() if len(others) else 2.0**-7)
    return chosen.astype(np.float32)


def _least_error(rows: Floats, full: Floats, most: int, scales: Scales) -> Floats:
    best, least = full, np.full(len(rows), np.inf)
    for share in SHARES:
        tried = np.array([_allowed(float(scale) * share, scales) for scale in full])
        divisor = np.where(tried > 0, tried, 1.0)[:, np.newaxis]
        rounded = np.clip(np.rint(rows / divisor), -most, most) * divisor
        error = np.square(rows - rounded).sum(axis=1)
        best, least = np.where(error < least, tried, best), np.minimum(error, least)
    return best


def _allowed(scale: float, scales: Scales) -> float:
    """`scale` as a float32, or the least power of two that is not below it; 0 stays 0."""
    if scales == "linear" or scale <= 0.0:
        return float(np.float32(scale))
    mantissa, exponent = np.frexp(np.float32(scale))  # scale = mantissa x 2^exponent, 0.5 <= mantissa < 1
    return float(np.ldexp(1.0, int(exponent) - (mantissa == 0.5)))


def packed(values: npt.NDArray[np.int64], bits: int) -> npt.NDArray[np.uint8]:
    """Bytes of integers in little-endian order; two of 4 bits share a byte, the first in the lower half."""
    if bits != 4:
        return np.frombuffer(values.astype(f"<i{bits // 8}").tobytes(), np.uint8)
    halves = np.append(values.ravel(), [0] * (values.size % 2)).astype(np.uint8) & 0xF
    return (halves[::2] | (halves[1::2] << 4)).astype(np.uint8)
