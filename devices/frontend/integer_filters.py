"""Mel filters with integer weights: every bin of the spectrum is shared out between two neighbouring channels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from devices.frontend.frontend import FrontendError

if TYPE_CHECKING:
    from devices.frontend.frontend import Constant

WEIGHT_BITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerFilters:
    """Weights in 12 bits of the bins `start` and up.

    Attributes
    ----------
    start
        First bin that counts.
    ends
        The bin after the last one of each range; range i lies between the
        centres of channels i - 1 and i, one range more than channels.
    weights, rests
        What of a bin of range i goes to channel i - 1, and to channel i.
    """

    start: int
    ends: npt.NDArray[np.uint16]
    weights: npt.NDArray[np.int16]
    rests: npt.NDArray[np.int16]

    def apply(self, energy: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Energies int64 (channels, n) of spectra int64 (bins, n)."""
        ranges = len(self.ends)
        out = np.zeros((ranges + 1, energy.shape[1]), np.int64)  # channels -1 and the last + 1 are thrown away
        starts = (self.start, *self.ends[:-1].tolist())
        for index, (start, end) in enumerate(zip(starts, self.ends.tolist(), strict=True)):
            for k in range(start, end):
                out[index] += energy[k] * int(self.weights[k - self.start])
                out[index + 1] += energy[k] * int(self.rests[k - self.start])
        return out[1:ranges]

    def constants(self) -> dict[str, Constant]:
        """C++ constants of ``micro_frontend.inc``."""
        return {
            "kChannels": len(self.ends) - 1,
            "kFirstBin": self.start,
            "kRangeEnds": self.ends,
            "kWeights": self.weights,
            "kRests": self.rests,
        }


@lru_cache(maxsize=8)
def integer_filters(
    *, channels: int, fft_size: int, sample_rate_hz: int, lower_hz: float, upper_hz: float
) -> IntegerFilters:
    """Weights as TensorFlow Lite Micro's ``filter_bank_ops`` calculates them, in single precision.

    Raises
    ------
    FrontendError
        When the channels reach to the end of the spectrum.
    """
    half = fft_size // 2
    hertz_per_bin = (sample_rate_hz / 2) / half
    low, high = _mel(lower_hz), _mel(upper_hz)
    centres = low + ((high - low) / np.float32(channels + 1)) * np.arange(1, channels + 2, dtype=np.float32)
    start = k = round(1 + lower_hz / hertz_per_bin)
    ends: list[int] = []
    weights: list[int] = []
    rests: list[int] = []
    for index, centre in enumerate(centres):
        before = low if index == 0 else centres[index - 1]
        while k <= half and _mel(k * hertz_per_bin) <= centre:
            weight = (centre - _mel(k * hertz_per_bin)) / (centre - before)
            weights.append(int(weight * np.float32(1 << WEIGHT_BITS)))
            rests.append(int((np.float32(1) - weight) * np.float32(1 << WEIGHT_BITS)))
            k += 1
        ends.append(k)
    if k > half:
        raise FrontendError(f"upper_hz is {upper_hz:g}: the channels reach to the end of the spectrum; make it lower")
    return IntegerFilters(
        start=start,
        ends=np.array(ends, np.uint16),
        weights=np.array(weights, np.int16),
        rests=np.array(rests, np.int16),
    )


def _mel(hertz: float) -> np.float32:
    return np.float32(1127.0 * math.log1p(float(np.float32(hertz)) / 700.0))
