"""Gradients of the loss, batch by batch, for techniques that judge weights by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from search.training_step import batch_loss

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from compressors.compressor import Network
    from search.datasets.dataset import Split

_MOST_BATCHES = 32


def batch_gradients(
    network: Network, split: Split, batch_size: int, seed: int, class_weights: tuple[float, ...] = ()
) -> Iterator[Mapping[str, tuple[npt.NDArray[np.float32] | None, ...]]]:
    """Gradients of the mean loss of up to 32 shuffled batches, the network left as it is.

    Parameters
    ----------
    network
        A network (n, *input_shape) -> (n, classes) or (n, targets).
    split
        The training split.
    batch_size
        Samples a batch, >= 1; the rest of the split that fills no batch is left out.
    seed
        Of the shuffle and of dropout.
    class_weights
        Weight of each class in the loss; empty where samples weigh alike.

    Yields
    ------
    Arrays by layer name in ``layer.get_weights()`` order; None for weights
    that are not trained.
    """
    import numpy as np
    import tensorflow as tf
    import tf_keras

    tf_keras.utils.set_random_seed(seed)  # of dropout: what ran before must not count
    size = min(batch_size, len(split))
    order = np.random.default_rng(seed).permutation(len(split))
    before = network.get_weights()

    def gradients(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = batch_loss(network, x, y, class_weights=class_weights)
        return tape.gradient(loss, network.trainable_variables, unconnected_gradients="zero")

    traced = tf.function(gradients, autograph=False)
    for start in range(0, min(len(split) // size, _MOST_BATCHES) * size, size):
        batch = order[start : start + size]
        found = traced(tf.constant(split.x[batch]), tf.constant(split.y[batch]))
        network.set_weights(before)  # batch normalisation has moved its statistics
        by_variable = {id(v): g.numpy() for v, g in zip(network.trainable_variables, found, strict=True)}
        yield {
            layer.name: tuple(by_variable.get(id(weight)) for weight in layer.weights)
            for layer in network.layers
            if layer.weights
        }
