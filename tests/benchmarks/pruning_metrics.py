"""Which importance of filters loses least: five metrics on three networks, on MNIST.

    python -m tests.benchmarks.pruning_metrics SHARED

Half of all filters and neurons go, or a quarter, then three epochs of
fine-tuning on 4,000 images.  The figure is the points of accuracy lost on
4,000 other images, the mean of two seeds.  A few minutes on 2 cores.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np

from compressors.importance import Metric
from compressors.layers import Activation, BatchNormalization, Dense, DepthwiseConv2D, Flatten, Input, Pooling2D
from compressors.network import build
from compressors.structured_pruning import StructuredPruner, StructuredPruning
from compressors.topology import Topology
from search.evaluate import float_accuracy
from search.train import train
from tests.compressors.conftest import conv, topology
from tests.compressors.test_pruning_mnist import RECIPE, Trained, _drawn, _published

SEEDS = (1, 2)
SHARES = (0.25, 0.5)


def networks() -> dict[str, Topology]:
    """A roomy convolutional network, a tight one, and depthwise separable blocks, all with normalisation."""

    def cnn(first: int, second: int, dense: int) -> Topology:
        return topology(
            image=Input(shape=(28, 28, 1)),
            c1=conv(first, strides=(2, 2), use_bias=False),
            n1=BatchNormalization(),
            r1=Activation(function="relu"),
            c2=conv(second, strides=(2, 2), use_bias=False),
            n2=BatchNormalization(),
            r2=Activation(function="relu"),
            flat=Flatten(),
            hidden=Dense(units=dense, use_bias=False),
            n3=BatchNormalization(),
            r3=Activation(function="relu"),
            out=Dense(units=10, activation="softmax"),
        )

    blocks: dict[str, Any] = {}
    for index, filters in enumerate((16, 32), 1):
        blocks |= {
            f"d{index}": DepthwiseConv2D(kernel=(3, 3), strides=(2, 2), use_bias=False),
            f"dn{index}": BatchNormalization(),
            f"dr{index}": Activation(function="relu"),
            f"p{index}": conv(filters, 1, use_bias=False),
            f"pn{index}": BatchNormalization(),
            f"pr{index}": Activation(function="relu"),
        }
    separable = topology(
        image=Input(shape=(28, 28, 1)),
        c0=conv(16, use_bias=False),
        n0=BatchNormalization(),
        r0=Activation(function="relu"),
        **blocks,
        pool=Pooling2D(kind="average", size=(7, 7), strides=(7, 7)),
        flat=Flatten(),
        out=Dense(units=10, activation="softmax"),
    )
    return {"roomy cnn": cnn(32, 32, 64), "tight cnn": cnn(6, 8, 16), "separable": separable}


def lost(trained: Trained, metric: Metric, share: float) -> float:
    """Points of accuracy that pruning by `share` costs after three epochs."""
    context = trained.context()
    settings = StructuredPruning(filters=share, neurons=share, metric=metric, fine_tune=0.5)
    pruned = StructuredPruner().compress(trained.network, settings, context)
    return 100 * (context.score(trained.network, "before") - context.score(pruned, "after"))


def main() -> None:
    """Print a line a network and share."""
    import tf_keras

    data = Path(sys.argv[1]) / "data" / "mnist"
    training, others = _drawn(data / "train10k.tar.xz"), _published(data)
    metrics: tuple[Metric, ...] = get_args(Metric)
    print("| network | accuracy, % | share |", " | ".join(metrics), "|")
    print("|---|---|---|" + "---|" * len(metrics))
    for name, shape in networks().items():
        made = []
        for seed in SEEDS:
            tf_keras.utils.set_random_seed(seed)
            network = build(shape)
            train(network, RECIPE, training, seed=seed)
            made.append(Trained(network=network, training=training, others=others))
        accuracy = 100 * np.mean([float_accuracy(each.network, others) for each in made])
        for share in SHARES:
            losses = [np.mean([lost(each, metric, share) for each in made]) for metric in metrics]
            cells = " | ".join(f"{loss:.2f}" for loss in losses)
            print(f"| {name} | {accuracy:.2f} | {share} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
