"""Bits go where they are needed: by bytes or by accuracy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compressors.compressor import CompressionError, Context
from compressors.mixed_precision import sensitivity, within_bytes, within_loss
from compressors.network import weights_of
from compressors.quantization import Quantization, Quantizer
from compressors.topology import Topology
from devices.flatbuffer import read_graph
from devices.graph import DType

Trained = Callable[..., Any]
ALL = {"stem", "a", "b", "s", "out"}


@pytest.fixture(scope="module")
def network(examples: dict[str, Topology], trained: Trained) -> Any:
    return trained(examples["resnet_projection"])


@pytest.fixture(scope="module")
def context(network: Any) -> Context:
    """Labelled with what the float network says, so that its accuracy is 1."""
    samples = np.random.default_rng(1).normal(size=(64, 8, 8, 3)).astype(np.float32)
    labels = network(samples, training=False).numpy().argmax(1)

    def evaluate(given: Any) -> float:
        return float((given(samples, training=False).numpy().argmax(1) == labels).mean())

    return Context(calibration=samples, fine_tune=lambda _network, _share, **_options: None, evaluate=evaluate)


def test_every_layer_is_tried_alone(network: Any, context: Context) -> None:
    """Half a byte a weight is saved, something is lost, and the network stays."""
    before = weights_of(network)
    table = {each.layer: each for each in sensitivity(network, Quantization(), context)}
    assert table.keys() == ALL
    assert table["b"].saved_bytes == 3 * 3 * 12 * 12 // 2
    for each in table.values():
        assert 0.0 < each.error < 0.1
        assert each.loss is not None
        assert -0.1 < each.loss < 0.1
    after = weights_of(network)
    assert all(
        np.array_equal(one, other) for name in before for one, other in zip(before[name], after[name], strict=True)
    )


def test_without_labels_there_is_no_loss(network: Any, context: Context) -> None:
    plain = Context(calibration=context.calibration, fine_tune=context.fine_tune)
    assert {each.loss for each in sensitivity(network, Quantization(), plain)} == {None}
    with pytest.raises(CompressionError, match="mixed precision scores networks on labelled data, and there is none"):
        within_loss(network, Quantization(), plain, 0.1)


def test_a_byte_target_is_met(network: Any, context: Context) -> None:
    """By the file, with no more 4-bit layers than needed; a target that is met anyway changes nothing."""
    quantizer = Quantizer()
    sizes = []
    for most in (10_000, 5_000, 4_500):
        settings = within_bytes(network, Quantization(), context, most)
        artifact = quantizer.compress(network, settings, context)
        assert artifact.model_bytes <= most
        small = sum(tensor.dtype is DType.INT4 for tensor in read_graph(artifact.content).tensors)
        assert small == len(settings.overrides)
        sizes.append(small)
    assert sizes[0] == 0 < sizes[1] <= sizes[2] < len(ALL)
    with pytest.raises(CompressionError, match="the limit is 2,000: raise it, or prune filters"):
        within_bytes(network, Quantization(), context, 2_000)


def test_a_loss_is_kept(network: Any, context: Context) -> None:
    """With no loss allowed some layers stay at 8 bits; with any allowed all go."""
    strict, free = (within_loss(network, Quantization(), context, most) for most in (0.0, 1.0))
    assert {name for name, _ in free.overrides} == ALL
    assert {name for name, _ in strict.overrides} < ALL
    assert strict.overrides
