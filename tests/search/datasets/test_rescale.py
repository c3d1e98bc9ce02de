"""Inputs on another scale are the same values, and the usual scales are found from the data."""

from __future__ import annotations

import numpy as np
import pytest

from devices.artifact import Normalization
from search.datasets.load import load
from search.datasets.rescale import normalization_of, rescaled, usual_normalizations
from search.errors import JobError


def test_what_a_job_says() -> None:
    """The scale of the loader, the values as they are, or two numbers."""
    assert normalization_of("fitted") is None
    assert normalization_of("none") == Normalization(offset=0.0, factor=1.0)
    assert normalization_of("127.5,0.5") == Normalization(offset=127.5, factor=0.5)


@pytest.mark.parametrize("text", ["half", "1", "1,2,3", "1,0", "nan,1", "0,inf", ""])
def test_what_says_no_scale_is_refused(text: str) -> None:
    """With the three ways to write one."""
    with pytest.raises(JobError, match="write 'fitted'"):
        normalization_of(text)


def test_values_as_they_are() -> None:
    """Digits are counts 0..16; labels and order stay, and so does the data set that was given."""
    data = load("digits")
    raw = rescaled(data, normalization_of("none"))
    assert raw.normalization == Normalization(offset=0.0, factor=1.0)
    for name in ("train", "validation", "test"):
        x = getattr(raw, name).x
        assert x.dtype == np.float32
        assert np.abs(x - np.round(x)).max() < 1e-5
        assert np.array_equal(getattr(raw, name).y, getattr(data, name).y)
    assert (raw.train.x.min(), raw.train.x.max()) == (0.0, pytest.approx(16.0))
    assert data.train.x.max() == 1.0


def test_there_and_back() -> None:
    """Nothing is lost but rounding; the scale it has is the data set itself."""
    data = load("digits")
    back = rescaled(rescaled(data, Normalization(offset=7.5, factor=0.13)), data.normalization)
    assert np.abs(back.test.x - data.test.x).max() < 1e-6
    assert rescaled(data, None) is data
    assert rescaled(data, data.normalization) is data


def test_the_usual_scales() -> None:
    """As found, -1..1, and mean 0 with deviation 1; each key is what a job would say."""
    data = load("digits")
    scales = usual_normalizations(data)
    found = [rescaled(data, scale).train.x for scale in scales.values()]
    assert all(normalization_of(text) == scale for text, scale in scales.items())
    assert (found[1].min(), found[1].max()) == (pytest.approx(-1, abs=1e-4), pytest.approx(1, abs=1e-4))
    assert (found[2].mean(), found[2].std()) == (pytest.approx(0, abs=1e-4), pytest.approx(1, abs=1e-4))
