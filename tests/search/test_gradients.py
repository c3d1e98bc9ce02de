"""Gradients by batch: the right numbers, in the order of the weights, and the network as it was."""

from __future__ import annotations

import numpy as np
import pytest

from search.datasets.dataset import Split
from search.gradients import batch_gradients
from search.training_step import batch_loss
from tests.search.test_train import digits, network


def test_gradients_are_those_of_the_loss() -> None:
    """Of a network without randomness: equal to central differences of the loss in double steps, weight by weight."""
    import tf_keras

    tf_keras.utils.set_random_seed(1)
    image = tf_keras.layers.Input((8, 8, 1))
    x = tf_keras.layers.Flatten()(image)
    x = tf_keras.layers.Dense(3, activation="tanh", name="hidden")(x)
    net = tf_keras.Model(image, tf_keras.layers.Dense(10, activation="softmax", name="out")(x))
    part = digits(8)
    (found,) = batch_gradients(net, part, 8, seed=0)
    assert [[None if g is None else g.shape for g in found[name]] for name in ("hidden", "out")] == [
        [(64, 3), (3,)],
        [(3, 10), (10,)],
    ]
    step = 1e-2
    for name, index, place in (("hidden", 0, (27, 1)), ("hidden", 1, (2,)), ("out", 0, (0, 4)), ("out", 1, (9,))):
        losses = []
        for sign in (1, -1):
            weights = net.get_layer(name).get_weights()
            original = [weight.copy() for weight in weights]
            weights[index][place] += sign * step
            net.get_layer(name).set_weights(weights)
            losses.append(float(batch_loss(net, part.x, part.y)))
            net.get_layer(name).set_weights(original)
        gradient = found[name][index]
        assert gradient is not None
        assert gradient[place] == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=0.02, abs=2e-4)


def test_the_network_stays_and_untrained_weights_have_none() -> None:
    """Statistics of batch normalisation do not move and have no gradient; a frozen layer has none at all."""
    net = network()
    net.layers[-1].trainable = False
    before = [weight.copy() for weight in net.get_weights()]
    batches = list(batch_gradients(net, digits(), 32, seed=0))
    assert all(np.array_equal(a, b) for a, b in zip(before, net.get_weights(), strict=True))
    assert len(batches) == 6  # 200 samples by 32, the rest left out
    norm = next(layer.name for layer in net.layers if "batch_normalization" in layer.name)
    assert [gradient is None for gradient in batches[0][norm]] == [False, False, True, True]
    assert batches[0][net.layers[-1].name] == (None, None)


def test_batches_are_shuffled_by_the_seed() -> None:
    """The same seed gives the same batches and dropout, whatever ran before; another one gives others.

    A batch larger than the split is the whole split.
    """
    import tf_keras

    net = network()
    conv = net.layers[1].name

    def first(seed: int, size: int = 32) -> np.ndarray:
        gradient = next(iter(batch_gradients(net, digits(64), size, seed)))[conv][0]
        assert gradient is not None
        return gradient

    before = first(0)
    tf_keras.utils.set_random_seed(99)
    assert np.array_equal(before, first(0))
    assert not np.array_equal(first(0), first(1))
    assert len(list(batch_gradients(net, digits(20), 64, 0))) == 1


def test_at_most_32_batches() -> None:
    part = digits(40)
    assert len(list(batch_gradients(network(), Split(x=part.x, y=part.y), 1, 0))) == 32
