"""Training: it learns, it repeats to the bit, and it says when it fails."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.datasets.dataset import Split
from search.datasets.load import load
from search.train import TrainingError, _Plan, fine_tune, shifted, train
from spaces.candidate import TrainingRecipe

RECIPE = TrainingRecipe(epochs=2, batch_size=32, learning_rate=0.01, shift=1)


def digits(samples: int = 200) -> Split:
    """The first digits of the training split."""
    part = load("digits").train
    return Split(x=part.x[:samples], y=part.y[:samples])


def network(**options: Any) -> Any:
    """A small net with what has state or randomness of its own: batch normalisation and dropout."""
    import tf_keras
    from tf_keras import layers

    tf_keras.utils.set_random_seed(7)
    image = layers.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, strides=2, use_bias=False)(image)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.ReLU()(layers.DepthwiseConv2D(3, padding="same")(x))
    x = layers.Dropout(0.1)(layers.Flatten()(x))
    return tf_keras.Model(image, layers.Dense(10, activation="softmax", **options)(x))


def fingerprint(net: Any) -> str:
    return hashlib.sha256(b"".join(weight.tobytes() for weight in net.get_weights())).hexdigest()


def trained(recipe: TrainingRecipe = RECIPE, seed: int = 1, **options: Any) -> Any:
    net = network(**options)
    train(net, recipe, digits(), seed)
    return net


def test_learns_digits() -> None:
    """850 weights see the digits 15 times and know nine in ten of those they have not seen."""
    data = load("digits")
    net = network()
    train(net, TrainingRecipe(epochs=15, batch_size=32, learning_rate=0.02), data.train, seed=0)
    found = np.asarray(net(data.test.x)).argmax(axis=1)
    assert (found == data.test.y).mean() > 0.9


def test_same_seed_same_weights() -> None:
    """Two trainings in one process are bit-equal, another seed is not."""
    assert fingerprint(trained()) == fingerprint(trained())
    assert fingerprint(trained()) != fingerprint(trained(seed=2))


def test_same_weights_in_another_process() -> None:
    """A fresh process and one that has trained something else before give equal bits."""
    module = "from tests.search.test_train import *; from search.train import configure_threads; configure_threads()"
    root = Path(__file__).parents[2]
    before = "; train(network(), replace(RECIPE, epochs=1), digits(64), 9)"
    show = "; print(fingerprint(trained()))"
    processes = [
        subprocess.Popen([sys.executable, "-c", module + extra + show], stdout=subprocess.PIPE, text=True, cwd=root)
        for extra in ("", before)
    ]
    answers = [process.communicate(timeout=300)[0] for process in processes]
    assert len(answers[0].strip()) == 64
    assert answers[0] == answers[1]


def test_fine_tune_is_a_shorter_slower_training() -> None:
    """Half of four epochs at 0.3 of the rate; a share too small for an epoch is one epoch."""
    long = replace(RECIPE, epochs=4)
    for share, epochs in ((0.5, 2), (0.01, 1)):
        tuned, same = network(), network()
        fine_tune(tuned, long, digits(), 3, share)
        train(same, replace(RECIPE, epochs=epochs, learning_rate=RECIPE.learning_rate * 0.3), digits(), 3)
        assert fingerprint(tuned) == fingerprint(same)


def test_batch_larger_than_the_data() -> None:
    """All samples are one step then."""
    net = network()
    before = fingerprint(net)
    train(net, replace(RECIPE, batch_size=64), digits(20), 0)
    assert fingerprint(net) != before


def test_constraints_hold() -> None:
    """A constraint that keeps weights at zero, as pruning needs, is applied after every step."""
    import tensorflow as tf

    mask = np.zeros((72, 10), np.float32)
    mask[::2] = 1
    net = trained(kernel_constraint=lambda weight: weight * tf.constant(mask))
    kernel = net.layers[-1].get_weights()[0]
    assert not kernel[1::2].any()
    assert kernel[::2].all()


def test_regularisation_counts() -> None:
    """The network's own losses are part of what is minimised."""
    from tf_keras.regularizers import L2

    plain, held = (
        np.abs(trained(**options).layers[-1].get_weights()[0]).sum()
        for options in ({}, {"kernel_regularizer": L2(10.0)})
    )
    assert held < 0.7 * plain


def test_loss_that_is_not_finite() -> None:
    """Overflow ends the training with a sentence; where it shows first differs between processors."""
    part, shows = digits(), r"(the loss became nan|a weight became infinite) in epoch 1 of 2"
    with pytest.raises(TrainingError, match=rf"{shows}: lower the learning rate \(0.01\) or scale the inputs"):
        train(network(), RECIPE, replace(part, x=part.x * np.float32(1e38)), 0)


def test_weights_that_are_not_finite() -> None:
    """A last step that breaks the weights is found, although no loss is computed after it."""
    part = digits(32)
    recipe = TrainingRecipe(epochs=1, batch_size=32, learning_rate=1.0)
    with pytest.raises(TrainingError, match="a weight became infinite"):
        train(network(kernel_constraint=lambda weight: weight / 0.0), recipe, part, 0)


def test_rate_warms_up_and_decays() -> None:
    """From a twentieth of the way the rate falls along half a cosine, never above the recipe's, to about zero."""
    plan = _Plan(epochs=10, batch_size=1, learning_rate=0.02, shift=0, steps=40)
    rates = [plan.rate(step) for step in range(400)]
    assert max(rates) <= 0.02
    assert rates[0] == pytest.approx(0.02 / 20)
    assert int(np.argmax(rates)) == 19
    assert all(earlier > later for earlier, later in itertools.pairwise(rates[19:]))
    assert rates[200] == pytest.approx(0.01)
    assert rates[-1] < 1e-6


def test_shifted_moves_and_fills() -> None:
    """Every image is the original moved by a whole number of pixels, with what came in from outside at `lowest`."""
    x = np.random.default_rng(0).uniform(1, 2, (200, 8, 8, 2)).astype(np.float32)
    moved = shifted(x, 2, np.random.default_rng(1), lowest=0.5)
    seen = set()
    wide = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=0.5)
    for original, image in zip(wide, moved, strict=True):
        places = [(i, j) for i in range(5) for j in range(5) if np.array_equal(original[i : i + 8, j : j + 8], image)]
        assert len(places) == 1
        seen.add(places[0])
    assert len(seen) == 25


@pytest.mark.parametrize(("shape", "shift"), [((5, 8, 8, 1), 0), ((5, 6), 2), ((5, 3, 3, 1), 2)])
def test_not_shifted(shape: tuple[int, ...], shift: int) -> None:
    """No shift, features, and images too small to lose a row stay as they are."""
    x = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    assert np.array_equal(shifted(x, shift, np.random.default_rng(0)), x)


def test_a_series_moves_in_time_alone() -> None:
    """An axis of one pixel is never moved out of the picture."""
    x = np.ones((50, 16, 1, 3), np.float32)
    moved = shifted(x, 2, np.random.default_rng(0))
    assert set(moved.sum(axis=(1, 2, 3)).tolist()) == {42.0, 45.0, 48.0}
