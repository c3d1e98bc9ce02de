"""From a recorded architecture to a ``tf_keras`` network with its first weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from compressors.compressor import Network
from compressors.layers import Shape
from spaces.candidate import Architecture
from spaces.catalog import find_space
from spaces.errors import SpaceError
from spaces.graphs import Head

TOLERANCE = 1e-5
PROBES = 4


def birth(
    architecture: Architecture, input_shape: Shape, n_outputs: int, seed: int, *, head: Head = "softmax"
) -> Network:
    """Make the untrained ``tf_keras`` network of an architecture, equal to the Keras 3 model AutoKeras builds.

    Parameters
    ----------
    architecture
        As drawn for the same input shape.
    input_shape
        Without the batch.
    n_outputs
        Number of classes, >= 2, or of values, >= 1.
    seed
        Of the first weights, >= 0: the same seed gives the same weights.  The
        random states of Python, numpy and TensorFlow are set to it.
    head
        What ends the network, as it was drawn.

    Raises
    ------
    SpaceError
        When the architecture is not of this space and input, or the outputs of
        the two networks differ by more than 1e-5 on random inputs.
    """
    import keras

    from compressors.network import build, set_weights
    from spaces.hyperparameters import ReplayedHyperParameters
    from spaces.reading import read

    hyperparameters = ReplayedHyperParameters(architecture.as_mapping())
    keras.utils.set_random_seed(seed)
    model = find_space(architecture.space).build(hyperparameters, input_shape, n_outputs, head=head)
    if hyperparameters.unused():
        raise SpaceError(
            f"{architecture.space} has no use for {', '.join(hyperparameters.unused())} with inputs of shape "
            f"{input_shape}: the architecture was drawn for another input"
        )
    topology, weights = read(model)
    network = build(topology)
    set_weights(network, weights)
    _require_agreement(model, network, input_shape, seed)
    return network


def _require_agreement(model: Any, network: Network, input_shape: Shape, seed: int) -> None:
    probes = np.random.default_rng(seed).normal(size=(PROBES, *input_shape)).astype(np.float32)
    # AutoKeras gives its models a list of inputs.
    expected = model([probes], training=False)
    gap = float(np.max(np.abs(np.asarray(expected) - np.asarray(network(probes, training=False)))))
    if not gap <= TOLERANCE:
        raise SpaceError(f"the tf_keras network differs by {gap:.1e} from the Keras model it was read from: report it")
