"""Data behind a front-end: features as the device computes them, raw values found back exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from devices.artifact import Normalization
from devices.frontend.mfcc import Mfcc
from devices.frontend.micro_frontend import MicroFrontend
from devices.frontend.window_statistics import WindowStatistics
from search.datasets.dataset import Dataset
from search.datasets.facts import describe
from search.datasets.frontend import behind
from search.datasets.load import load, read, save
from search.datasets.prepare import prepare
from search.datasets.raw import RawData, RawPart
from search.errors import DataError, JobError
from tests.search.datasets.conftest import MakeNpz

_MFCC = {"mfcc": {"sample_rate_hz": 8000}}


def pcm(samples: int = 30, length: int = 2000) -> npt.NDArray[np.int16]:
    """Bursts of 16-bit sound, quiet ones among them, the loudest at full scale."""
    rng = np.random.default_rng(5)
    loudness = np.geomspace(3, 9000, samples)[:, np.newaxis]
    x = np.clip(loudness * rng.normal(size=(samples, length)), -32768, 32767).astype(np.int16)
    x[-1, :2] = (-32768, 32767)
    return x


def _stacked(data: Dataset) -> npt.NDArray[np.float32]:
    return np.concatenate([data.train.x, data.validation.x, data.test.x])


def _sorted(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    flat = x.reshape(len(x), -1)
    return flat[np.lexsort(flat.T[::-1])]


@pytest.mark.parametrize("as_shares", [False, True])
def test_features_are_those_of_the_samples_in_the_file(make_npz: MakeNpz, as_shares: bool) -> None:
    """Bit for bit, although the loader normalises first: of integers, and of 16-bit sound in -1..1."""
    x = pcm()
    stored = x.astype(np.float32) / np.float32(32768) if as_shares else x
    data = behind(load(str(make_npz(x_train=stored))), _MFCC, standardised=False)
    expected = Mfcc(sample_rate_hz=8000).apply(x.astype(np.float32) / np.float32(32768))
    assert data.input_shape == (12, 10, 1)
    assert np.array_equal(_sorted(_stacked(data)), _sorted(expected))
    assert data.normalization == Normalization(offset=0.0, factor=1.0)


def test_training_sounds_have_copies_and_others_have_none(make_npz: MakeNpz) -> None:
    """The sounds themselves come first, unchanged; all of them are standardised together."""
    plain = behind(load(str(make_npz(x_train=pcm()))), _MFCC, standardised=False)
    data = behind(load(str(make_npz(x_train=pcm()))), _MFCC, standardised=False, copies=2)
    n = len(plain.train)
    assert len(data.train) == 3 * n
    assert np.array_equal(data.train.x[:n], plain.train.x)
    assert np.array_equal(data.train.y, np.tile(plain.train.y, 3))
    assert not np.allclose(data.train.x[n : 2 * n], data.train.x[2 * n :], atol=0.1)
    for part in ("validation", "test"):
        assert np.array_equal(getattr(data, part).x, getattr(plain, part).x)
    fitted = behind(load(str(make_npz(x_train=pcm()))), _MFCC, standardised=True, copies=2).train.x
    assert np.abs(fitted.mean(axis=(0, 1, 3))).max() < 1e-3


def _twelve_bits() -> npt.NDArray[np.int16]:
    """As an unsigned converter gives sound around its middle."""
    return (2048 + np.clip(pcm() / 16, -2048, 2047)).astype(np.int16)


@pytest.mark.parametrize(
    ("stored", "step", "least", "most"),
    [
        (pcm(), 1.0, -32768.0, 32767.0),
        ((pcm() / 20).astype(np.int16), 1.0, -32768.0, 32767.0),  # quiet sound of 16 bits
        (pcm().astype(np.float32) / 32768, 1 / 32768, -1.0, 32767 / 32768),
        (_twelve_bits(), 1.0, 0.0, 4095.0),
        (pcm().astype(np.int32) * 256, 0.0, -(2.0**23), 2.0**23),  # finer than single precision keeps of them
        ((pcm() * 0.77 / 32768).astype(np.float32), 0.0, -1.0, 1.0),
        ((pcm() * 5.1 / 32768).astype(np.float32), 0.0, -8.0, 8.0),
        ((pcm() * 1e-9).astype(np.float32), 0.0, -1e-4, 1e-4),  # pascals: far below what anything cuts off
    ],
    ids=["16 bits", "quiet", "shares", "12 bits", "24 bits", "floats", "g", "pascals"],
)
def test_copies_are_recorded_as_the_data_were(
    make_npz: MakeNpz,
    monkeypatch: pytest.MonkeyPatch,
    stored: npt.NDArray[np.generic],
    step: float,
    least: float,
    most: float,
) -> None:
    """On the steps that the data have, and within the range of bits that holds them; nearly all of it uncut."""
    made: list[npt.NDArray[np.float32]] = []

    class Kept(Mfcc):
        def apply(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            made.append(x)
            return Mfcc.apply(self, x)

    monkeypatch.setattr("search.datasets.frontend.frontend_of", lambda *_: Kept(sample_rate_hz=8000))
    data = behind(load(str(make_npz(x_train=stored))), _MFCC, standardised=False, copies=3)
    copies = np.concatenate([x for x in made if len(x) == len(data.originals)])[-3 * len(data.originals) :]
    assert data.copies == 3
    assert least <= copies.min()
    assert copies.max() <= most
    assert ((copies == least) | (copies == most)).mean() < 0.03
    assert np.ptp(copies) > 0.5 * np.ptp(stored)
    assert not step or np.array_equal(copies / step, np.round(copies / step))


def test_kept_data_know_their_copies(make_npz: MakeNpz, tmp_path: Path) -> None:
    """And their identity does not hang on the last bit of a copy, which another machine may round otherwise."""
    data = behind(load(str(make_npz(x_train=pcm()))), _MFCC, standardised=False, copies=2)
    save(data, tmp_path / "kept.npz")
    kept = read(tmp_path / "kept.npz")
    assert kept.copies == 2
    assert np.array_equal(kept.originals.x, data.train.x[: len(data.train) // 3])
    assert kept.digest() == data.digest()
    x = data.train.x.copy()
    x[-1] += np.float32(1e-6)
    assert replace(data, train=replace(data.train, x=x)).digest() == data.digest()
    x[0] += np.float32(1e-3)
    assert replace(data, train=replace(data.train, x=x)).digest() != data.digest()
    assert describe(data).splits["train"].n == len(data.originals)


def test_more_copies_than_memory_are_refused(make_npz: MakeNpz) -> None:
    """Before the first of them is made."""
    data = load(str(make_npz(x_train=pcm())))
    with pytest.raises(DataError, match=r"samples of 120 values need \d+ bytes.*: lower augment"):
        behind(data, _MFCC, standardised=False, copies=1_000_000)


def test_fixed_point_features_too(make_npz: MakeNpz) -> None:
    x = pcm()
    choice = {"micro_frontend": {"sample_rate_hz": 8000}}
    data = behind(load(str(make_npz(x_train=x))), choice, standardised=False)
    expected = MicroFrontend(sample_rate_hz=8000, full_scale=32768.0).apply(x.astype(np.float32))
    assert np.array_equal(_sorted(_stacked(data)), _sorted(expected))


def test_values_between_the_steps_come_back_to_single_precision(make_npz: MakeNpz) -> None:
    x = np.random.default_rng(0).normal(size=(30, 16, 1, 2)).astype(np.float32)
    data = behind(load(str(make_npz(x_train=x))), {"window_statistics": {}}, standardised=False)
    expected = WindowStatistics().apply(x)
    assert np.allclose(_sorted(_stacked(data)), _sorted(expected), atol=2e-6)


@pytest.mark.parametrize("scale", [0.01, 1e-6])
def test_values_that_are_small_against_a_step_are_no_zeros(make_npz: MakeNpz, scale: float) -> None:
    x = (scale * np.random.default_rng(0).normal(size=(30, 16, 1, 2))).astype(np.float32)
    data = behind(load(str(make_npz(x_train=x))), {"window_statistics": {}}, standardised=False)
    assert np.allclose(_sorted(_stacked(data)), _sorted(WindowStatistics().apply(x)), atol=2e-6 * scale)


@pytest.mark.parametrize("least", [0, -100])
def test_a_small_channel_beside_integers_is_kept(make_npz: MakeNpz, least: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(least, 101, (30, 16, 1, 2)).astype(np.float32)
    x[..., 1] = 0.01 * rng.normal(size=(30, 16, 1)) if least else 0.01 * rng.random((30, 16, 1))
    data = behind(load(str(make_npz(x_train=x))), {"window_statistics": {}}, standardised=False)
    assert np.allclose(_sorted(_stacked(data)), _sorted(WindowStatistics().apply(x)), atol=2e-4)


def test_a_channel_far_below_the_steps_of_another_is_no_zero(make_npz: MakeNpz) -> None:
    """Beside 16-bit integers single precision leaves 0.004: that much of it comes back, and the integers exactly."""
    rng = np.random.default_rng(0)
    x = rng.integers(-32768, 32768, (30, 16, 1, 3)).astype(np.float32)
    x[..., 1] = 0.01 * np.sin(np.arange(30 * 16)).reshape(30, 16, 1)
    x[..., 2] = 0
    x[0, :2, 0, 0] = (-32768, 32767)
    data = behind(load(str(make_npz(x_train=x))), {"window_statistics": {}}, standardised=False)
    assert data.raw is not None
    assert np.array_equal(data.raw[..., 0], np.round(data.raw[..., 0]))
    assert 0.004 < data.raw[..., 1].std() < 0.012
    assert not data.raw[..., 2].any()


def test_shares_a_little_above_full_scale_are_no_integers(make_npz: MakeNpz) -> None:
    """One sample of 1.03, as resampling makes it, does not change the scale of a whole set."""
    x = pcm().astype(np.float32) / np.float32(32768)
    x[:, 0], x[:, 1] = 1.03, -1.03
    data = behind(load(str(make_npz(x_train=x))), _MFCC, standardised=False)
    assert data.frontend is not None
    assert data.frontend.frontend == Mfcc(sample_rate_hz=8000, full_scale=1.0)


@pytest.mark.parametrize(("factor", "full_scale"), [(1.0, 32768.0), (0.37, 32768.0)])
def test_quiet_integers_and_what_lies_far_beyond_shares_are_integers(
    make_npz: MakeNpz, factor: float, full_scale: float
) -> None:
    """Integers of 3 are that since they are whole, and others of 50 since no sound in shares is as loud."""
    x = np.clip(pcm(), -3, 3) if factor == 1 else np.clip(pcm(), -150, 150) * np.float32(factor)
    data = behind(load(str(make_npz(x_train=x))), _MFCC, standardised=False)
    assert data.frontend is not None
    assert data.frontend.frontend == Mfcc(sample_rate_hz=8000, full_scale=full_scale)


def test_features_are_standardised_by_the_training_split_alone(make_npz: MakeNpz) -> None:
    data = behind(load(str(make_npz(x_train=pcm()))), _MFCC, standardised=True)
    rows = data.train.x.reshape(-1, 10)
    assert rows.mean(0) == pytest.approx(np.zeros(10), abs=1e-3)
    assert rows.std(0) == pytest.approx(np.ones(10), abs=1e-3)
    assert abs(data.validation.x.reshape(-1, 10).mean(0)).max() > 0.01


def test_the_pipeline_makes_the_inputs_of_the_kept_raw_samples(make_npz: MakeNpz) -> None:
    """What the exported check relies on."""
    data = behind(load(str(make_npz(x_train=pcm()))), _MFCC, standardised=True)
    assert data.frontend is not None
    assert data.raw is not None
    assert len(data.raw) == 3
    assert np.array_equal(data.frontend.apply(data.raw), data.validation.x[:3])


def test_columns_of_a_table_are_standardised_one_by_one(make_npz: MakeNpz) -> None:
    x = np.random.default_rng(1).normal([5, -300, 1e5, 0.01], [1, 100, 1e4, 1e-3], (300, 4)).astype(np.float32)
    data = behind(load(str(make_npz(x_train=x, y_train=np.arange(300) % 3))), {"standardise": {}}, standardised=True)
    assert data.train.x.std(0) == pytest.approx(np.ones(4), abs=1e-2)
    assert data.train.x.mean(0) == pytest.approx(np.zeros(4), abs=1e-2)


def test_without_a_choice_nothing_changes() -> None:
    data = load("digits")
    assert behind(data, {}, standardised=True) is data


def test_prepared_data_keep_it(make_npz: MakeNpz, tmp_path: Path) -> None:
    """Front-end, raw samples and sample rate; data without are read as before."""
    plain = replace(load(str(make_npz(x_train=pcm()))), sample_rate_hz=8000)
    made = behind(plain, {"mfcc": {}}, standardised=True)
    for data in (plain, made):
        save(data, tmp_path / "prepared.npz")
        again = read(tmp_path / "prepared.npz")
        assert again.frontend == data.frontend
        assert again.sample_rate_hz == 8000
        assert again.digest() == data.digest()
        assert (again.raw is None) is (data.raw is None)
    assert made.raw is not None
    assert again.raw is not None
    assert np.array_equal(again.raw, made.raw)


def test_a_damaged_front_end_is_refused(make_npz: MakeNpz, tmp_path: Path) -> None:
    data = behind(load(str(make_npz(x_train=pcm()))), _MFCC, standardised=True)
    file = tmp_path / "prepared.npz"
    save(data, file)
    with np.load(file) as arrays:
        held = {**arrays, "frontend": np.array('{"frontend": 3}')}
    np.savez(file, **held)
    with pytest.raises(DataError, match=r"is not prepared data .*: start the run anew"):
        read(file)


def test_the_digest_tells_front_ends_apart(make_npz: MakeNpz) -> None:
    data = load(str(make_npz(x_train=pcm())))
    made = [behind(data, {"mfcc": {"sample_rate_hz": 8000, "log_offset": o}}, standardised=True) for o in (1e-6, 2e-6)]
    assert len({data.digest(), *(each.digest() for each in made)}) == 3


def test_check_says_what_made_the_inputs(make_npz: MakeNpz) -> None:
    data = load(str(make_npz(x_train=pcm())))
    plain, made = describe(data), describe(behind(data, _MFCC, standardised=True))
    assert (plain.frontend, plain.raw_shape) == ("", ())
    assert (made.frontend, made.raw_shape, made.input_shape) == ("mfcc", (2000,), (12, 10, 1))


def test_the_sample_rate_comes_from_the_loader() -> None:
    part = RawPart(x=pcm(), y=np.arange(30) % 3, x_name="x", y_name="y")
    data = prepare(RawData(name="sound", source="sound", train=part, sample_rate_hz=8000))
    assert data.sample_rate_hz == 8000
    made = behind(data, {"mfcc": {}}, standardised=True)
    assert made.frontend is not None
    assert made.frontend.frontend == Mfcc(sample_rate_hz=8000, full_scale=32768.0)


def test_data_that_a_front_end_cannot_take_is_refused(make_npz: MakeNpz) -> None:
    data = load(str(make_npz(x_train=pcm())))
    with pytest.raises(JobError, match="the data does not say its sample rate"):
        behind(data, {"mfcc": {}}, standardised=True)
    with pytest.raises(DataError, match="a sound has 2000 samples and the window 3000: take a shorter window_ms"):
        behind(data, {"mfcc": {"sample_rate_hz": 100_000}}, standardised=True)
    with pytest.raises(DataError, match=r"data 'digits': input has shape .* a sound has one channel"):
        behind(load("digits"), _MFCC, standardised=True)
