"""Operators are traced back to the layers whose weights they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compressors.compressor import Context
from compressors.conversion import float_file, is_quantization_aware, layers_of
from compressors.fusion import fused
from compressors.model_file import ModelFile
from compressors.quantization import Quantization, Quantizer
from compressors.topology import Topology
from devices.flatbuffer import read_graph
from devices.graph import DType
from search.evaluate import available_interpreter, predict
from tests.compressors.test_lower import NETWORKS

Trained = Callable[..., Any]


def _agrees(topology: Topology, trained: Trained) -> None:
    network = trained(topology)
    file = ModelFile(float_file(network))
    assert layers_of(network, file) == [step.layer for step in fused(topology, is_integer=False).steps[1:]]


def test_layers_of_typical_networks(example: Topology, trained: Trained) -> None:
    """As the lowered program says, which knows them from the start."""
    _agrees(example, trained)


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_where_much_is_fused(name: str, trained: Trained) -> None:
    """Also where a normalisation went into the layer in front or behind."""
    _agrees(NETWORKS[name], trained)


@pytest.fixture(scope="module")
def aware(examples: dict[str, Topology], trained: Trained) -> Any:
    """A network as tfmot leaves it, its ranges set by three steps that train nothing."""
    import tensorflow_model_optimization as tfmot
    import tf_keras

    network = tfmot.quantization.keras.quantize_model(trained(examples["depthwise_separable"]))
    network.compile(loss="mse", optimizer=tf_keras.optimizers.SGD(0.0))
    samples = np.random.default_rng(3).normal(size=(32, 8, 8, 3)).astype(np.float32)
    for _ in range(3):
        network.train_on_batch(samples, np.zeros((32, 4), np.float32))
    return network


def _compressed(network: Any, settings: Quantization, size: float = 1.0) -> Any:
    samples = (size * np.random.default_rng(5).normal(size=(16, 8, 8, 3))).astype(np.float32)
    context = Context(calibration=samples, fine_tune=lambda _network, _share, **_options: None)
    return Quantizer().compress(network, settings, context)


@pytest.mark.parametrize(
    ("settings", "kinds", "most"),
    [
        (Quantization(), {DType.INT8, DType.INT32}, 0.05),
        (Quantization(granularity="tensor"), {DType.INT8, DType.INT32}, 0.1),
        (Quantization(weight_bits=4), {DType.INT4, DType.INT8, DType.INT32}, 0.2),
        (Quantization(activation_bits=16), {DType.INT8, DType.INT16, DType.INT32, DType.INT64}, 0.05),
        (Quantization(scales="power_of_two"), {DType.INT8, DType.INT32}, 0.1),
    ],
)
def test_a_quantization_aware_network(aware: Any, settings: Quantization, kinds: set[DType], most: float) -> None:
    """Its own ranges are used, whatever the calibration data is like, and the file computes what it computes."""
    assert is_quantization_aware(aware)
    artifact = _compressed(aware, settings)
    assert artifact.content == _compressed(aware, settings, size=100.0).content
    assert {tensor.dtype for tensor in read_graph(artifact.content).tensors} == kinds
    samples = np.random.default_rng(3).normal(size=(32, 8, 8, 3)).astype(np.float32)
    expected = aware(samples, training=False).numpy()
    stored = predict(artifact, samples, available_interpreter()).astype(np.float32)
    outputs = (stored - artifact.output.zero_point) * artifact.output.scale
    assert np.sqrt(np.square(outputs - expected).mean()) < most * expected.std()


def test_layers_of_a_quantization_aware_network(aware: Any) -> None:
    """Overrides name the layers as they were called before they were wrapped."""
    artifact = _compressed(aware, Quantization(overrides=(("p1", 4.0),)))
    graph = read_graph(artifact.content)
    small = [tensor.shape for tensor in graph.tensors if tensor.dtype is DType.INT4]
    assert small == [(12, 1, 1, 8)]


def test_a_plain_network_is_not_aware(examples: dict[str, Topology], trained: Trained) -> None:
    assert not is_quantization_aware(trained(examples["mlp"]))
