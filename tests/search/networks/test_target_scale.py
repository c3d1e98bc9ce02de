"""Networks that were trained on another scale of the targets are refused with the line that gives the unit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras

from search.datasets.dataset import Dataset
from search.datasets.load import load
from search.datasets.rescale import normalization_of, rescaled
from search.errors import DataError
from tests.search.given import fitted, reading

K = tf_keras.layers


@pytest.fixture(scope="module")
def table() -> Dataset:
    return load("diabetes")


def uniform(folder: Path, noise: float = 0.0, targets: int = 1) -> Dataset:
    """Targets of 100..300, as often everywhere, or with noise; each behind an input of its own."""
    rng = np.random.default_rng(7)
    x = rng.random((600, 4)).astype(np.float32)
    y = 100 + 200 * x[:, :targets] + noise * rng.normal(size=(600, targets))
    x[:, :targets] = 0.2 + 0.3 * x[:, :targets]
    np.savez(folder / "even.npz", x_train=x, y_train=y if targets > 1 else y[:, 0])
    return load(str(folder / "even.npz"))


def lines_of(message: str) -> list[tuple[float, float]]:
    found = re.findall(r"= (\S+) x output ([+-]) ([0-9.]+(?:e[+-][0-9]+)?)", message)
    return [(float(slope), float(sign + offset)) for slope, sign, offset in found]


@pytest.mark.parametrize("noise", [0.0, 20.0])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (0.0, 100.0), (5.0, 5.1)])
def test_values_of_another_range_are_refused(low: float, high: float, noise: float, tmp_path: Path) -> None:
    """Such as 0..1 or -1..1 of all there are: taken for standardised, the best network would be a bad one."""
    data = uniform(tmp_path, noise)
    kernel, bias = fitted(data)
    factor = (high - low) / 200
    with pytest.raises(DataError, match="neither values in the targets' unit nor standardised") as refused:
        reading(tmp_path, data, K.Dense(1), weights=[factor * kernel, factor * (bias - 100) + low])
    message = str(refused.value)
    assert message.startswith(f"network {str(tmp_path / 'network.keras')!r}: ")
    ((slope, offset),) = lines_of(message)
    assert slope == pytest.approx(1 / factor, rel=0.001 if noise == 0 else 0.2)
    assert slope * (low + high) / 2 + offset == pytest.approx(200, rel=1e-3 if noise == 0 else 0.05)
    assert ("the R2 on validation is 1.000, without " in message) == (noise == 0)
    assert "put a last layer behind it that gives the unit, such as Rescaling(slope, offset)" in message


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0)])
def test_the_remedy_helps(low: float, high: float, tmp_path: Path) -> None:
    """With the layer that the sentence names it is read, and does as well as it can."""
    data = uniform(tmp_path)
    kernel, bias = fitted(data)
    factor = (high - low) / 200
    weights: list[Any] = [factor * kernel, factor * (bias - 100) + low]
    with pytest.raises(DataError) as refused:
        reading(tmp_path, data, K.Dense(1), weights=weights)
    ((slope, offset),) = lines_of(str(refused.value))
    assert reading(tmp_path, data, K.Dense(1), K.Rescaling(slope, offset), weights=weights).quality.value > 0.9999


def test_every_target_has_its_line(tmp_path: Path) -> None:
    """One of two is on another scale: both lines are told, by name."""
    data = uniform(tmp_path, targets=2)
    kernel, bias = fitted(data)
    factor, shift = np.array([1.0, 0.005]), np.array([0.0, -0.5])
    with pytest.raises(DataError) as refused:
        reading(tmp_path, data, K.Dense(2), weights=[kernel * factor, bias * factor + shift])
    first, second = lines_of(str(refused.value))
    assert first == pytest.approx((1, 0), abs=0.01)
    assert second == pytest.approx((200, 100), rel=1e-3)
    assert all(f"{target.name} = " in str(refused.value) for target in data.targets)


def test_values_over_1000_are_refused(table: Dataset, tmp_path: Path) -> None:
    """A scale of a person's own, and a network that explains half."""
    kernel, bias = fitted(table)
    with pytest.raises(DataError) as refused:
        reading(tmp_path, table, K.Dense(1), weights=[kernel / 1000, bias / 1000 + 40])
    ((slope, _),) = lines_of(str(refused.value))
    assert slope == pytest.approx(1000, rel=0.3)


def test_a_network_of_another_scale_of_inputs_is_not_refused(table: Dataset, tmp_path: Path) -> None:
    """Of a linear one outputs are on a line as well; on its own scale of inputs they need none."""
    raw = rescaled(table, normalization_of("none"))
    found = reading(tmp_path, table, K.Dense(1), weights=fitted(raw))
    assert "it was trained on inputs of another scale, as with --set normalization=none its R2 is 0." in found.notes[1]
    assert found.notes[-1].startswith("with --set normalization=none its R2 is 0.")


def test_known_scales_are_not_refused(table: Dataset, tmp_path: Path) -> None:
    """In the unit, standardised, a little short of what is right, and with nothing to do with the targets."""
    (target,) = table.targets
    kernel, bias = fitted(table)
    for factor in (1.0, 0.75, 1.3):
        weights = [factor * kernel, factor * (bias - target.mean) + target.mean]
        assert reading(tmp_path, table, K.Dense(1), weights=weights).quality.value > 0.4
        standardised = [each / target.deviation for each in (factor * kernel, factor * (bias - target.mean))]
        assert reading(tmp_path, table, K.Dense(1), weights=standardised).quality.value > 0.4
    noise = np.random.default_rng(1).normal(size=kernel.shape)
    unrelated = noise - kernel * (noise * kernel).sum() / (kernel * kernel).sum()
    assert "no better than answering the mean" in " ".join(
        reading(tmp_path, table, K.Dense(1), weights=[5 * unrelated, [900.0]]).notes
    )


def test_what_was_learnt_by_heart_is_not_refused(tmp_path: Path) -> None:
    """Its outputs spread too far on samples that it has not seen, and are right on those it has."""
    rng = np.random.default_rng(5)
    arrays: dict[str, Any] = {}
    for split, n in (("train", 60), ("val", 400), ("test", 60)):
        x = rng.normal(size=(n, 50))
        arrays[f"x_{split}"] = x.astype(np.float32)
        arrays[f"y_{split}"] = x[:, 0] + x[:, 1] + 1.2 * rng.normal(size=n)
    np.savez(tmp_path / "few.npz", **arrays)
    data = load(str(tmp_path / "few.npz"))
    found = reading(tmp_path, data, K.Dense(1), weights=fitted(data))
    assert found.quality.high < 0
