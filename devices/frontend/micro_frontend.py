"""The fixed-point front-end of TensorFlow Lite Micro's keyword spotters, in integers from first to last.

Frames are windowed, scaled up, transformed, summed into mel channels, rooted,
freed of steady noise, levelled by per-channel gain control and put on a
logarithmic scale (``tensorflow/lite/micro/examples/micro_speech/audio_preprocessor.py``
says which operators in which order).  Boards without a floating-point unit run
it many times faster than the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from devices.frontend import fixed_fft, fixed_point
from devices.frontend.cost import Operations
from devices.frontend.fft import fft_size_for
from devices.frontend.framing import frame_count, frames, require_framing, sound_samples, whole_samples
from devices.frontend.frontend import FrontendError
from devices.frontend.integer_filters import IntegerFilters, integer_filters

if TYPE_CHECKING:
    from devices.frontend.fixed_point import Integers
    from devices.frontend.frontend import Constant, Floats

WINDOW_BITS = 12
_SHARES, _INTEGERS = 1.0, 32768.0
_TOP_HZ = 7500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MicroFrontend:
    """Settings of the fixed-point front-end: sound (samples,) to an image (frames, channels, 1) of integers 0..32767.

    The noise estimate starts at 0 with every sound and goes on from frame to frame.

    Attributes
    ----------
    sample_rate_hz
        Of the sound.
    window_ms, hop_ms
        Length of a frame, and from the start of one to the start of the next;
        rounded down to whole samples.
    channels
        Mel channels, 1 to 128.
    lower_hz, upper_hz
        Edges of the channels; None takes 7500 Hz, or 15/32 of the sample rate where that is less.
    noise_reduction
        Whether steady noise is subtracted.
    gain_control
        Whether channels are levelled (PCAN); needs the noise estimate.
    full_scale
        Raw value of the loudest sound: 1 for sound in -1..1, 32768 for 16-bit integers.

    Raises
    ------
    FrontendError
        When a setting is out of range.
    """

    name: ClassVar[str] = "micro_frontend"
    raw_value_bytes: ClassVar[int] = 2

    sample_rate_hz: int
    window_ms: float = 30.0
    hop_ms: float = 20.0
    channels: int = 40
    lower_hz: float = 125.0
    upper_hz: float | None = None
    noise_reduction: bool = True
    gain_control: bool = True
    full_scale: float = _SHARES

    def __post_init__(self) -> None:
        require_framing(self.sample_rate_hz, self.window_ms, self.hop_ms)
        if not 1 <= self.channels <= 128:
            raise FrontendError(f"channels is {self.channels}: it must be in 1..128")
        if not 0 <= self.lower_hz < self.top_hz < self.sample_rate_hz / 2:
            raise FrontendError(
                f"lower_hz is {self.lower_hz:g} and upper_hz {self.top_hz:g}: they must rise, from 0 to below half the "
                f"sample rate, {self.sample_rate_hz / 2:g}"
            )
        if self.full_scale not in (_SHARES, _INTEGERS):
            raise FrontendError(f"full_scale is {self.full_scale:g}: it is 1 or 32768")
        if self.gain_control and not self.noise_reduction:
            raise FrontendError("gain_control needs noise_reduction, whose noise estimate it uses: turn both off")
        if self.window_samples < 2 or self.hop_samples < 1 or not 64 <= self.points <= 2048:
            raise FrontendError(
                f"window_ms is {self.window_ms:g} and hop_ms {self.hop_ms:g}: a window of 33 to 2048 samples and a hop "
                "of one or more are needed"
            )
        self._filters()

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
        return fft_size_for(self.window_samples, None)

    @property
    def top_hz(self) -> float:
        """Upper edge of the last channel."""
        return min(_TOP_HZ, self.sample_rate_hz * 15 / 32) if self.upper_hz is None else self.upper_hz

    @property
    def correction_bits(self) -> int:
        """Bits that transform and filters have taken off."""
        return self.points.bit_length() - 1 - WINDOW_BITS // 2

    @property
    def snr_shift(self) -> int:
        """Bits between the product of signal and gain and their ratio."""
        return fixed_point.PCAN_GAIN_BITS - self.correction_bits - fixed_point.SNR_BITS

    @property
    def code_bytes(self) -> int:
        """Machine code of the C++ source (estimated)."""
        return 3600

    @property
    def int16_steps(self) -> int:
        """32768 where raw values are shares of full scale, 1 where they are integers."""
        return 1 if self.full_scale == _INTEGERS else 1 << 15

    def outline(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape (frames, channels, 1).

        Raises
        ------
        FrontendError
            When the input is no sound of one channel, or shorter than a frame.
        """
        count = frame_count(sound_samples(input_shape), self.window_samples, self.hop_samples)
        return (count, self.channels, 1)

    def row_elements(self, input_shape: tuple[int, ...]) -> int:  # noqa: ARG002 - of the protocol
        """Features of one frame."""
        return self.channels

    def apply(self, x: Floats) -> Floats:
        """Features float32 (n, frames, channels, 1), whole numbers, of sound float32 (n, samples).

        Raises
        ------
        FrontendError
            When the input is no sound of one channel, or shorter than a frame.
        """
        shape = self.outline(x.shape[1:])
        steps = np.floor(x.reshape(len(x), -1).astype(np.float32, copy=False) * np.float32(self.int16_steps) + 0.5)
        sound = np.clip(steps, -32768, 32767)
        out = np.empty((len(x), *shape), np.float32)
        for which, cut in frames(sound, self.window_samples, self.hop_samples):
            rooted = self.magnitudes(cut.astype(np.int32)).reshape(self.channels, -1, shape[0])
            out[which, ..., 0] = self._over_time(rooted)
        return out

    def magnitudes(self, cut: Integers) -> Integers:
        """Roots of the channels' energies, int64 (channels, n), of frames int32 (window_samples, n)."""
        windowed = np.clip((cut * self._window().astype(np.int32)[:, np.newaxis]) >> WINDOW_BITS, -32768, 32767)
        scaled, shift = fixed_point.auto_scale(windowed)
        padded = np.zeros((self.points, cut.shape[1]), np.int32)
        padded[: self.window_samples] = scaled
        real, imaginary = (part.astype(np.int64) for part in fixed_fft.transform(padded))
        energy = real * real + imaginary * imaginary
        return fixed_point.rounded_root(self._filters().apply(energy)) >> shift

    def _over_time(self, magnitudes: Integers) -> Integers:
        """Features (sounds, frames, channels) of magnitudes (channels, sounds, frames)."""
        shares = [fixed_point.EVEN_SMOOTHING, fixed_point.ODD_SMOOTHING]
        smoothing = np.array([fixed_point.fractions(shares[c % 2])[0] for c in range(self.channels)])[:, np.newaxis]
        noise = np.zeros(magnitudes.shape[:2], np.int64)
        rows = np.empty_like(magnitudes)
        for frame in range(magnitudes.shape[2]):
            signal = magnitudes[:, :, frame]
            if self.noise_reduction:
                signal, noise = fixed_point.subtract_noise(signal, noise, smoothing)
            if self.gain_control:
                signal = fixed_point.gain_control(signal, noise, self._gains(), self.snr_shift)
            rows[:, :, frame] = signal
        return fixed_point.scaled_log(rows, self.correction_bits).transpose(1, 2, 0)

    def sources(self) -> tuple[str, ...]:
        """C++ sources in the order they are put together."""
        return (fixed_fft.SOURCE, "fixed_point.inc", "micro_frontend.inc")

    def constants(self, input_shape: tuple[int, ...]) -> Mapping[str, Constant]:
        """C++ constants of the sources."""
        return {
            **fixed_fft.constants(self.points),
            **self._filters().constants(),
            "kWindowSamples": self.window_samples,
            "kHopSamples": self.hop_samples,
            "kWindow": self._window(),
            "kInt16Steps": float(self.int16_steps),
            "kCorrectionBits": self.correction_bits,
            "kReducesNoise": self.noise_reduction,
            "kEvenSmoothing": fixed_point.fractions(fixed_point.EVEN_SMOOTHING)[0],
            "kOddSmoothing": fixed_point.fractions(fixed_point.ODD_SMOOTHING)[0],
            "kMinRemaining": fixed_point.fractions(fixed_point.MIN_REMAINING)[0],
            "kControlsGain": self.gain_control,
            "kSnrShift": self.snr_shift,
            "kGains": self._gains(),
            "kLogTable": fixed_point.log_table(),
            "kRows": self.outline(input_shape)[0],
        }

    def operations(self, input_shape: tuple[int, ...]) -> Operations:
        """Of all frames of one sound: about 700 a channel, most of them for the root."""
        count = self.outline(input_shape)[0]
        bins = len(self._filters().weights)
        integer = 7 * self.window_samples + fixed_fft.integer_operations(self.points) + 12 * bins
        return Operations(simple=0, integer=count * (integer + 700 * self.channels))

    def buffer_bytes(self, input_shape: tuple[int, ...]) -> int:  # noqa: ARG002 - of the protocol
        """Frame and spectrum in 16 bits, and the noise estimates."""
        return 2 * self.points + 2 * self.points + 4 + 4 * self.channels

    def _filters(self) -> IntegerFilters:
        return integer_filters(
            channels=self.channels,
            fft_size=self.points,
            sample_rate_hz=self.sample_rate_hz,
            lower_hz=self.lower_hz,
            upper_hz=self.top_hz,
        )

    def _window(self) -> Integers:
        """Hann's window between its samples, int16 in 12 bits."""
        angle = 2 * math.pi / self.window_samples * (np.arange(self.window_samples) + 0.5)
        shape: Integers = np.round((0.5 - 0.5 * np.cos(angle)) * (1 << WINDOW_BITS)).astype(np.int16)
        return shape

    def _gains(self) -> Integers:
        return fixed_point.gain_table(
            fixed_point.PCAN_STRENGTH,
            fixed_point.PCAN_OFFSET,
            fixed_point.PCAN_GAIN_BITS,
            fixed_point.SMOOTHING_BITS - self.correction_bits,
        )
