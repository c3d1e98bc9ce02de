"""Small networks as users make them, with weights that tell every layer from the next."""

from __future__ import annotations

from typing import Any

import numpy as np

from devices.artifact import Normalization
from search.datasets.dataset import Dataset, Split


def randomised(model: Any, seed: int = 0) -> Any:
    """The model with random weights, the moving variances above zero."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if hasattr(layer, "layers"):
            randomised(layer, seed + 1)
            continue
        layer.set_weights(
            [
                np.abs(values) + 0.5 if "variance" in str(weight.name) else values
                for weight in layer.weights
                for values in [rng.normal(scale=0.5, size=weight.shape).astype(np.float32)]
            ]
        )
    return model


def branches(library: Any) -> Any:
    """A residual network with two equal branches: which of two layers of one shape a weight belongs to shows."""
    layers = library.layers
    source = library.Input((8, 8, 1), name="picture")
    stem = layers.Conv2D(4, 3, padding="same", activation="relu", kernel_regularizer="l2")(source)
    left = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(stem))
    right = layers.ReLU()(layers.Conv2D(4, 3, padding="same")(stem))
    joined = layers.Add()([right, left])
    pooled = layers.GlobalAveragePooling2D()(layers.DepthwiseConv2D(3, padding="same")(joined))
    return randomised(library.Model(source, layers.Dense(3, activation="softmax")(pooled)))


def chain(library: Any, *last: Any, inputs: tuple[int, ...] = (8, 8, 1)) -> Any:
    """A Sequential of a convolution and what `last` names, else a softmax over three classes."""
    layers = library.layers
    last = last or (layers.Dense(3, activation="softmax"),)
    return randomised(
        library.Sequential(
            [library.Input(inputs), layers.Conv2D(4, 3, activation="relu"), layers.GlobalAveragePooling2D(), *last]
        )
    )


def nested(library: Any) -> Any:
    """A Sequential within a functional network, and a name that no graph takes."""
    layers = library.layers
    inner = library.Sequential(
        [library.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()], name="backbone"
    )
    source = library.Input((8, 8, 1))
    flat = layers.Flatten(name="all flat" if library.__name__ == "keras" else "all_flat")(inner(source))
    return randomised(library.Model(source, layers.Dense(3, activation="softmax")(flat)))


def pictures(shape: tuple[int, ...] = (8, 8, 1), classes: int = 3) -> Dataset:
    """Random inputs 0..1 and labels; 48, 24 and 12 samples."""
    rng = np.random.default_rng(3)

    def split(n: int) -> Split:
        return Split(x=rng.random((n, *shape), np.float32), y=np.arange(n, dtype=np.int64) % classes)

    return Dataset(
        name="pictures",
        train=split(48),
        validation=split(24),
        test=split(12),
        labels=tuple("abcdefghij"[:classes]),
        normalization=Normalization(offset=0.0, factor=1.0),
    )
