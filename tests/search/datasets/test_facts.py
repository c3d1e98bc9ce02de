"""What is found in a data set by looking at it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from devices.artifact import Normalization
from search.datasets.dataset import Dataset, Split
from search.datasets.facts import describe
from search.datasets.load import load


def split(rows: list[list[float]], labels: list[int]) -> Split:
    return Split(x=np.array(rows, np.float32), y=np.array(labels, np.int64))


def small(test: Split | None = None) -> Dataset:
    """Three columns, of which the second never changes in training; raw values are 10 x + 5."""
    return Dataset(
        name="small",
        train=split([[0, 1, 2], [1, 1, 3], [0, 1, 2], [4, 1, 4], [5, 1, 5], [6, 1, 6]], [0, 0, 0, 0, 1, 0]),
        validation=split([[0.5, 0, 0], [4, 1, 4]], [1, 0]),
        test=test or split([[9, 9, 9], [8, 8, 8]], [0, 1]),
        labels=("calm", "storm"),
        normalization=Normalization(offset=5.0, factor=0.1),
    )


def test_counts_and_values_of_every_split() -> None:
    """Samples by class, the ends of the raw values, and samples that come twice."""
    facts = describe(small())
    assert (facts.name, facts.input_shape, facts.labels) == ("small", (3,), ("calm", "storm"))
    train = facts.splits["train"]
    assert (train.n, train.counts, train.repeated) == (6, (5, 1), 1)
    assert (train.lowest, train.highest) == pytest.approx((5.0, 65.0))
    assert [facts.splits[name].counts for name in ("validation", "test")] == [(1, 1), (1, 1)]
    assert facts.imbalance == 5.0
    assert facts.constant_inputs == (1,)


def test_the_baseline_is_the_most_common_class_of_training() -> None:
    """Right for one of two validation samples, with the interval of two."""
    facts = describe(small())
    assert facts.trivial == "calm"
    accuracy = facts.baseline["accuracy"]
    assert (accuracy.value, accuracy.n) == (0.5, 2)
    assert accuracy.low < 0.1
    assert accuracy.high > 0.9


def test_samples_of_two_splits_are_found() -> None:
    """Equal to the last bit, whatever their labels; minus zero is zero."""
    shared = describe(small()).shared
    assert shared == {"train-validation": 1, "train-test": 0, "validation-test": 0}
    test = split([[-0.0, 1, 2], [0.5, 0, 0], [0.5, 0, 0]], [0, 1, 1])
    assert describe(small(test=test)).shared == {"train-validation": 1, "train-test": 1, "validation-test": 2}


def test_equal_samples_of_different_labels_contradict_each_other() -> None:
    """Both are counted, over all splits."""
    assert describe(small()).contradictions == 0
    assert describe(small(test=split([[6, 1, 6], [8, 8, 8]], [1, 1]))).contradictions == 2


def test_digits_as_they_are() -> None:
    """Scikit-learn's digits: 1,797 samples of values 0 to 16, nearly balanced, no sample twice; corners are empty."""
    facts = describe(load("digits"))
    assert sum(split.n for split in facts.splits.values()) == 1_797
    assert all((split.lowest, split.highest, split.repeated) == (0.0, 16.0, 0) for split in facts.splits.values())
    assert set(facts.shared.values()) == {0}
    assert {0, 32, 39} <= set(facts.constant_inputs)
    assert facts.imbalance < 1.1
    assert 0.05 < facts.baseline["accuracy"].value < 0.15


def test_values_to_be_predicted() -> None:
    """Scikit-learn's diabetes: the target's range in its own unit, and what its mean is worth."""
    data = load("diabetes")
    facts = describe(data)
    [target] = facts.targets
    assert facts.labels == ()
    assert facts.task == "regression"
    assert (target.lowest, target.highest) == pytest.approx((37, 346))  # known from single precision
    assert [split.counts for split in facts.splits.values()] == [()] * 3
    assert facts.trivial == "the mean"
    assert 60 < facts.baseline["rmse"].value < 90
    assert facts.baseline["r2"].value == pytest.approx(0, abs=0.05)
    assert facts.imbalance == 1.0
    assert facts.contradictions == 0


def test_many_samples_are_looked_at_in_parts() -> None:
    """More than one part: a sample of the first part is found again in the last one."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9_000, 2)).astype(np.float32)
    x[8_999] = x[0]
    many = Split(x=x, y=np.arange(9_000, dtype=np.int64) % 2)
    data = replace(small(), train=many, validation=many, test=many)
    facts = describe(data)
    assert facts.splits["train"].repeated == 1
    assert facts.shared["train-test"] == 9_000
