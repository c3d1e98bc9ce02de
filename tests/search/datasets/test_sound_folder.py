"""Folders of sounds: widths, rates, lengths, speakers."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from search.datasets.load import inspect
from search.datasets.options import DataOptions
from search.datasets.sounds import read_sounds
from tests.search.datasets.made import sounds, write_sound


def _tone(path: Path, hz: float, rate: int, seconds: float = 0.5, **options: object) -> Path:
    time = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * hz * time), rate, **options)
    return path


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_every_width_is_the_same_sound(subtype: str, tmp_path: Path) -> None:
    """Full scale is -1..1 whatever the file's width, to within a step of it."""
    path = _tone(tmp_path / "a.wav", 440, 8000, subtype=subtype)
    sound = read_sounds([path], DataOptions(), "made-up").x[0]
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
    step = 1 / 127 if subtype == "PCM_U8" else 1e-4
    assert sound.dtype == np.float32
    assert np.abs(sound - expected).max() < step


@pytest.mark.parametrize("suffix", [".flac", ".ogg"])
def test_other_formats(suffix: str, tmp_path: Path) -> None:
    """FLAC is exact to 16 bits, Ogg Vorbis close."""
    path = _tone(tmp_path / f"a{suffix}", 440, 8000)
    sound = read_sounds([path], DataOptions(), "made-up").x[0]
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
    assert np.abs(sound - expected).mean() < (1e-4 if suffix == ".flac" else 0.02)


def test_resampling_keeps_tones_and_drops_what_cannot_be_carried(tmp_path: Path) -> None:
    """440 Hz stay 440 Hz at 8 kHz; 6 kHz, above half of the new rate, vanish instead of becoming 2 kHz."""
    low = _tone(tmp_path / "low.wav", 440, 44_100)
    high = _tone(tmp_path / "high.wav", 6000, 44_100)
    found = read_sounds([low, high], DataOptions(sample_rate_hz=8000), "made-up")
    assert found.x.shape == (2, 4000)
    spectrum = np.abs(np.fft.rfft(found.x[0]))
    assert np.argmax(spectrum) * 8000 / 4000 == pytest.approx(440, abs=2)
    assert np.abs(found.x[1][200:-200]).max() < 0.01
    assert found.notes == ("2 sounds are resampled from 44100 Hz to 8000 Hz",)


def test_stereo_is_mixed_down(tmp_path: Path) -> None:
    """The mean of the channels."""
    soundfile.write(tmp_path / "a.wav", np.tile([0.5, -0.25], (800, 1)), 8000, subtype="FLOAT")
    assert read_sounds([tmp_path / "a.wav"], DataOptions(), "made-up").x[0] == pytest.approx(0.125)


def test_lengths(tmp_path: Path) -> None:
    """Shorter sounds get silence behind them, longer ones lose their end, and a note counts both."""
    short, long = write_sound(tmp_path / "a.wav", 0.2), write_sound(tmp_path / "b.wav", 1.5, seed=1)
    found = read_sounds([short, long], DataOptions(), "made-up")
    assert found.x.shape == (2, 8000)
    assert not found.x[0][1600:].any()
    assert found.x[0][:1600].any()
    assert found.notes == ("clips are 1 s: 1 shorter sounds are filled up with silence, 1 longer ones cut",)
    assert read_sounds([short, long], DataOptions(clip_seconds=0.2), "made-up").x.shape == (2, 1600)


def test_overlap_cuts_clips(tmp_path: Path) -> None:
    """A long sound becomes clips that overlap by as much, all of one group."""
    for name in ("no", "yes"):
        for index in range(6):
            write_sound(tmp_path / name / f"{index}.wav", 1.0, seed=index + 10 * (name == "no"))
    found = inspect(str(tmp_path), DataOptions(clip_seconds=0.4, overlap=0.5))
    assert found.data.input_shape == (3200,)
    assert sum(part.n for part in found.split.parts) == 12 * 4  # at 0, 0.2, 0.4 and 0.6 s
    assert [part.n_groups for part in found.split.parts] == [8, 2, 2]
    assert found.split.kind == "group"


def test_speakers_are_not_torn_apart(tmp_path: Path) -> None:
    """Names of files say class and speaker; rate and clips reach the raw data."""
    sounds(tmp_path / "unused")
    for digit in range(3):
        for speaker in ("ann", "bob", "cyd", "dan", "eve"):
            for take in range(2):
                name = f"{digit}_{speaker}_{take}.wav"
                write_sound(tmp_path / "flat" / name, seed=zlib.crc32(name.encode()))
    found = inspect(str(tmp_path / "flat"), DataOptions(file_name="{label}_{speaker}_{take}", group_by="speaker"))
    assert found.data.labels == ("0", "1", "2")
    assert [(part.n, part.n_groups) for part in found.split.parts] == [(18, 3), (6, 1), (6, 1)]
