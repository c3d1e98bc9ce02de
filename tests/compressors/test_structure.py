"""Zeros and clusters survive real training; everything else really trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compressors.structure import cluster_projections, kernels_of, zero_projections
from compressors.topology import Topology
from compressors.weight_masks import set_kernels
from tests.compressors.trainer import noise_context

Trained = Callable[..., Any]


def _sparse(kernel: Any) -> Any:
    return np.where(np.random.default_rng(0).uniform(size=kernel.shape) < 0.6, 0.0, kernel).astype(np.float32)


def _coarse(kernel: Any) -> Any:
    """Nine values, 0 among them."""
    return (np.clip(np.round(kernel * 4), -4, 4) / 4).astype(np.float32)


def _changed(network: Any, change: Callable[[Any], Any], *names: str) -> Any:
    set_kernels(network, {name: change(kernel) for name, kernel in kernels_of(network).items() if name in names})
    return network


def test_kernels_are_those_of_layers_that_multiply(examples: dict[str, Topology], trained: Trained) -> None:
    """Normalisations have weights, but no kernel."""
    kernels = kernels_of(trained(examples["depthwise_separable"]))
    assert {name: kernel.shape for name, kernel in kernels.items()} == {
        "c1": (3, 3, 3, 8),
        "d1": (3, 3, 8, 1),
        "p1": (1, 1, 8, 12),
        "out": (12, 4),
    }


@pytest.mark.parametrize("change", [_sparse, _coarse], ids=["sparse", "clustered"])
def test_a_fine_tune_without_projections_destroys_both(
    change: Callable[[Any], Any], examples: dict[str, Topology], trained: Trained
) -> None:
    """Without them the other tests would prove nothing."""
    network = _changed(trained(examples["depthwise_separable"]), change, "p1")
    noise_context(examples["depthwise_separable"]).fine_tune(network, 1.0)
    after = kernels_of(network)["p1"]
    assert after.all()
    assert len(np.unique(after)) > 90


def test_zeros_stay_zero_and_the_rest_trains(examples: dict[str, Topology], trained: Trained) -> None:
    """In convolutions, depthwise ones and dense layers; a kernel without zeros has no projection."""
    names = ("c1", "d1", "out")
    network = _changed(trained(examples["depthwise_separable"]), _sparse, *names)
    before = kernels_of(network)
    projections = zero_projections(network)
    assert set(projections) == set(names)
    noise_context(examples["depthwise_separable"]).fine_tune(network, 1.0, projections=projections)
    for name, kernel in kernels_of(network).items():
        assert np.array_equal(kernel == 0.0, before[name] == 0.0)
        moved = kernel != before[name]
        assert moved[before[name] != 0.0].mean() > 0.8  # weights of units that are off get no gradient


def test_clusters_stay_clusters_and_move(examples: dict[str, Topology], trained: Trained) -> None:
    """Equal weights stay equal, zeros stay zero, and the shared values are trained."""
    network = _changed(trained(examples["depthwise_separable"]), _coarse, "c1", "p1")
    before = kernels_of(network)
    projections = cluster_projections(network, 9)
    assert set(projections) == {"c1", "p1"}
    noise_context(examples["depthwise_separable"]).fine_tune(network, 1.0, projections=projections)
    for name in projections:
        after = kernels_of(network)[name]
        values = np.unique(before[name])
        moved = [np.unique(after[before[name] == value]) for value in values]
        assert [len(group) for group in moved] == [1] * len(values)
        assert all((group[0] == 0.0) == (value == 0.0) for group, value in zip(moved, values, strict=True))
        assert not np.array_equal(after, before[name])


def test_a_cluster_gets_the_mean_of_its_weights(examples: dict[str, Topology], trained: Trained) -> None:
    network = trained(examples["mlp"])
    kernel = np.zeros((10, 4), np.float32)
    kernel[0], kernel[1], kernel[2, :2] = 1.0, -2.0, -2.0
    set_kernels(network, {"out": kernel})
    project = cluster_projections(network, 3)["out"]
    step = np.arange(40, dtype=np.float32).reshape(10, 4)
    expected = np.zeros((10, 4), np.float32)
    expected[0] = step[0].mean()
    expected[kernel == -2.0] = step[kernel == -2.0].mean()
    assert np.allclose(project(step).numpy(), expected)


def test_clusters_within_channels(examples: dict[str, Topology], trained: Trained) -> None:
    """Counted a channel, a kernel of many values in all is clustered, and equal weights of two channels part."""
    network = trained(examples["mlp"])
    kernel = np.repeat(np.array([[1.0, 2.0, 3.0, 1.0]], np.float32), 10, axis=0)
    kernel[5:] *= -1
    set_kernels(network, {"out": kernel})
    assert "out" not in cluster_projections(network, 2)
    project = cluster_projections(network, 2, per_channel=True)["out"]
    moved = project(kernel + np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)).numpy()
    assert np.allclose(moved, kernel + np.array([[0.1, 0.2, 0.3, 0.4]]))
    uneven = kernel.copy()
    uneven[0] += 5.0
    assert np.allclose(project(uneven).numpy()[:5], kernel[:5] + 1.0)


def test_most_counts_zero_as_a_value(examples: dict[str, Topology], trained: Trained) -> None:
    network = _changed(trained(examples["depthwise_separable"]), _coarse, "p1")
    count = len(np.unique(kernels_of(network)["p1"]))
    assert "p1" in cluster_projections(network, count)
    assert "p1" not in cluster_projections(network, count - 1)
