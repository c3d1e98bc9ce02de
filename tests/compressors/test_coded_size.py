"""The bounds hold for real files, and are near enough to tell small from large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compressors.clustering import Clustering
from compressors.coded_size import least_package_bytes, least_table_bytes
from compressors.compressor import Context, Settings
from compressors.gradient_pruning import GradientPruning
from compressors.layers import Dense, Input
from compressors.lookup_tables import LookUpTables
from compressors.lower import lower
from compressors.network import set_weights, topology_of, weights_of
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from compressors.topology import Topology
from devices.coding.package import pack
from devices.slim import predicted_bytes
from tests.compressors.conftest import conv, topology

Trained = Callable[..., Any]
PRUNED = GradientPruning(sparsity=0.7, fine_tune=0.0)  # a step of a plan; the zeros are made by hand here


def _context(shape: tuple[int, ...]) -> Context:
    x = np.random.default_rng(0).normal(size=(16, *shape)).astype(np.float32)
    return Context(calibration=x, fine_tune=lambda *_, **__: None, labels=("a", "b"))


def _zeroed(network: Any) -> Any:
    """The smallest seven of ten weights of every kernel are 0."""
    weights = {}
    for name, (kernel, *rest) in weights_of(network).items():
        weights[name] = (np.where(np.abs(kernel) < np.quantile(np.abs(kernel), 0.7), 0, kernel), *rest)
    set_weights(network, weights)
    return network


@pytest.mark.parametrize(
    ("before", "quantization"),
    [
        ((), Quantization()),
        ((), Quantization(weight_bits=4)),
        ((Clustering(clusters=8, fine_tune=0.0),), Quantization(granularity="tensor")),
        ((PRUNED,), Quantization()),
        ((PRUNED, Clustering(clusters=16, fine_tune=0.0)), Quantization(granularity="tensor")),
    ],
    ids=["8 bits", "4 bits", "clusters", "zeros", "zeros and clusters"],
)
def test_no_package_is_smaller(before: tuple[Settings, ...], quantization: Quantization, trained: Trained) -> None:
    """Predicted without weights; the package of the file that has them takes at most 2.5 times as much."""
    shape = topology(x=Input(shape=(64,)), h=Dense(units=64), g=Dense(units=64), out=Dense(units=10))
    network, context = trained(shape), _context((64,))
    plan = CompressionPlan.of(*before, quantization)
    if PRUNED in before:
        network = _zeroed(network)
    clusters = [step for step in before if isinstance(step, Clustering)]
    network = CompressionPlan.of(*clusters, quantization).shape(network, context)
    content = plan.convert(network, context).content
    graph = lower(topology_of(network), quantization)
    least = least_package_bytes(graph, plan, predicted_bytes(graph))
    assert least <= len(pack(content)) <= 2.5 * least
    assert least < len(content)


@pytest.mark.parametrize("granularity", ["channel", "tensor"])
def test_no_file_of_tables_is_smaller(granularity: Any, trained: Trained) -> None:
    pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="no tflite-micro wheel here")
    shape: Topology = topology(x=Input(shape=(8, 8, 4)), c=conv(64), d=conv(64), flat=conv(2, strides=(8, 8)))
    network, context = trained(shape), _context((8, 8, 4))
    plan = CompressionPlan.of(
        Clustering(clusters=16, fine_tune=0.0), Quantization(granularity=granularity), LookUpTables()
    )
    content = plan.convert(plan.shape(network, context), context).content
    graph = lower(shape, plan.quantization)
    least = least_table_bytes(graph, plan, predicted_bytes(graph))
    assert least <= len(content) <= 1.05 * least
    unclustered = CompressionPlan.of(plan.quantization)
    assert least_table_bytes(graph, unclustered, 5_000) == 5_000
