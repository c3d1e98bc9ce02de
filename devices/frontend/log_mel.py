"""Logarithms of mel band energies: the spectrogram that keyword spotters look at.

The recipe of MLPerf Tiny's keyword spotting and of ``tf.signal``: periodic
Hann window, magnitude spectrum, triangles on the mel scale, ``ln(x + offset)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from devices.frontend import fft, logarithm
from devices.frontend.cost import Operations
from devices.frontend.fft import fft_size_for
from devices.frontend.framing import frame_count, frames, require_framing, sound_samples, whole_samples
from devices.frontend.frontend import FrontendError
from devices.frontend.mel import FilterBank, filter_bank
from devices.frontend.windows import WINDOWS, Window, window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.frontend.frontend import Constant, Floats

Spectrum = Literal["magnitude", "power"]
Level = Literal["given", "peak"]

_MOST_BANDS = 256
_LEAST_OFFSET, _MOST_OFFSET = 1e-30, 1e6
_SPEECH_HZ = 4000.0
_INTEGERS_FROM = 256.0  # full scale of sound in integers, as against shares of it


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMel:
    """Settings of the log-mel front-end: sound (samples,) to an image (frames, mel_bins, 1).

    Attributes
    ----------
    sample_rate_hz
        Of the sound.
    window_ms, hop_ms
        Length of a frame, and from the start of one to the start of the next;
        rounded down to whole samples.
    fft_size
        Power of two; None takes the least that holds the window.
    mel_bins
        Bands, 1 to 256.
    lower_hz, upper_hz
        Lower edge of the first and upper edge of the last band; None takes
        4000 Hz or half the sample rate, the lesser.
    window
        Window function.
    spectrum
        Whether bands add up magnitudes or their squares.
    log_offset
        Added before the logarithm, 1e-30 to 1e6; features of silence are its logarithm.
    full_scale
        Raw value of the loudest sound: raw values are divided by it.  1 for
        sound in -1..1, 32768 for 16-bit integers.  On the device, 16-bit integers
        are taken as they are from 256, and as 1/32768 of a raw value below.
    level
        ``given`` takes sounds as loud as they are; ``peak`` divides each by its
        greatest absolute value, as MLPerf Tiny's keyword spotting does.
    mean_normalization
        Whether each feature's mean over the frames of a sound is taken off: what
        microphone, room and speaker add to all of them (Atal 1974, section V;
        cepstral mean normalisation).  The device holds the features of a whole
        sound for it.

    Raises
    ------
    FrontendError
        When a setting is out of range.
    """

    name: ClassVar[str] = "log_mel"
    raw_value_bytes: ClassVar[int] = 2

    sample_rate_hz: int
    window_ms: float = 30.0
    hop_ms: float = 20.0
    fft_size: int | None = None
    mel_bins: int = 40
    lower_hz: float = 20.0
    upper_hz: float | None = None
    window: Window = "hann"
    spectrum: Spectrum = "magnitude"
    log_offset: float = 1e-6
    full_scale: float = 1.0
    level: Level = "given"
    mean_normalization: bool = False

    def __post_init__(self) -> None:
        require_framing(self.sample_rate_hz, self.window_ms, self.hop_ms)
        if not 0 <= self.lower_hz < self.top_hz <= self.sample_rate_hz / 2:
            raise FrontendError(
                f"lower_hz is {self.lower_hz:g} and upper_hz {self.top_hz:g}: they must rise, from 0 to half the "
                f"sample rate, {self.sample_rate_hz / 2:g}"
            )
        if not 1 <= self.mel_bins <= _MOST_BANDS:
            raise FrontendError(f"mel_bins is {self.mel_bins}: it must be in 1..{_MOST_BANDS}")
        self._check_choices()
        if not _LEAST_OFFSET <= self.log_offset <= _MOST_OFFSET:
            raise FrontendError(f"log_offset is {self.log_offset:g}: it must be in {_LEAST_OFFSET:g}..{_MOST_OFFSET:g}")
        if not 1e-6 <= self.full_scale <= 1e9:
            raise FrontendError(f"full_scale is {self.full_scale:g}: it must be in 1e-6..1e9")
        if self.window_samples < 2 or self.hop_samples < 1:
            raise FrontendError("window_ms must hold two samples and hop_ms one: make them longer")
        self._filters()

    def _check_choices(self) -> None:
        for key, known in (("window", WINDOWS), ("spectrum", ("magnitude", "power")), ("level", ("given", "peak"))):
            if getattr(self, key) not in known:
                raise FrontendError(f"{key} is {getattr(self, key)!r}: it is one of {', '.join(known)}")

    @property
    def window_samples(self) -> int:
        """Samples of one frame."""
        return whole_samples(self.window_ms, self.sample_rate_hz)

    @property
    def hop_samples(self) -> int:
        """Samples from one frame to the next."""
        return whole_samples(self.hop_ms, self.sample_rate_hz)

    @property
    def points(self) -> int:
        """Size of the Fourier transform."""
        return fft_size_for(self.window_samples, self.fft_size)

    @property
    def top_hz(self) -> float:
        """Upper edge of the last band."""
        return min(_SPEECH_HZ, self.sample_rate_hz / 2) if self.upper_hz is None else self.upper_hz

    @property
    def code_bytes(self) -> int:
        """Machine code of the C++ source (estimated)."""
        return 3400

    @property
    def int16_steps(self) -> int:
        """32768 where raw values are shares of full scale, 1 where they are integers."""
        return 1 if self.full_scale >= _INTEGERS_FROM else 1 << 15

    def outline(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape (frames, features of a frame, 1).

        Raises
        ------
        FrontendError
            When the input is no sound of one channel, or shorter than a frame.
        """
        count = frame_count(sound_samples(input_shape), self.window_samples, self.hop_samples)
        return (count, self.row_elements(input_shape), 1)

    def row_elements(self, input_shape: tuple[int, ...]) -> int:  # noqa: ARG002 - of the protocol
        """Features of one frame."""
        return self.mel_bins

    def apply(self, x: Floats) -> Floats:
        """Features float32 (n, frames, features of a frame, 1) of sound float32 (n, samples), silence included.

        Raises
        ------
        FrontendError
            When the input is no sound of one channel, or shorter than a frame.
        """
        shape = self.outline(x.shape[1:])
        sound = x.reshape(len(x), -1).astype(np.float32, copy=False)
        shaping, filters = window(self.window, self.window_samples)[:, np.newaxis], self._filters()
        scales = np.repeat(self._scales(sound), shape[0]).reshape(len(x), -1)
        out = np.empty((len(x), *shape), np.float32)
        for which, cut in frames(sound, self.window_samples, self.hop_samples):
            padded = np.zeros((self.points, cut.shape[1]), np.float32)
            padded[: self.window_samples] = (cut * scales[which].reshape(-1)) * shaping
            rows = self._rows(filters, fft.power_spectrum(padded))
            out[which] = rows.T.reshape(-1, *shape)
        return _centred(out) if self.mean_normalization else out

    def _scales(self, sound: Floats) -> Floats:
        """What each sound (n, samples) is multiplied by."""
        if self.level == "given":
            return np.full(len(sound), 1.0 / self.full_scale, np.float32)
        peaks = np.abs(sound).max(axis=1)
        return (np.float32(1) / np.where(peaks > 0, peaks, np.float32(1))).astype(np.float32, copy=False)

    def _rows(self, filters: FilterBank, power: Floats) -> Floats:
        """Features (features of a frame, n) of power spectra (bins, n)."""
        bands = filters.apply(np.sqrt(power) if self.spectrum == "magnitude" else power)
        return logarithm.natural_log(bands + np.float32(self.log_offset))

    def sources(self) -> tuple[str, ...]:
        """C++ sources in the order they are put together."""
        level, ending = f"{self.level}_level.inc", "centred_rows.inc" if self.mean_normalization else "plain_rows.inc"
        sound = (fft.SOURCE, logarithm.SOURCE, "mel.inc", "sound_unit.inc", level, "spectrum.inc")
        return (*sound, self._row_source, ending)

    @property
    def _row_source(self) -> str:
        return "log_mel.inc"

    def constants(self, input_shape: tuple[int, ...]) -> Mapping[str, Constant]:
        """C++ constants of the sources."""
        return {
            **fft.constants(self.points),
            **self._filters().constants(),
            "kWindowSamples": self.window_samples,
            "kHopSamples": self.hop_samples,
            "kWindow": window(self.window, self.window_samples),
            "kSampleScale": np.float32(1.0 / self.full_scale).item(),
            "kInt16Unit": 1.0 / self.int16_steps,
            "kTakesRoot": self.spectrum == "magnitude",
            "kLogOffset": self.log_offset,
            "kRows": self.outline(input_shape)[0],
        }

    def operations(self, input_shape: tuple[int, ...]) -> Operations:
        """Of all frames of one sound."""
        count = self.outline(input_shape)[0]
        simple, slow = self._frame_operations()
        levelling = 2 * sound_samples(input_shape) if self.level == "peak" else 0
        centring = 2 * count * self.row_elements(input_shape) if self.mean_normalization else 0
        means = self.row_elements(input_shape) if self.mean_normalization else 0
        return Operations(simple=count * simple + levelling + centring, slow=count * slow + means)

    def _frame_operations(self) -> tuple[int, int]:
        roots = self.points // 2 + 1 if self.spectrum == "magnitude" else 0
        simple = 2 * self.window_samples + fft.simple_operations(self.points) + 2 * len(self._filters().weights)
        simple += self.mel_bins * (1 + logarithm.SIMPLE_OPERATIONS)
        return simple, roots + self.mel_bins * logarithm.SLOW_OPERATIONS

    def buffer_bytes(self, input_shape: tuple[int, ...]) -> int:
        """One frame, which becomes its spectrum; all features where their means are taken off."""
        features = prod(self.outline(input_shape)) if self.mean_normalization else 0
        return 4 * (self.points + features)

    def _filters(self) -> FilterBank:
        return filter_bank(
            bands=self.mel_bins,
            fft_size=self.points,
            sample_rate_hz=self.sample_rate_hz,
            lower_hz=self.lower_hz,
            upper_hz=self.top_hz,
        )


def _centred(features: Floats) -> Floats:
    """Features (n, frames, ...) less their means over the frames, added up frame by frame as the device does."""
    total = np.zeros_like(features[:, 0])
    for frame in range(features.shape[1]):
        total += features[:, frame]
    return features - (total / np.float32(features.shape[1]))[:, np.newaxis]
