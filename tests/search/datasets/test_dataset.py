"""The record of a prepared data set keeps its rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from devices.artifact import Normalization
from search.datasets.dataset import Dataset, Split
from search.errors import DataError


def _split(samples: int, shape: tuple[int, ...] = (2,)) -> Split:
    return Split(x=np.ones((samples, *shape), np.float32), y=np.zeros(samples, np.int64))


def _dataset() -> Dataset:
    return Dataset(
        name="made-up",
        train=_split(3),
        validation=_split(2),
        test=_split(1),
        labels=("a", "b"),
        normalization=Normalization(offset=0.0, factor=1.0),
    )


def test_shape_and_classes() -> None:
    """The properties say what the arrays and labels are."""
    data = _dataset()
    assert (data.input_shape, data.n_classes, len(data.train)) == ((2,), 2, 3)


@pytest.mark.parametrize("bad", [_split(0), _split(2, (3,)), replace(_split(2), y=np.zeros(1, np.int64))])
def test_refuses_broken_splits(bad: Split) -> None:
    """An empty split, another sample shape and unequal lengths are refused at birth."""
    with pytest.raises(DataError, match="made-up"):
        replace(_dataset(), validation=bad)


def test_digest_sees_every_part() -> None:
    """Changing one value, one label or the normalisation changes the identity; a copy does not."""
    data = _dataset()
    other_x, other_y = data.test.x.copy(), data.test.y.copy()
    other_x[0, 0], other_y[0] = 2, 1
    changed = [
        replace(data, test=replace(data.test, x=other_x)),
        replace(data, test=replace(data.test, y=other_y)),
        replace(data, labels=("a", "c")),
        replace(data, normalization=Normalization(offset=0.0, factor=2.0)),
    ]
    assert _dataset().digest() == data.digest()
    assert len({data.digest(), *(each.digest() for each in changed)}) == 5
