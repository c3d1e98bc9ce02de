"""Splits that do not leak, and what is impossible."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.datasets.options import DataOptions
from search.datasets.prepare import prepared
from search.datasets.raw import RawData, RawPart
from search.datasets.splitting import Samples, assign, split_kind
from search.errors import DataError

BOTH = ("validation", "test")


def _samples(groups: int = 10, each: int = 6, classes: int = 3, **changes: Any) -> Samples:
    """`groups` persons, each with `each` samples of every class."""
    y = np.tile(np.repeat(np.arange(classes), each), groups)
    return Samples(**{"y": y, "groups": np.repeat(np.arange(groups), each * classes), **changes})


def _part(y: Any, x: Any = None, **changes: Any) -> RawPart:
    values = np.arange(len(y), dtype=np.float32)[:, np.newaxis] if x is None else x
    return RawPart(x=values, y=np.asarray(y), x_name="inputs", y_name="labels", **changes)


def _raw(train: RawPart, **changes: Any) -> RawData:
    return RawData(name="made-up", source="made-up", train=train, **changes)


@given(groups=st.integers(3, 30), each=st.integers(1, 5), classes=st.integers(2, 5), seed=st.integers(0, 99))
def test_no_group_is_torn_apart(groups: int, each: int, classes: int, seed: int) -> None:
    """Whatever the groups, each lies in one part, and no part is empty."""
    rng = np.random.default_rng(seed)
    samples = _samples(groups, each, classes)
    order = rng.permutation(len(samples.y))
    assert samples.groups is not None
    shuffled = Samples(y=samples.y[order], groups=samples.groups[order])
    taken = assign("made-up", shuffled, BOTH, DataOptions())
    homes = {int(group): set(taken[shuffled.groups == group].tolist()) for group in range(groups)}
    assert all(len(home) == 1 for home in homes.values())
    assert set(taken.tolist()) == {0, 1, 2}


def test_groups_share_classes_evenly() -> None:
    """Recordings of one class each: every class gives near a fifth of its samples, as if they were stratified."""
    sizes = np.random.default_rng(0).integers(3, 12, 60)
    samples = Samples(y=np.repeat(np.arange(60) % 3, sizes), groups=np.repeat(np.arange(60), sizes))
    taken = assign("made-up", samples, BOTH, DataOptions())
    for label in range(3):
        shares = np.bincount(taken[samples.y == label], minlength=3) / (samples.y == label).sum()
        assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.05)


def test_shares_are_kept() -> None:
    """The options' shares, of every class and in whole groups."""
    options = DataOptions(validation_share=0.1, test_share=0.3)
    for samples in (_samples(groups=10, each=10), Samples(y=_samples(groups=10, each=10).y)):
        counts = np.bincount(assign("made-up", samples, BOTH, options))
        assert (counts / counts.sum()).tolist() == [0.6, 0.1, 0.3]


def test_time_goes_forward() -> None:
    """No test sample is older than any other; equal times stay together."""
    rng = np.random.default_rng(0)
    samples = Samples(y=rng.integers(0, 2, 200), order=rng.integers(0, 50, 200))
    taken = assign("made-up", samples, BOTH, DataOptions(split="time"))
    assert samples.order is not None
    spans = [(samples.order[taken == part].min(), samples.order[taken == part].max()) for part in range(3)]
    assert spans[0][1] < spans[1][0]
    assert spans[1][1] < spans[2][0]
    assert np.bincount(taken) / 200 == pytest.approx([0.6, 0.2, 0.2], abs=0.05)


def test_time_goes_forward_in_each_class() -> None:
    """Classes that were recorded one after the other: the last fifth of each is the test."""
    samples = Samples(y=np.arange(90) // 30, order=np.arange(90) // 2)
    taken = assign("made-up", samples, BOTH, DataOptions(split="time-in-class"))
    for label in range(3):
        assert taken[samples.y == label].tolist() == [0] * 18 + [1] * 6 + [2] * 6
    too_few = Samples(y=np.arange(9) // 3, order=np.arange(9) // 3)
    with pytest.raises(DataError, match="too few different times of class '0' to leave any for validation"):
        assign("made-up", too_few, BOTH, DataOptions(split="time-in-class"))


def test_measured_targets_are_shared_evenly() -> None:
    """A part of a regression's samples has the same spread of targets, whatever their distribution."""
    y = np.exp(np.random.default_rng(0).normal(size=500) * 3)
    taken = assign("made-up", Samples(y=y), BOTH, DataOptions())
    medians = [np.median(np.log(y[taken == part])) for part in range(3)]
    assert np.ptp(medians) < 0.3
    mostly_zero = np.where(np.arange(500) < 480, 0.0, y)
    assert np.bincount(assign("made-up", Samples(y=mostly_zero), BOTH, DataOptions())).tolist() == [300, 100, 100]
    several = assign("made-up", Samples(y=np.stack([y, y], axis=1)), BOTH, DataOptions())
    assert np.array_equal(several, taken)


def test_which_kind() -> None:
    """By group where there are groups, unless asked otherwise."""
    assert split_kind(_samples(), DataOptions()) == "group"
    assert split_kind(Samples(y=np.zeros(3)), DataOptions()) == "stratified"
    assert split_kind(_samples(), DataOptions(split="stratified")) == "stratified"


@pytest.mark.parametrize(
    ("samples", "options", "sentence"),
    [
        (Samples(y=np.arange(9) % 3), DataOptions(split="group"), "there are no groups to split by: name the column"),
        (Samples(y=np.arange(9) % 3), DataOptions(split="time"), "there are no times to split by: name the column"),
        (_samples(groups=2), DataOptions(), "there are 2 groups, at least 3 are needed"),
        (Samples(y=np.arange(9) // 3, groups=np.arange(9) // 3), DataOptions(), "class '0' is in 1 of 3 groups"),
        (
            Samples(y=np.arange(90) // 30, order=np.arange(90)),
            DataOptions(split="time"),
            "a split by time leaves class '2' out of training",
        ),
        (Samples(y=np.arange(9) % 3, order=np.zeros(9)), DataOptions(split="time"), "too few different times"),
        (Samples(y=np.array([0, 0, 0, 1, 1])), DataOptions(), "class '1' has 2 samples, at least 3"),
    ],
)
def test_impossible(samples: Samples, options: DataOptions, sentence: str) -> None:
    """What cannot be split is refused with the remedy."""
    with pytest.raises(DataError, match=sentence):
        assign("made-up", samples, BOTH, options)


def test_nothing_missing_nothing_moved() -> None:
    """A user's own split is left alone."""
    assert not assign("made-up", _samples(groups=1), (), DataOptions()).any()


def test_summary_says_what_was_done() -> None:
    """Counts of every part, how they were chosen, and repeated samples."""
    y = np.tile([0, 1], 30)
    x = np.arange(60, dtype=np.float32)[:, np.newaxis]
    test = _part([0, 1, 1], np.array([[3], [100], [101]], np.float32), groups=np.array([20, 21, 21]))
    found = prepared(_raw(_part(y, x, groups=np.repeat(np.arange(10), 6)), test=test))
    assert found.split.text() == (
        "split by group: train 48 (8 groups, 24 to 24 a class), validation 12 (2 groups, 6 to 6 a class), "
        "test 3 (as given, 2 groups, 1 to 2 a class)"
    )
    assert found.notes == ("1 of 3 test samples have the inputs of a training or validation sample",)


def test_a_torn_group_is_said() -> None:
    """A user who splits recordings class by class is told that they are in several parts."""
    groups = np.repeat(np.arange(4), 10)
    found = prepared(_raw(_part(np.arange(40) % 2, groups=groups)), DataOptions(split="stratified"))
    assert any("4 of 4 groups of the test samples are in training or validation too" in note for note in found.notes)


def test_given_parts_with_common_groups_are_said() -> None:
    """The same person in the user's own training and test part."""
    train = _part(np.arange(40) % 2, groups=np.repeat(np.arange(4), 10))
    test = _part(np.arange(6) % 2, np.full((6, 1), 99.5, np.float32), groups=np.array([3, 3, 3, 7, 7, 7]))
    found = prepared(_raw(train, test=test))
    assert [part.is_given for part in found.split.parts] == [True, False, True]
    assert any("1 of 2 groups of the test samples are in training or validation too" in note for note in found.notes)


def test_a_copied_test_part_is_refused() -> None:
    """A test part that is in training measures memory; a few equal samples, or rows of a table, only get a note."""
    train = _part(np.arange(60) % 2)
    with pytest.raises(DataError, match="30 of 30 test samples are in the parts before it"):
        prepared(_raw(train, test=_part(np.arange(30) % 2)))
    few = prepared(_raw(train, test=_part(np.arange(10) % 2)))
    assert any("10 of 10 test samples" in note for note in few.notes)
