"""Values to be predicted: found, standardised, kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.artifact import Normalization, Target
from search.datasets.dataset import Dataset, Split
from search.datasets.load import load, read, save
from search.datasets.prepare import prepare
from search.datasets.raw import RawData, RawPart
from search.errors import DataError

RNG = np.random.default_rng(8)
X = RNG.normal(size=(50, 4)).astype(np.float32)
VALUES = RNG.normal(20.0, 3.0, size=50)


def raw(y: Any, **options: Any) -> RawData:
    return RawData(name="made-up", source="made-up", train=RawPart(x=X, y=y, x_name="x", y_name="heat"), **options)


@pytest.mark.parametrize(
    ("y", "task", "found"),
    [
        (VALUES, None, "regression"),
        (np.round(VALUES), None, "regression"),
        (np.arange(50) % 3, None, "classification"),
        (np.array(["a", "b"] * 25), None, "classification"),
        (np.arange(50) % 3, "regression", "regression"),
        (np.arange(50) % 3 * 1.0, "classification", "classification"),
    ],
)
def test_the_type_of_the_labels_is_the_task(y: Any, task: Any, found: str) -> None:
    """Floats are values even where they are whole; what the job says overrides it."""
    assert prepare(raw(y), task=task).task == found


def test_targets_are_standardised_by_the_training_part() -> None:
    """Mean 0 and deviation 1 there, single precision, and the unit comes back exactly enough."""
    data = prepare(raw(VALUES))
    (target,) = data.targets
    assert target.name == "heat"
    assert data.labels == ()
    assert (data.n_outputs, data.head) == (1, "linear")
    assert data.train.y.dtype == np.float32
    assert data.train.y.shape == (30, 1)
    assert data.train.y.mean() == pytest.approx(0.0, abs=1e-6)
    assert data.train.y.std() == pytest.approx(1.0, abs=1e-6)
    parts = (data.train, data.validation, data.test)
    real = np.concatenate([data.in_units(part.y) for part in parts])
    assert np.sort(real[:, 0]) == pytest.approx(np.sort(VALUES), rel=1e-6)
    assert data.standardised(data.in_units(data.test.y)) == pytest.approx(data.test.y, abs=1e-6)


def test_several_targets_have_names_and_scales_of_their_own() -> None:
    y = np.stack([VALUES, 1000 * VALUES[::-1]], axis=1)
    data = prepare(raw(y))
    assert [target.name for target in data.targets] == ["heat_0", "heat_1"]
    assert data.targets[1].deviation > 100 * data.targets[0].deviation
    named = prepare(raw(y, target_names=("heat", "light")))
    assert [target.name for target in named.targets] == ["heat", "light"]


def test_the_parts_are_a_random_fifth_each_and_disjoint() -> None:
    data = prepare(raw(VALUES))
    parts = (data.train, data.validation, data.test)
    assert [len(part) for part in parts] == [30, 10, 10]
    rows = np.concatenate([part.x for part in parts])
    assert len(np.unique(rows, axis=0)) == 50


def test_too_few_values() -> None:
    with pytest.raises(DataError, match="there are 2 samples, at least 3 are needed"):
        prepare(RawData(name="few", source="few", train=RawPart(x=X[:2], y=VALUES[:2], x_name="x", y_name="heat")))


@pytest.mark.parametrize("y", [np.array(["warm", "cold"] * 25), np.array(["2020-01-01"] * 50, "M8[D]")])
def test_what_is_no_number_cannot_be_predicted(y: Any) -> None:
    with pytest.raises(DataError, match="values to be predicted are numbers; classes are another task"):
        prepare(raw(y), task="regression")


def test_prepared_values_are_kept(tmp_path: Path) -> None:
    """A worker reads the same targets and the same identity; other scales are other data."""
    data = prepare(raw(VALUES))
    save(data, tmp_path / "data.npz")
    again = read(tmp_path / "data.npz")
    assert (again.task, again.targets, again.labels) == ("regression", data.targets, ())
    assert again.digest() == data.digest()
    assert again.train.y.dtype == np.float32
    moved = replace(data, targets=(replace(data.targets[0], mean=0.0),))
    assert moved.digest() != data.digest()


def test_prepared_data_of_before_is_still_read(tmp_path: Path) -> None:
    """It had no targets; its identity is as it was, so that its run goes on."""
    data = load("digits")
    save(data, tmp_path / "data.npz")
    with np.load(tmp_path / "data.npz") as arrays:
        old = {key: arrays[key] for key in arrays.files if not key.startswith("target")}
    np.savez(tmp_path / "old.npz", **old)
    again = read(tmp_path / "old.npz")
    assert (again.task, again.targets) == ("classification", ())
    assert again.digest() == data.digest()


def test_classes_have_labels_and_values_have_targets() -> None:
    split = Split(x=X[:3], y=VALUES[:3, np.newaxis].astype(np.float32))
    target, scale = Target(name="heat", mean=0.0, deviation=1.0), Normalization(offset=0.0, factor=1.0)
    parts = {"train": split, "validation": split, "test": split}
    for labels, targets, task in (
        ((), (), "regression"),
        (("a", "b"), (target,), "regression"),
        ((), (target,), "classification"),
    ):
        with pytest.raises(DataError, match="classes have labels, values have targets"):
            Dataset(name="d", **parts, labels=labels, targets=targets, task=task, normalization=scale)  # type: ignore[arg-type]


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 0.0), (0.0, -1.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_a_target_has_a_scale(mean: float, deviation: float) -> None:
    with pytest.raises(ValueError, match="both must be finite and the deviation above 0"):
        Target(name="heat", mean=mean, deviation=deviation)


def test_the_diabetes_table() -> None:
    """It is there without a download: 442 rows of ten columns, and targets from 25 to 346."""
    data = load("diabetes")
    assert data.input_shape == (10,)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [266, 88, 88]
    real = np.concatenate([data.in_units(part.y) for part in (data.train, data.validation, data.test)])
    assert (real.min(), real.max()) == pytest.approx((25.0, 346.0))
