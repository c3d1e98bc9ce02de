"""The sensitivity table is what was measured, and sparsity is shared out by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compressors.compressor import CompressionError, Context
from compressors.network import weights_of
from compressors.sensitivity import SensitivityRow, SensitivityTable, sensitivity_table, shared_out
from compressors.structure import kernels_of
from compressors.topology import Topology

Trained = Callable[..., Any]


def _scored(score: Callable[[Any], float]) -> Context:
    x = np.zeros((1, 12), np.float32)
    return Context(calibration=x, fine_tune=lambda _network, _share, **_options: None, evaluate=score)


def _table(**losses: tuple[float, ...]) -> SensitivityTable:
    """Losses of layers at the sparsities 0.2, 0.4, ... of a network of accuracy 0.9."""
    rows = [
        SensitivityRow(layer=layer, sparsity=round(0.2 * (index + 1), 1), accuracy=0.9 - loss)
        for layer, each in losses.items()
        for index, loss in enumerate(each)
    ]
    return SensitivityTable(accuracy=0.9, rows=tuple(rows))


def test_one_layer_at_a_time_by_magnitude(examples: dict[str, Topology], trained: Trained) -> None:
    """Every score is of a network in which one layer alone lacks its smallest weights; the given one stays."""
    network = trained(examples["mlp"])
    before = kernels_of(network)
    seen: list[dict[str, Any]] = []

    def score(pruned: Any) -> float:
        seen.append(kernels_of(pruned))
        return 0.9 - 0.01 * len(seen)

    table = sensitivity_table(network, _scored(score), (0.5, 0.75))
    assert len(seen) == 1 + 3 * 2
    assert table.accuracy == 0.89
    assert table.layers == ("h1", "h2", "out")
    cases = [(row.layer, row.sparsity) for row in table.rows]
    assert cases == [(layer, sparsity) for layer in ("h1", "h2", "out") for sparsity in (0.5, 0.75)]
    for (layer, sparsity), kernels in zip(cases, seen[1:], strict=True):
        for name, kernel in kernels.items():
            least = np.quantile(np.abs(before[name]), sparsity) if name == layer else 0.0
            assert np.array_equal(kernel, np.where(np.abs(before[name]) > least, before[name], 0.0))
    assert all(np.array_equal(before[name], weights_of(network)[name][0]) for name in before)


def test_as_csv() -> None:
    """Lines that any spreadsheet or plot reads, the unpruned network included."""
    assert _table(a=(0.0, 0.1), b=(-0.01, 0.4)).as_csv().splitlines() == [
        "layer,sparsity,accuracy",
        "a,0,0.9",
        "a,0.2,0.9",
        "a,0.4,0.8",
        "b,0,0.9",
        "b,0.2,0.91",
        "b,0.4,0.5",
    ]


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.35, 0.5, 0.7, 0.8])
def test_the_mean_is_what_was_asked_for(sparsity: float) -> None:
    table = _table(a=(0.0, 0.1, 0.2, 0.5), b=(0.0, 0.0, 0.0, 0.01), c=(0.3, 0.2, 0.6, 0.7))
    sizes = {"a": 100, "b": 30, "c": 300}
    shares = shared_out(table, sizes, sparsity)
    assert sum(shares[name] * size for name, size in sizes.items()) / 430 == pytest.approx(sparsity, abs=1e-6)
    assert all(0.0 <= share <= 0.8 for share in shares.values())
    assert shares["b"] >= shares["a"] >= shares["c"]


def test_layers_lose_alike() -> None:
    """On the straight lines between what was measured, every layer loses the allowed loss alone."""
    table = _table(a=(0.1, 0.2, 0.3, 0.4), b=(0.05, 0.1, 0.15, 0.2))
    shares = shared_out(table, {"a": 1, "b": 1}, 0.3)
    assert shares["a"] * 0.5 == pytest.approx(shares["b"] * 0.25, abs=1e-3)


def test_layers_without_loss_share_alike() -> None:
    """Gains count as no loss, and a loss once met is not forgotten where the next measurement is better."""
    shares = shared_out(_table(a=(0.0, 0.0, 0.0, 0.0), b=(-0.1, -0.1, -0.1, -0.1)), {"a": 7, "b": 70}, 0.4)
    assert shares == pytest.approx({"a": 0.4, "b": 0.4})
    shares = shared_out(_table(a=(0.5, 0.0, 0.0, 0.0), b=(0.0, 0.0, 0.1, 0.2)), {"a": 1, "b": 1}, 0.3)
    assert shares["a"] < 0.1


def test_refusals(examples: dict[str, Topology], trained: Trained) -> None:
    network = trained(examples["mlp"])
    with pytest.raises(CompressionError, match="scores networks on labelled data, and there is none"):
        sensitivity_table(network, Context(calibration=np.zeros((1, 12), np.float32), fine_tune=_never))
    for wrong in ((), (0.5, 0.5), (0.0, 0.5), (0.5, 1.0)):
        with pytest.raises(CompressionError, match="must rise from above 0 to below 1"):
            sensitivity_table(network, _scored(lambda _network: 0.5), wrong)
    with pytest.raises(CompressionError, match=r"sparsity 0\.9 is above 0\.4, the greatest"):
        shared_out(_table(a=(0.1, 0.2)), {"a": 10}, 0.9)


def _never(*_arguments: Any, **_options: Any) -> None:
    raise AssertionError("not to be called")
