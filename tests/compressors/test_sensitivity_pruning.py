"""Sensitivity pruning: little from layers that mind, much from those that do not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compressors.compressor import CompressionError, Context
from compressors.network import topology_of
from compressors.sensitivity_pruning import SensitivityPruner, SensitivityPruning
from compressors.structure import kernels_of
from compressors.topology import Topology
from tests.compressors.trainer import noise_context

Trained = Callable[..., Any]


def _minding(layer: str, context: Context) -> Context:
    """A score that falls with the zeros of one layer."""

    def score(network: Any) -> float:
        return float((kernels_of(network)[layer] != 0.0).mean())

    return dataclasses.replace(context, evaluate=score)


def test_spares_the_layer_that_minds(examples: dict[str, Topology], trained: Trained) -> None:
    """The sparsity over all is what was asked for, but for a weight a layer, after real training too."""
    topology = examples["depthwise_separable"]
    context = _minding("p1", noise_context(topology))
    pruned = SensitivityPruner().compress(trained(topology), SensitivityPruning(sparsity=0.6), context)
    assert topology_of(pruned) == topology
    kernels = {name: kernels_of(pruned)[name] for name in ("c1", "p1", "out")}
    zeros = {name: float((kernel == 0.0).mean()) for name, kernel in kernels.items()}
    # c1 and out are 264 of 360 weights, and lose nothing: up to 0.95 of them go before any of p1's.
    assert zeros["p1"] < 0.02
    assert zeros["c1"] == pytest.approx(zeros["out"], abs=0.03)
    total = sum(kernel.size for kernel in kernels.values())
    removed = sum(np.count_nonzero(kernel == 0.0) for kernel in kernels.values())
    assert 0.6 * total - 3 <= removed <= 0.6 * total + 1


def test_no_layer_is_emptied(examples: dict[str, Topology], trained: Trained) -> None:
    """At the greatest sparsity that is measured, too."""
    topology = examples["mlp"]
    settings = SensitivityPruning(sparsity=0.95, fine_tune=0.0)
    pruned = SensitivityPruner().compress(trained(topology), settings, noise_context(topology))
    assert {name: np.count_nonzero(kernel) for name, kernel in kernels_of(pruned).items()} == {
        "h1": 10,
        "h2": 8,
        "out": 2,
    }


def test_needs_labelled_data(examples: dict[str, Topology], trained: Trained) -> None:
    context = dataclasses.replace(noise_context(examples["mlp"]), evaluate=None)
    with pytest.raises(CompressionError, match="sensitivity_pruning scores networks on labelled data"):
        SensitivityPruner().compress(trained(examples["mlp"]), SensitivityPruning(), context)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsity": 0.96}, "sparsity is 0.96, must be at most 0.95"),
        ({"sparsity": -1.0}, "sparsity is -1.0"),
        ({"fine_tune": 2.0}, "fine_tune is 2.0"),
    ],
)
def test_settings_are_checked_at_birth(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SensitivityPruning(**settings)


def test_identity() -> None:
    assert SensitivityPruning(sparsity=0.0).is_identity
    assert not SensitivityPruning().is_identity
