"""Triangular filters, equally spaced on the mel scale, as sparse rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from devices.frontend.frontend import FrontendError

if TYPE_CHECKING:
    import numpy.typing as npt

    from devices.frontend.frontend import Constant, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterBank:
    """Filters over the bins of a spectrum, each a run of consecutive bins.

    Attributes
    ----------
    starts
        First bin of each filter.
    ends
        Position in `weights` where each filter's weights end.
    weights
        Weights of all filters, one filter after the other.
    """

    starts: npt.NDArray[np.uint16]
    ends: npt.NDArray[np.uint16]
    weights: Floats

    def apply(self, spectrum: Floats) -> Floats:
        """Weighted sums (filters, n) of spectra (bins, n), each added up from its lowest bin."""
        bands = np.zeros((len(self.starts), spectrum.shape[1]), np.float32)
        position = 0
        for band, start, end in zip(bands, self.starts, self.ends, strict=True):
            for offset in range(int(end) - position):
                np.add(band, self.weights[position + offset] * spectrum[int(start) + offset], out=band)
            position = int(end)
        return bands

    def constants(self) -> dict[str, Constant]:
        """C++ constants of ``mel.inc``."""
        return {
            "kMelBins": len(self.starts),
            "kMelStarts": self.starts,
            "kMelEnds": self.ends,
            "kMelWeights": self.weights,
        }


def hertz_to_mel(hertz: float) -> float:
    """O'Shaughnessy 1987: ``1127 ln(1 + f / 700)``."""
    return 1127.0 * math.log(1.0 + hertz / 700.0)


def filter_bank(*, bands: int, fft_size: int, sample_rate_hz: int, lower_hz: float, upper_hz: float) -> FilterBank:
    """Triangles that rise and fall linearly in mel and reach 1 at their centre, as ``tf.signal`` makes them.

    Raises
    ------
    FrontendError
        When a triangle lies between two bins of the spectrum.
    """
    edges = np.linspace(hertz_to_mel(lower_hz), hertz_to_mel(upper_hz), bands + 2)
    mel = np.array([hertz_to_mel(k * sample_rate_hz / fft_size) for k in range(fft_size // 2 + 1)])
    starts: list[int] = []
    ends: list[int] = []
    weights: list[float] = []
    for low, centre, high in zip(edges, edges[1:], edges[2:], strict=False):
        triangle = np.minimum((mel - low) / (centre - low), (high - mel) / (high - centre)).astype(np.float32)
        bins = np.flatnonzero(triangle > 0)
        bins = bins[bins > 0]  # the constant part of the sound belongs to no band
        if not len(bins):
            raise FrontendError(
                f"mel_bins is {bands} with fft_size {fft_size}: band {len(starts)} lies between two bins of the "
                "spectrum; take fewer mel_bins, a higher lower_hz or a larger fft_size"
            )
        starts.append(int(bins[0]))
        weights.extend(triangle[bins].tolist())
        ends.append(len(weights))
    return FilterBank(
        starts=np.array(starts, np.uint16), ends=np.array(ends, np.uint16), weights=np.array(weights, np.float32)
    )
