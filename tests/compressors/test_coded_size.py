"""The bounds hold for real files, the published ones with dead channels among them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressors.clustering import Clustering
from compressors.coded_size import least_package_bytes, least_table_bytes
from compressors.compressor import Context
from compressors.lookup_tables import LookUpTables
from compressors.lower import lower
from compressors.network import set_weights, topology_of, weights_of
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from compressors.topology import Topology
from devices.coding.package import pack
from devices.slim import predicted_bytes
from tests.compressors.conftest import conv, topology
from tests.compressors.mlperf import context_of, network_of

Trained = Callable[..., Any]


def _context(shape: tuple[int, ...]) -> Context:
    x = np.random.default_rng(0).normal(size=(16, *shape)).astype(np.float32)
    return Context(calibration=x, fine_tune=lambda *_, **__: None, labels=("a", "b"))


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("name", ["mobilenet", "autoencoder"])
def test_no_package_of_a_published_network_is_smaller(name: str, bits: Any, shared: Path) -> None:
    network = network_of(name, shared)
    settings = Quantization(weight_bits=bits, granularity="tensor")
    content = CompressionPlan.of(settings).convert(network, context_of(name, network)).content
    assert least_package_bytes(predicted_bytes(lower(topology_of(network), settings))) <= len(pack(content))


def test_no_package_of_one_value_is_smaller(trained: Trained) -> None:
    """The extreme: all weights of a network are alike."""
    shape: Topology = topology(x=conv_input(), c=conv(64), d=conv(64), flat=conv(2, strides=(8, 8)))
    network = trained(shape)
    set_weights(
        network, {name: tuple(np.ones_like(each) for each in all_) for name, all_ in weights_of(network).items()}
    )
    content = CompressionPlan.of(Quantization()).convert(network, _context((8, 8, 4))).content
    package = len(pack(content))
    assert least_package_bytes(len(content)) <= package < 0.3 * len(content)


def conv_input() -> Any:
    from compressors.layers import Input

    return Input(shape=(8, 8, 4))


@pytest.mark.parametrize("granularity", ["channel", "tensor"])
@pytest.mark.parametrize(
    ("clusters", "initialisation"), [(4, "linear"), (8, "density"), (32, "linear"), (16, "kmeans++")]
)
def test_no_file_of_tables_is_smaller(clusters: int, initialisation: Any, granularity: Any, trained: Trained) -> None:
    """Linear centroids leave clusters empty, so that fewer values are stored than were asked for."""
    pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="no tflite-micro wheel here")
    shape: Topology = topology(x=conv_input(), c=conv(64), d=conv(64), flat=conv(2, strides=(8, 8)))
    network, context = trained(shape), _context((8, 8, 4))
    settings = Clustering(clusters=clusters, initialisation=initialisation, fine_tune=0.0)
    plan = CompressionPlan.of(settings, Quantization(granularity=granularity), LookUpTables())
    content = plan.convert(plan.shape(network, context), context).content
    graph = lower(shape, plan.quantization)
    assert least_table_bytes(graph, predicted_bytes(graph)) <= len(content) < predicted_bytes(graph)
