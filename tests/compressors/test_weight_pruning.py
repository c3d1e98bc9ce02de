"""Every technique of the stage on handwritten digits: what all of them promise, in the file that ships."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compressors.catalog import COMPRESSORS
from compressors.compressor import Compressor, Context, Stage
from compressors.network import topology_of
from compressors.quantization import Quantization, Quantizer
from compressors.structure import kernels_of, zero_projections
from devices.coding.package import pack
from search.datasets.load import load
from search.train import train
from spaces.candidate import TrainingRecipe
from tests.compressors.tflite_weights import weights_by_layer
from tests.compressors.trainer import real_context

TECHNIQUES = [technique for technique in COMPRESSORS if technique.stage is Stage.WEIGHT_PRUNING]
SPARSITY = 0.7
PRUNED = ("c1", "p1", "hidden", "out")  # d1 is depthwise


@pytest.fixture(scope="module")
def digits() -> tuple[Any, Context]:
    """A network of 9,000 weights that knows the digits, and what a search would hand down."""
    import tf_keras
    from tf_keras import layers

    tf_keras.utils.set_random_seed(3)
    image = layers.Input((8, 8, 1))
    x = layers.Conv2D(12, 3, strides=2, padding="same", use_bias=False, name="c1")(image)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.ReLU()(layers.DepthwiseConv2D(3, padding="same", name="d1")(x))
    x = layers.ReLU()(layers.Conv2D(16, 1, name="p1")(x))
    x = layers.Dense(32, activation="relu", name="hidden")(layers.Flatten()(x))
    network = tf_keras.Model(image, layers.Dense(10, activation="softmax", name="out")(x))
    data = load("digits").train
    train(network, TrainingRecipe(epochs=8, batch_size=32, learning_rate=0.01), data, seed=0)
    return network, real_context(data.x, data.y, epochs=16, batch_size=32)


def _file(network: Any, context: Context) -> bytes:
    return Quantizer().compress(network, Quantization(), context).content


@pytest.mark.parametrize("technique", TECHNIQUES, ids=[technique.name for technique in TECHNIQUES])
def test_digits(technique: Compressor[Any], digits: tuple[Any, Context]) -> None:
    """Seven weights in ten are zero in the int8 file, in spite of normalisation folded into them.

    The network hardly loses accuracy; the file stays as large, its package
    shrinks; and a fine-tune of a later stage keeps the zeros.
    """
    network, context = digits
    pruned = technique.compress(network, technique.settings(sparsity=SPARSITY), context)
    assert context.score(network, "") - context.score(pruned, "") < 0.03

    plain, sparse = _file(network, context), _file(pruned, context)
    stored = weights_by_layer(sparse, topology_of(pruned))
    sizes = {name: stored[name].size for name in PRUNED}
    zeros = {name: int((stored[name] == 0).sum()) for name in PRUNED}
    assert sum(zeros.values()) >= SPARSITY * sum(sizes.values()) - len(PRUNED)
    if technique.name != "sensitivity_pruning":
        assert all(zeros[name] >= SPARSITY * size - 1 for name, size in sizes.items())
    assert abs(len(sparse) - len(plain)) < 0.02 * len(plain)
    assert len(pack(sparse)) < 0.75 * len(pack(plain))

    before = kernels_of(pruned)
    context.fine_tune(pruned, 0.05, projections=zero_projections(pruned))
    after = kernels_of(pruned)
    assert all(np.array_equal(after[name] == 0.0, before[name] == 0.0) for name in PRUNED)
    assert any(not np.array_equal(after[name], before[name]) for name in PRUNED)
