"""Contexts with the search's own training loop, on little data."""

from __future__ import annotations

from typing import Any

import numpy as np

from compressors.compressor import Context
from compressors.topology import Topology
from search.datasets.dataset import Split
from search.evaluate import float_accuracy
from search.gradients import batch_gradients
from search.train import fine_tune
from spaces.candidate import TrainingRecipe


def real_context(x: Any, y: Any, *, epochs: int = 2, batch_size: int = 4, learning_rate: float = 0.01) -> Context:
    """What a search hands down, made of one split of inputs and integer labels."""
    data = Split(x=x, y=y)
    recipe = TrainingRecipe(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    return Context(
        calibration=x[:128],
        fine_tune=lambda network, share, **options: fine_tune(network, recipe, data, 0, share, **options),
        evaluate=lambda network: float_accuracy(network, data),
        gradients=lambda network: batch_gradients(network, data, batch_size, 0),
    )


def noise_context(topology: Topology, **options: Any) -> Context:
    """32 samples of noise in four classes, 8 steps an epoch."""
    x = np.random.default_rng(1).normal(size=(32, *topology.input_shape)).astype(np.float32)
    return real_context(x, np.arange(32, dtype=np.int64) % 4, **options)
