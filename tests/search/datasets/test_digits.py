"""The built-in digits."""

from __future__ import annotations

import numpy as np

from search.datasets.digits import Digits
from search.datasets.load import load


def test_digits_are_ready_to_train_on() -> None:
    """Three stratified splits of 60/20/20 percent, inputs 0..1, the factor that the device has to apply."""
    data = load("digits")
    sizes = [len(data.train), len(data.validation), len(data.test)]
    assert sum(sizes) == 1797
    assert [round(size / 1797, 2) for size in sizes] == [0.6, 0.2, 0.2]
    assert data.input_shape == (8, 8, 1)
    assert data.labels == tuple("0123456789")
    assert (data.normalization.offset, data.normalization.factor) == (0.0, 1 / 16)
    assert (data.train.x.min(), data.train.x.max()) == (0.0, 1.0)
    shares = np.array(
        [np.bincount(part.y, minlength=10) / len(part) for part in (data.train, data.validation, data.test)]
    )
    assert np.ptp(shares, axis=0).max() < 0.01


def test_splits_are_disjoint_and_complete() -> None:
    """Every image is in exactly one split, whenever it is loaded."""
    data = load("digits")
    raw = Digits().read_name("digits").train.x.reshape(1797, -1)
    joined = np.concatenate([part.x.reshape(len(part), -1) for part in (data.train, data.validation, data.test)]) * 16
    assert np.array_equal(np.sort(joined.astype(np.uint8), axis=0), np.sort(raw, axis=0))
    assert sorted(map(bytes, joined.astype(np.uint8))) == sorted(map(bytes, raw))
    assert load("digits").digest() == data.digest()
