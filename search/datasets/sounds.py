"""Sounds from files: one channel, one sample rate, one length."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from search.datasets.options import DataOptions
from search.datasets.parts import check_bytes
from search.datasets.raw import Array
from search.datasets.reading import read_each
from search.errors import DataError

Clip = npt.NDArray[np.float32]

_MOST_SECONDS = 3600.0  # of one file
_MOST_CHANNELS = 64
_MOST_HZ = 768_000
_MOST_DECODED_BYTES = 512 << 20  # of one file, all channels as float32: a few bytes can declare any length
_USUAL_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounds:
    """Clips of equal length and rate.

    Attributes
    ----------
    x
        float32 (n, samples), full scale is -1..1.
    owner
        Position (n,) of the file that each clip is from.
    sample_rate_hz
        Of all.
    notes
        What was resampled, mixed down, filled up or cut, a sentence each.
    """

    x: Clip
    owner: npt.NDArray[np.intp]
    sample_rate_hz: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    rate_hz: int
    frames: int
    channels: int
    is_cut: bool

    @property
    def seconds(self) -> float:
        return self.frames / self.rate_hz


def read_sounds(paths: Sequence[Path], options: DataOptions, source: str) -> Sounds:
    """Read, mix down, resample and cut to one length.

    A file shorter than a clip is filled up with silence at its end.  A longer
    one loses its end, unless the options name an overlap: then it becomes
    several clips.

    Raises
    ------
    DataError
        When a file cannot be decoded, is without sound, longer than an hour
        or 512 MiB when decoded, holds values that are not finite, or all together need more than 4 GiB.
    """
    headers = list(read_each(paths, _header, "sound headers"))
    rate = options.sample_rate_hz or min(header.rate_hz for header in headers)
    samples = _samples(headers, rate, options)
    starts = [_starts(math.ceil(header.seconds * rate), samples, options.overlap) for header in headers]
    total = sum(map(len, starts))
    check_bytes(source, total, samples, 4, "use shorter clips (data_options.clip_seconds)")
    x = np.zeros((total, samples), np.float32)

    def decode(path: Path) -> Clip:
        return _decoded(path, rate)

    row = 0
    for sound, places in zip(read_each(paths, decode, "sounds"), starts, strict=True):
        for start in places:
            clip = sound[start : start + samples]
            x[row, : len(clip)] = clip
            row += 1
    owner = np.repeat(np.arange(len(paths)), [len(places) for places in starts])
    return Sounds(x=x, owner=owner, sample_rate_hz=rate, notes=_notes(headers, rate, samples, options))


def _samples(headers: Sequence[_Header], rate: int, options: DataOptions) -> int:
    """Samples of a clip: as asked for, else what all files have, else those of a second."""
    lengths = {round(header.seconds * rate) for header in headers}
    common = next(iter(lengths)) if len(lengths) == 1 else round(_USUAL_SECONDS * rate)
    return max(1, round(options.clip_seconds * rate) if options.clip_seconds else common)


def _starts(available: int, samples: int, overlap: float) -> tuple[int, ...]:
    if not overlap:
        return (0,)
    step = max(1, round(samples * (1 - overlap)))
    return tuple(range(0, max(available - samples, 0) + 1, step))


def _notes(headers: Sequence[_Header], rate: int, samples: int, options: DataOptions) -> tuple[str, ...]:
    rates = Counter(header.rate_hz for header in headers if header.rate_hz != rate)
    said = [f"{count} sounds are resampled from {found} Hz to {rate} Hz" for found, count in sorted(rates.items())]
    mixed = sum(header.channels > 1 for header in headers)
    if mixed:
        said.append(f"{mixed} sounds of several channels are mixed down to one")
    cut_short = sum(header.is_cut for header in headers)
    if cut_short:
        said.append(f"{cut_short} sounds end before the length that their header declares: are they whole?")
    lengths = [round(header.seconds * rate) for header in headers]
    short, long = sum(length < samples for length in lengths), sum(length > samples for length in lengths)
    if short or (long and not options.overlap):
        cut = "" if options.overlap else f", {long} longer ones cut"
        said.append(f"clips are {samples / rate:g} s: {short} shorter sounds are filled up with silence{cut}")
    return tuple(said)


def _header(path: Path) -> _Header:
    """Rate and length as the file declares them, bounded before anything is decoded."""
    import soundfile

    try:
        info = soundfile.info(str(path))
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        raise DataError(
            f"data file {str(path)!r} is no sound that can be read ({_reason(error)}): remove it"
        ) from error
    if not info.frames or not 0 < info.samplerate <= _MOST_HZ or not 0 < info.channels <= _MOST_CHANNELS:
        raise DataError(
            f"data file {str(path)!r} holds {info.frames} samples of {info.channels} channels at {info.samplerate} Hz: "
            "remove it, or write it again"
        )
    if info.frames / info.samplerate > _MOST_SECONDS:
        raise DataError(
            f"data file {str(path)!r} declares {info.frames / info.samplerate:.0f} s of sound, the most is "
            f"{_MOST_SECONDS:.0f} s: cut it into recordings"
        )
    n_bytes = 4 * info.frames * info.channels
    if n_bytes > _MOST_DECODED_BYTES:
        raise DataError(
            f"data file {str(path)!r} declares {info.frames} samples of {info.channels} channels, {n_bytes >> 20} MiB "
            f"of sound, the most is {_MOST_DECODED_BYTES >> 20} MiB: cut it into recordings, or mix it down to one "
            "channel"
        )
    # libsndfile takes what is there and says so in its log alone: "data : 16000 (should be 3956)".
    is_cut = any(line.startswith("data :") and "(should be" in line for line in info.extra_info.splitlines())
    return _Header(rate_hz=info.samplerate, frames=info.frames, channels=info.channels, is_cut=is_cut)


def _decoded(path: Path, rate: int) -> Clip:
    """One channel at `rate`."""
    import soundfile

    try:
        values, found = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        raise DataError(f"data file {str(path)!r} is a damaged sound ({_reason(error)}): write it again") from error
    if not len(values):
        raise DataError(f"data file {str(path)!r} ends before its first sample: write it again")
    mono = values.mean(axis=1, dtype=np.float64) if values.shape[1] > 1 else values[:, 0]
    if not np.isfinite(mono).all():
        raise DataError(f"data file {str(path)!r} holds samples that are not finite: write it again")
    return _resampled(mono, found, rate)


def _resampled(sound: Array, found: int, rate: int) -> Clip:
    """Polyphase resampling, which filters out what the new rate cannot carry."""
    if found == rate:
        return sound.astype(np.float32)
    from scipy.signal import resample_poly

    divisor = math.gcd(found, rate)
    made: Clip = resample_poly(sound, rate // divisor, found // divisor).astype(np.float32)
    return made


def _reason(error: Exception) -> str:
    return str(error).rsplit(": ", maxsplit=1)[-1].rstrip(".") or type(error).__name__
