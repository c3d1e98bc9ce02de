"""Mel-frequency cepstral coefficients: the log-mel bands of a frame, turned by a cosine transform.

Type II with TensorFlow's scale: coefficient c of B bands is
``sqrt(2 / B) * sum_b band_b cos(pi c (b + 1/2) / B)``, the same for c = 0
(``tf.signal.mfccs_from_log_mel_spectrograms``, after HTK).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from devices.frontend.frontend import FrontendError
from devices.frontend.log_mel import LogMel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.frontend.frontend import Constant, Floats
    from devices.frontend.mel import FilterBank


@dataclass(frozen=True, slots=True, kw_only=True)
class Mfcc(LogMel):
    """Settings of the MFCC front-end: sound (samples,) to an image (frames, coefficients, 1).

    Attributes
    ----------
    coefficients
        The first ones that are kept, at most one a band.

    Raises
    ------
    FrontendError
        When a setting is out of range.

    See Also
    --------
    LogMel : All other settings.
    """

    name: ClassVar[str] = "mfcc"

    coefficients: int = 10

    def __post_init__(self) -> None:
        LogMel.__post_init__(self)
        if not 1 <= self.coefficients <= self.mel_bins:
            raise FrontendError(f"coefficients is {self.coefficients}: it must be in 1..mel_bins ({self.mel_bins})")

    @property
    def code_bytes(self) -> int:
        """Machine code of the C++ source (estimated)."""
        return 3500

    def row_elements(self, input_shape: tuple[int, ...]) -> int:  # noqa: ARG002 - of the protocol
        """Features of one frame."""
        return self.coefficients

    def _rows(self, filters: FilterBank, power: Floats) -> Floats:
        bands = LogMel._rows(self, filters, power)
        rows = np.zeros((self.coefficients, bands.shape[1]), np.float32)
        for column, band in zip(self._cosines().T, bands, strict=True):
            rows += column[:, np.newaxis] * band
        return rows

    @property
    def _row_source(self) -> str:
        return "mfcc.inc"

    def constants(self, input_shape: tuple[int, ...]) -> Mapping[str, Constant]:
        """C++ constants of the sources."""
        return {
            **LogMel.constants(self, input_shape),
            "kCoefficients": self.coefficients,
            "kCosines": self._cosines().T,
        }

    def _frame_operations(self) -> tuple[int, int]:
        simple, slow = LogMel._frame_operations(self)
        return simple + 2 * self.mel_bins * self.coefficients, slow

    def _cosines(self) -> Floats:
        """Weights (coefficients, mel_bins)."""
        scale, n = math.sqrt(2 / self.mel_bins), self.mel_bins
        table = [[scale * math.cos(math.pi * c * (b + 0.5) / n) for b in range(n)] for c in range(self.coefficients)]
        return np.array(table, np.float32)
