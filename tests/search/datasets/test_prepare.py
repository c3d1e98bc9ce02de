"""Splitting and labelling, where no file is involved."""

from __future__ import annotations

import numpy as np
import pytest

from search.datasets.prepare import prepare
from search.datasets.raw import RawData, RawPart
from search.errors import DataError


def _raw(counts: dict[str, int]) -> RawData:
    y = np.repeat(list(counts), list(counts.values()))
    x = np.arange(len(y), dtype=np.float32)[:, np.newaxis]
    return RawData(name="made-up", source="made-up", train=RawPart(x=x, y=y, x_name="inputs", y_name="labels"))


def test_share_of_each_class() -> None:
    """Every class gives a fifth of itself to validation and test, at least one sample."""
    data = prepare(_raw({"a": 100, "b": 10, "c": 3}))
    counts = [np.bincount(part.y).tolist() for part in (data.train, data.validation, data.test)]
    assert counts == [[60, 6, 1], [20, 2, 1], [20, 2, 1]]


def test_no_sample_twice() -> None:
    """The parts are disjoint, together all samples, and each keeps the order of the source."""
    data = prepare(_raw({"a": 40, "b": 23}))
    scale = data.normalization
    values = [np.rint(part.x[:, 0] / scale.factor + scale.offset) for part in (data.train, data.validation, data.test)]
    assert sorted(np.concatenate(values).tolist()) == list(range(63))
    assert all((np.diff(part) > 0).all() for part in values)


def test_names_the_built_in_source() -> None:
    """Messages name the source of data that is not a file, too."""
    with pytest.raises(DataError, match="data 'made-up': class 'b' has 1 samples"):
        prepare(_raw({"a": 9, "b": 1}))
