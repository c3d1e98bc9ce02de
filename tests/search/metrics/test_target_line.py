"""The line through outputs that are targets on another scale, and where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from search.datasets.dataset import Dataset
from search.datasets.load import load
from search.metrics.target_line import is_near, other_scale, sentence


@pytest.fixture(scope="module")
def table() -> Dataset:
    """One target of mean 152 and deviation 77; 88 validation samples."""
    return load("diabetes")


def answers(data: Dataset, noise: float) -> npt.NDArray[np.float64]:
    """Standardised targets of the validation split as a network gives them that explains 1 / (1 + noise^2) of them."""
    truth = data.validation.y.astype(np.float64)
    error = np.random.default_rng(1).normal(size=truth.shape) * noise
    return np.asarray((truth + error) / (1 + noise**2))


def test_the_line_is_in_the_unit(table: Dataset) -> None:
    """Its R2 stands beside that of the outputs as they were taken."""
    (target,) = table.targets
    outputs = table.validation.y.astype(np.float64) / 4 - 0.5
    (line,) = other_scale(table, outputs, are_in_units=False)
    assert line.slope == pytest.approx(4 * target.deviation, rel=1e-5)
    assert line.offset == pytest.approx(2 * target.deviation + target.mean, rel=1e-5)
    assert line.fitted.value == pytest.approx(1)
    errors, variance = 0.75 * table.validation.y + 0.5, table.validation.y.var()
    assert line.taken.value == pytest.approx(1 - float((errors**2).mean() / variance), rel=1e-4)
    assert str(line) == f"disease progression = {line.slope:.6g} x output + {line.offset:.6g}"
    assert str(replace(line, slope=2.0, offset=-1.5)) == "disease progression = 2 x output - 1.5"
    assert sentence((line,)).startswith(
        "its outputs are neither values in the targets' unit nor standardised: with disease progression = "
    )
    assert f"the R2 on validation is 1.000, without {line.taken.value:.3f}" in sentence((line,))


def test_few_samples_are_enough(table: Dataset) -> None:
    """Both are judged on the same ones: that their intervals overlap does not hide which is better."""
    outputs = answers(table, 1.2) / 1.8
    (line,) = other_scale(table, outputs, are_in_units=False)
    assert line.fitted.low < line.taken.high
    assert line.slope == pytest.approx(1.8 * table.targets[0].deviation, rel=0.2)


@pytest.mark.parametrize("are_in_units", [True, False])
def test_known_scales_have_no_line(table: Dataset, are_in_units: bool) -> None:
    """Nor what is a little off."""
    for factor in (0.75, 1.0, 1.4):
        outputs = answers(table, 0.5) * factor + 0.1
        outputs = table.in_units(outputs) if are_in_units else outputs
        assert is_near(table, table.validation, outputs, are_in_units=are_in_units)
        assert other_scale(table, outputs, are_in_units=are_in_units) == ()


def test_what_tells_nothing_has_no_line(table: Dataset) -> None:
    """Chance, a constant, no numbers; and a target that is the same everywhere has no R2."""
    truth = table.validation.y
    for outputs in (
        np.random.default_rng(2).normal(size=truth.shape) * 30,
        np.full(truth.shape, 7.0),
        np.where(truth > 0, np.nan, truth / 5),
    ):
        assert other_scale(table, outputs, are_in_units=False) == ()
    same = replace(table, validation=replace(table.validation, y=np.ones_like(truth)))
    assert other_scale(same, truth / 5, are_in_units=False) == ()
