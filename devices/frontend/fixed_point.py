"""Integer stages of TensorFlow Lite Micro's front-end: auto-scale, root, noise subtraction, gain control, logarithm.

Each is a function of whole arrays with the results of the operator of the same
name in ``signal/src`` of TensorFlow Lite Micro, which descends from the
microfrontend of keyword spotters.  Values are unsigned unless said otherwise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[Any]

SUBTRACTION_BITS, SMOOTHING_BITS = 14, 10
EVEN_SMOOTHING, ODD_SMOOTHING, MIN_REMAINING = 0.025, 0.06, 0.05
PCAN_STRENGTH, PCAN_OFFSET, PCAN_GAIN_BITS = 0.95, 80.0, 21
SNR_BITS, OUTPUT_BITS = 12, 6

_WORD = (1 << 32) - 1
_LOG_SEGMENTS = 128
_LN2 = 45426  # ln 2 in 16 bits


def bit_length(x: Integers) -> Integers:
    """Binary digits of each value below 2^53; 0 of 0."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)


def auto_scale(frames: Integers) -> tuple[Integers, Integers]:
    """Columns of 16-bit values (n, columns) shifted up as far as they go, and by how many bits.

    A value of -32768 counts as 32768 here; TensorFlow Lite Micro loses it on the way.
    """
    largest = np.abs(frames).max(axis=0)
    shift = np.where(largest > 0, np.maximum(15 - bit_length(largest), 0), 0)
    return frames << shift, shift


def rounded_root(x: Integers) -> Integers:
    """Square root of 64-bit values below 2^53, halves rounded up; 65535 where it would be 65536 of 32 bits."""
    root = np.floor(np.sqrt(x.astype(np.float64))).astype(np.int64)
    root -= root * root > x
    root += (root + 1) * (root + 1) <= x
    is_above = (x - root * root > root) & ~((root == 0xFFFF) & (x <= _WORD))
    rounded: Integers = root + is_above
    return rounded


def fractions(value: float) -> tuple[int, int]:
    """A share of 1 and the rest, in 14 bits."""
    share = int(value * (1 << SUBTRACTION_BITS))
    return share, (1 << SUBTRACTION_BITS) - share


def subtract_noise(
    signal: Integers, noise: Integers, smoothing: Integers, smoothing_bits: int = SMOOTHING_BITS
) -> tuple[Integers, Integers]:
    """What rises above the running mean of each channel, at least a twentieth of it; and the new mean.

    Parameters
    ----------
    signal
        int64 (channels, n).
    noise
        Running means int64 (channels, n); 0 at the start.
    smoothing
        Share of each channel, int64 (channels, 1) in 14 bits, that the new value has in the mean.
    smoothing_bits
        Bits that the means have more than the signal.
    """
    raised = (signal << smoothing_bits) & _WORD
    rest = (1 << SUBTRACTION_BITS) - smoothing
    noise = ((raised * smoothing + noise * rest) >> SUBTRACTION_BITS) & _WORD
    floor = (signal * fractions(MIN_REMAINING)[0]) >> SUBTRACTION_BITS
    left = (raised - np.minimum(noise, raised)) >> smoothing_bits
    return np.maximum(left, floor), noise


def gain_table(strength: float, offset: float, gain_bits: int, input_bits: int) -> Integers:
    """``2^gain_bits (x / 2^input_bits + offset)^-strength`` as parabolas between powers of two: int16 (125,).

    Entry 0 and 1 are its values there; from entry 2 each interval [2^(k-1), 2^k)
    has its value, a slope, a curvature and a 0.
    """

    def gain(x: int) -> int:
        base = np.float32(np.float32(x) / np.float32(1 << input_bits)) + np.float32(offset)
        power = np.float32(math.pow(float(base), -float(np.float32(strength))))
        return min(int(np.float32(np.float32(1 << gain_bits) * power) + np.float32(0.5)), 32767)

    table = [gain(0), gain(1)]
    for interval in range(2, 33):
        start = 1 << (interval - 1)
        end = 2 * start if interval < 32 else 2 * start - 1
        at_start, halfway, at_end = gain(start), gain(start + start // 2), gain(end)
        slope = 4 * (halfway - at_start) - (at_end - at_start)
        table += [at_start, slope, at_end - at_start - slope, 0]
    return np.array(table[:125]).astype(np.int16)


def wide_gain(noise: Integers, table: Integers) -> Integers:
    """The gain of each noise estimate, from `gain_table`."""
    interval = bit_length(noise)
    place = np.maximum(4 * interval - 6, 0)
    shifted = np.where(interval < 11, noise << np.maximum(11 - interval, 0), noise >> np.maximum(interval - 11, 0))
    share = shifted & 0x3FF
    long = table.astype(np.int64)
    padded = np.concatenate([long, np.zeros(3, np.int64)])
    curved = ((padded[place + 2] * share) >> 5) + (padded[place + 1] << 5)
    risen = (curved * share + (1 << 14)) >> 15
    return np.where(noise <= 2, long[np.minimum(noise, 2)], padded[place] + risen)


def gain_control(signal: Integers, noise: Integers, table: Integers, snr_shift: int) -> Integers:
    """Per-channel gain control (PCAN): the signal over its noise, compressed, in 6 bits after the point."""
    snr = ((signal * (wide_gain(noise, table) & _WORD)) >> snr_shift) & _WORD
    small = ((snr * snr) & _WORD) >> (2 + 2 * SNR_BITS - OUTPUT_BITS)
    large = (snr >> (SNR_BITS - OUTPUT_BITS)) - (1 << OUTPUT_BITS)
    compressed: Integers = np.where(snr < 2 << SNR_BITS, small, large)
    return compressed


def log_table() -> Integers:
    """``log2(1 + i / 128) - i / 128`` in 16 bits, uint16 (129,)."""
    rows = [math.log2(1 + i / _LOG_SEGMENTS) - i / _LOG_SEGMENTS for i in range(_LOG_SEGMENTS + 1)]
    return np.array([round(65536 * row) for row in rows], np.uint16)


def scaled_log(x: Integers, correction_bits: int) -> Integers:
    """``64 ln(x 2^correction_bits)`` in integers, at most 32767; 0 where that is not above 1."""
    x = (x << correction_bits) & _WORD
    safe = np.maximum(x, 1)
    whole = bit_length(safe) - 1
    rest = safe - (np.int64(1) << whole)
    share = np.where(whole < 16, rest << np.maximum(16 - whole, 0), rest >> np.maximum(whole - 16, 0))
    table = log_table().astype(np.int64)
    segment = share >> 9
    between = ((table[segment + 1] - table[segment]) * (share - (segment << 9))) >> 16
    log2 = (whole << 16) + share + table[segment] + between
    natural = (_LN2 * log2 + 32768) >> 16
    return np.where(x > 1, np.minimum((64 * natural + 32768) >> 16, 32767), 0)
