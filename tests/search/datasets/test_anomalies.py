"""Normal samples to train on, and others to measure by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.datasets.load import load, read, save
from search.datasets.prepare import prepare, prepared
from search.datasets.raw import RawData, RawPart
from search.errors import DataError, JobError

LABELS = np.array(["ok"] * 50 + ["worn"] * 10 + ["broken"] * 10)
X = np.arange(70, dtype=np.float32)[:, np.newaxis] * np.ones(3, np.float32)


def part(which: Any) -> RawPart:
    return RawPart(x=X[which], y=LABELS[which], x_name="x", y_name="state")


def raw(train: Any = slice(None), validation: Any = None, test: Any = None) -> RawData:
    others = [None if which is None else part(which) for which in (validation, test)]
    return RawData(name="fan", source="fan", train=part(train), validation=others[0], test=others[1])


def test_only_normal_samples_are_trained_on() -> None:
    """A fifth of them goes to each other part; anomalies that are not tested on help to choose."""
    data = prepare(raw(), normal="ok")
    assert data.task == "anomaly_detection"
    assert data.labels == ("ok", "not ok")
    assert [np.bincount(each.y, minlength=2).tolist() for each in (data.train, data.validation, data.test)] == [
        [30, 0],
        [10, 16],
        [10, 4],
    ]
    values = np.concatenate([each.x[:, 0] for each in (data.train, data.validation, data.test)])
    assert len(np.unique(values)) == 70


def test_the_split_is_told_in_the_users_labels() -> None:
    """How many of each, not that anything was shared out over values."""
    assert prepared(raw(), normal="ok").split.text() == (
        "split ok and others apart: train 30 (30 ok), validation 26 (10 ok and 16 not ok), test 14 (10 ok and 4 not ok)"
    )
    few = [*range(50), 60]
    with pytest.raises(DataError, match="class 'not ok' has 1 samples, at least 3 are needed"):
        prepare(RawData(name="fan", source="fan", train=part(few)), normal="ok")


def test_what_a_network_learns_is_its_input() -> None:
    data = prepare(raw(), normal="ok")
    assert (data.n_outputs, data.head, data.output_labels) == (3, "linear", ())
    assert np.array_equal(data.learning.y, data.train.x)


def test_given_parts_are_kept() -> None:
    """Anomalies in a given training part are left out, and nowhere else."""
    data = prepare(raw(slice(0, 60), validation=[*range(0, 5), 60, 61], test=[*range(5, 9), 62]), normal="ok")
    assert len(data.train) == 50
    assert data.validation.y.tolist() == [0] * 5 + [1] * 2
    assert data.test.y.tolist() == [0] * 4 + [1]


def test_numbered_classes_have_normal_ones_too() -> None:
    data = load("digits", normal="7")
    assert data.labels == ("7", "not 7")
    assert len(data.train) == 107


@pytest.mark.parametrize(
    ("made", "normal", "words"),
    [
        (raw(), "okay", "no sample is labelled 'okay': did you mean 'ok'"),
        (raw(test=[0, 1, 2]), "ok", "the test split has no samples other than 'ok'.*cannot be measured"),
        (raw(test=[65, 66]), "ok", "the test split has no normal samples"),
        (raw(slice(0, 50), test=[0, 69]), "ok", "the validation split has no samples other than 'ok'"),
    ],
)
def test_what_cannot_be_measured_is_refused(made: RawData, normal: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        prepare(made, normal=normal)


def test_the_task_and_the_label_go_together() -> None:
    with pytest.raises(JobError, match="anomaly detection needs the label of normal samples"):
        prepare(raw(), task="anomaly_detection")
    with pytest.raises(JobError, match="and no other task does"):
        prepare(raw(), task="classification", normal="ok")
    assert prepare(raw(), task="anomaly_detection", normal="ok").task == "anomaly_detection"


def test_it_is_kept(tmp_path: Path) -> None:
    """With its identity, which is another than that of two classes."""
    data = prepare(raw(), normal="ok")
    save(data, tmp_path / "data.npz")
    again = read(tmp_path / "data.npz")
    assert (again.task, again.labels, again.digest()) == (data.task, data.labels, data.digest())
    with np.load(tmp_path / "data.npz") as arrays:
        np.savez(tmp_path / "odd.npz", **{**arrays, "task": np.array("dancing")})
    with pytest.raises(DataError, match="unknown task 'dancing'"):
        read(tmp_path / "odd.npz")
