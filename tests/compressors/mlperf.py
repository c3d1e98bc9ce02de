"""The four networks of MLPerf Tiny with real or random inputs, for what must hold on networks that people ship.

The keyword spotter is published as a ``.tflite`` only: its architecture is
rebuilt here, with random weights of a trained network's size.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressors.compressor import Context, Network
from compressors.layers import Activation as Act
from compressors.layers import BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Dropout, Flatten, Input, Pooling2D
from compressors.network import copied, topology_of
from compressors.topology import Topology
from search.datasets.dataset import Split
from search.evaluate import float_accuracy
from search.gradients import batch_gradients
from search.train import fine_tune
from spaces.candidate import TrainingRecipe
from tests.compressors.conftest import _trained, topology

_CLASSES = {"ds_cnn": 12, "resnet8": 10, "mobilenet": 2}
_FILES = {
    "resnet8": "image_classification/pretrainedResnet.h5",
    "mobilenet": "visual_wake_words/vww_96.h5",
    "autoencoder": "anomaly_detection/ad01.h5",
}
NAMES = (*_CLASSES, "autoencoder")


def ds_cnn() -> Topology:
    """The keyword spotter: 49 frames of 10 coefficients, four depthwise separable blocks of 64 channels."""
    layers: dict[str, Any] = {
        "frames": Input(shape=(49, 10, 1)),
        "c0": Conv2D(filters=64, kernel=(10, 4), strides=(2, 2)),
        "n0": BatchNormalization(),
        "r0": Act(function="relu"),
        "drop0": Dropout(rate=0.2),
    }
    for block in range(1, 5):
        layers |= {
            f"d{block}": DepthwiseConv2D(kernel=(3, 3)),
            f"dn{block}": BatchNormalization(),
            f"dr{block}": Act(function="relu"),
            f"c{block}": Conv2D(filters=64, kernel=(1, 1)),
            f"n{block}": BatchNormalization(),
            f"r{block}": Act(function="relu"),
        }
    layers |= {
        "drop": Dropout(rate=0.4),
        "pool": Pooling2D(kind="average", size=(25, 5), strides=(25, 5)),
        "flat": Flatten(),
        "out": Dense(units=12, activation="softmax"),
    }
    return topology(**layers)


def network_of(name: str, shared: Path) -> Network:
    """One of `NAMES`, from the published weights where there are any."""
    if name == "ds_cnn":
        return _trained(ds_cnn())
    import tf_keras

    return tf_keras.models.load_model(shared / "data/models_mlperf_tiny" / _FILES[name], compile=False)


def _inputs(name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Eight random inputs of the size that the network was trained on."""
    noise = np.random.default_rng(3).normal(size=(8, *shape))
    scaled: dict[str, Callable[[Any], Any]] = {
        "resnet8": lambda x: 128.0 + 50.0 * x,
        "mobilenet": lambda x: 0.5 + 0.2 * x,
        "autoencoder": lambda x: 10.0 * x,
    }
    return np.asarray(scaled.get(name, lambda x: x)(noise), np.float32)


def context_of(name: str, network: Network) -> Context:
    """Fine-tunes of four steps on noise; the autoencoder learns to give its input back, and has no accuracy."""
    shape = topology_of(network)
    x = _inputs(name, shape.input_shape)
    reconstructs = name == "autoencoder"
    data = Split(x=x, y=x if reconstructs else np.arange(8, dtype=np.int64) % _CLASSES[name])
    recipe = TrainingRecipe(epochs=1, batch_size=2, learning_rate=1e-4)
    return Context(
        calibration=data.x,
        fine_tune=lambda given, share, **options: fine_tune(given, recipe, data, 0, share, **options),
        evaluate=None if reconstructs else (lambda given: float_accuracy(given, data)),
        gradients=lambda given: batch_gradients(given, data, 4, 0),
        teacher=lambda: copied(network),
    )
