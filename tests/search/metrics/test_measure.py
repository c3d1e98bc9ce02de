"""From outputs to metrics, and what needs no network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error

from search.datasets.load import load
from search.metrics.measure import baseline, figures, in_units, measure, trivial_outputs


def test_values_are_measured_in_their_unit() -> None:
    """Outputs are standardised; the error is told in the unit of the target, here progression of diabetes."""
    data = load("diabetes")
    (target,) = data.targets
    part = data.validation
    found = measure(data, part, part.y + np.float32(0.5))
    assert found["rmse"].value == pytest.approx(0.5 * target.deviation)
    assert found["mae"].value == pytest.approx(0.5 * target.deviation)
    assert figures(data, part, part.y) == pytest.approx({"rmse": 0.0, "mae": 0.0, "r2": 1.0})


def test_the_scale_of_foreign_outputs_is_the_one_that_errs_less() -> None:
    """Progression of diabetes has mean 152 and deviation 77: neither scale is taken for the other."""
    data = load("diabetes")
    outputs = data.validation.y + np.random.default_rng(1).normal(size=data.validation.y.shape)
    assert not in_units(data, outputs)
    assert in_units(data, data.in_units(outputs))


def test_the_first_of_equal_classes_counts() -> None:
    """As on the device: outputs of 8 bits do tie."""
    data = load("digits")
    outputs = np.zeros((len(data.validation), 10))
    expected = float((data.validation.y == 0).mean())
    assert measure(data, data.validation, outputs)["accuracy"].value == expected


def test_the_baseline_of_values_is_the_training_mean() -> None:
    data = load("diabetes")
    dummy = DummyRegressor().fit(data.train.x, data.in_units(data.train.y))
    answers = dummy.predict(data.validation.x).reshape(-1, 1)
    truth = data.in_units(data.validation.y)
    assert baseline(data)["rmse"] == pytest.approx(root_mean_squared_error(truth, answers))
    assert baseline(data)["r2"] == pytest.approx(0.0, abs=0.1)


def test_the_baseline_of_classes_is_the_most_frequent() -> None:
    data = load("digits")
    dummy = DummyClassifier(strategy="most_frequent").fit(data.train.x, data.train.y)
    expected = accuracy_score(data.validation.y, dummy.predict(data.validation.x))
    assert baseline(data)["accuracy"] == pytest.approx(expected)
    assert baseline(data)["balanced_accuracy"] == pytest.approx(0.1)


def test_the_baseline_of_probabilities_is_the_classes_shares() -> None:
    """About ln 10 of ten classes that are as frequent; the most frequent alone would be wrong and sure of it."""
    data = load("digits")
    dummy = DummyClassifier(strategy="prior").fit(data.train.x, data.train.y)
    expected = log_loss(data.validation.y, dummy.predict_proba(data.validation.x))
    assert baseline(data)["log_loss"] == pytest.approx(expected)
    assert expected == pytest.approx(np.log(10), rel=0.01)


def test_of_classes_as_frequent_the_first_is_the_trivial_answer() -> None:
    """Nor does a class without training samples, the last, change how many outputs there are."""
    data = load("digits")
    y = np.array([3, 1, 1, 3, 0])
    few = replace(data, train=replace(data.train, x=data.train.x[:5], y=y))
    outputs = trivial_outputs(few)
    assert outputs.shape == (len(data.validation), 10)
    assert (outputs.argmax(axis=1) == 1).all()
    assert outputs[0] == pytest.approx([0.2, 0.4, 0.0, 0.4, *[0.0] * 6])
