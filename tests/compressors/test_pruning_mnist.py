"""Real digits, a network trained here: what pruning costs in accuracy.

One small training of about 20 CPU seconds serves all tests.
"""

from __future__ import annotations

import gzip
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from compressors.accuracy_pruning import AccuracyPruning, prune_to_accuracy
from compressors.compressor import Context
from compressors.layers import Activation, BatchNormalization, Dense, Flatten, Input
from compressors.network import build, parameters
from compressors.structured_pruning import StructuredPruner, StructuredPruning
from search.datasets.dataset import Split
from search.evaluate import float_accuracy
from search.gradients import batch_gradients
from search.train import fine_tune, train
from spaces.candidate import TrainingRecipe
from tests.compressors.conftest import conv, topology

RECIPE = TrainingRecipe(epochs=6, batch_size=16, learning_rate=0.003)


@dataclass(frozen=True)
class Trained:
    """A network, what it was trained on, and 4,000 other digits."""

    network: Any
    training: Split
    others: Split

    def context(self) -> Context:
        """Fine-tuning, scores and gradients as a search hands them down."""
        return Context(
            calibration=self.training.x[:100],
            fine_tune=lambda network, share, **rest: fine_tune(network, RECIPE, self.training, 1, share, **rest),
            labels=tuple("0123456789"),
            evaluate=lambda network: float_accuracy(network, self.others),
            gradients=lambda network: batch_gradients(network, self.training, 64, 1),
        )


def _split(images: Any, labels: Any) -> Split:
    return Split(x=(images[..., np.newaxis] / 255.0).astype(np.float32), y=np.asarray(labels, np.int64))


def _drawn(archive: Path) -> Split:
    """4,000 of the 10,000 training images, 400 of each digit."""
    images, labels = [], []
    with tarfile.open(archive) as tar:
        for number, member in enumerate(member for member in tar if member.isfile()):
            stream = tar.extractfile(member)
            if number % 5 < 2 and stream is not None:
                images.append(np.asarray(Image.open(stream)))
                labels.append(int(Path(member.name).parent.name))
    return _split(np.stack(images), labels)


def _published(folder: Path) -> Split:
    """The first 4,000 test images."""
    images = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    return _split(np.frombuffer(images, np.uint8).reshape(-1, 28, 28)[:4000], np.frombuffer(labels, np.uint8)[:4000])


@pytest.fixture(scope="module")
def mnist(shared: Path) -> Trained:
    import tf_keras

    training, others = _drawn(shared / "data/mnist/train10k.tar.xz"), _published(shared / "data/mnist")
    tf_keras.utils.set_random_seed(3)
    network = build(
        topology(
            image=Input(shape=(28, 28, 1)),
            c1=conv(32, strides=(2, 2), use_bias=False),
            n1=BatchNormalization(),
            r1=Activation(function="relu"),
            c2=conv(32, strides=(2, 2), activation="relu"),
            flat=Flatten(),
            hidden=Dense(units=64, activation="relu"),
            out=Dense(units=10, activation="softmax"),
        )
    )
    train(network, RECIPE, training, seed=2)
    return Trained(network=network, training=training, others=others)


@pytest.mark.parametrize(("metric", "most"), [("taylor", 0.01), ("l2", 0.015)])
def test_half_pruned_loses_at_most_a_point(mnist: Trained, metric: Any, most: float) -> None:
    """Half of all filters and neurons gone, three epochs of fine-tuning: 0.35 points lost by taylor, 0.85 by L2."""
    context = mnist.context()
    before = context.score(mnist.network, "test")
    half = StructuredPruning(filters=0.5, neurons=0.5, metric=metric, fine_tune=0.5)  # of 6 epochs
    pruned = StructuredPruner().compress(mnist.network, half, context)
    after = context.score(pruned, "test")
    assert parameters(pruned) < 0.3 * parameters(mnist.network)
    assert before > 0.95
    assert after >= before - most


def test_prunes_to_a_minimum_accuracy(mnist: Trained) -> None:
    """The network returned has it, the first share that failed had not, and the given network is as it was."""
    context = mnist.context()
    weights = [weight.copy() for weight in mnist.network.get_weights()]
    before = context.score(mnist.network, "test")
    least = round(before - 0.01, 3)
    found = prune_to_accuracy(mnist.network, AccuracyPruning(min_accuracy=least, fine_tune=0.17, step=0.125), context)
    assert context.score(found.network, "test") == found.accuracy_after >= least
    assert found.share >= 0.25
    assert parameters(found.network) < 0.7 * parameters(mnist.network)
    if found.failed is not None:
        assert dict(found.tried)[found.failed] < least
    assert found.evaluations <= 4
    assert all(np.array_equal(a, b) for a, b in zip(mnist.network.get_weights(), weights, strict=True))


def test_three_classes(mnist: Trained) -> None:
    """The forerunner left networks of exactly three classes untrainable."""
    import tf_keras

    tf_keras.utils.set_random_seed(4)
    split, rest = (Split(x=part.x[part.y < 3], y=part.y[part.y < 3]) for part in (mnist.training, mnist.others))
    network = build(
        topology(
            image=Input(shape=(28, 28, 1)),
            c1=conv(8, strides=(4, 4), activation="relu"),
            flat=Flatten(),
            out=Dense(units=3, activation="softmax"),
        )
    )
    recipe = TrainingRecipe(epochs=2, batch_size=32, learning_rate=0.005)
    train(network, recipe, split, seed=5)
    context = Context(
        calibration=split.x[:10],
        fine_tune=lambda net, share, **options: fine_tune(net, recipe, split, 6, share, **options),
        labels=("0", "1", "2"),
        evaluate=lambda net: float_accuracy(net, rest),
    )
    found = prune_to_accuracy(network, AccuracyPruning(min_accuracy=0.9, fine_tune=0.5, step=0.25), context)
    assert found.accuracy_after >= 0.9
    assert found.share > 0.0
