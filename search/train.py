"""Trains a network: Adam, warm-up and cosine decay, cross-entropy or squared error, shifted images.

One traced training step driven from Python, without a data pipeline.  For
nets of a few thousand weights most of `Model.fit` is tracing and pipeline:
1,078 8x8 images, 25 epochs, one thread of a 2-core machine, CPU seconds of
`fit` / with the whole epoch as one execution / of this loop:
DS-CNN of 1,338 weights 5.3 / 4.2 / 1.5, CNN of 4,486 weights 3.2 / 3.1 / 1.5.
An in-graph loop (``tf.range``) traces longer and runs the steps no faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.errors import TinyFrontError
from search.training_step import NOTHING, Additions, traced_step

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from compressors.compressor import Network, Projections, Teaching
    from search.datasets.dataset import Split
    from spaces.candidate import TrainingRecipe

_WARM_UP = 0.05  # share of all steps
_FINE_TUNE_RATE = 0.3  # learning rate of a fine-tune over that of the training


class TrainingError(TinyFrontError):
    """A network cannot be trained; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """A recipe with its steps counted."""

    epochs: int
    batch_size: int
    learning_rate: float
    shift: int
    steps: int  # a epoch

    def rate(self, step: int) -> float:
        """Learning rate of a step counted from 0: a linear warm-up times half a cosine down to about 0."""
        total = self.epochs * self.steps
        warm_up = max(1, round(_WARM_UP * total))
        return self.learning_rate * min(1.0, (step + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * step / total))


def configure_threads() -> None:
    """Give this process one TensorFlow thread; called once per worker before anything else uses TensorFlow.

    Two processes of one thread train faster than one process of two.

    Raises
    ------
    RuntimeError
        From TensorFlow, when it has already started.
    """
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def train(
    network: Network, recipe: TrainingRecipe, split: Split, seed: int, class_weights: tuple[float, ...] = ()
) -> None:
    """Train a network in place.

    Parameters
    ----------
    network
        A built tf_keras network (n, *input_shape) -> class probabilities
        (n, classes), or values (n, targets).  Its regularisation losses are added to the loss and its
        variables' constraints are applied after every step.
    recipe
        Epochs, samples a step, highest learning rate, and by how many pixels
        images are shifted at random (see `shifted`).
    split
        The training split.
    seed
        Of shuffling, shifts and dropout, 0..2**32-1.  The same network, data
        and seed give bit-equal weights on the same machine and thread count.
    class_weights
        Weight of each class in the loss; empty where samples weigh alike.

    Raises
    ------
    TrainingError
        When the loss or a weight stops being finite.
    """
    plan = _plan(recipe, recipe.epochs, recipe.learning_rate, split)
    _run(network, plan, split, seed, Additions(class_weights=class_weights))


def fine_tune(
    network: Network,
    recipe: TrainingRecipe,
    split: Split,
    seed: int,
    share: float,
    *,
    projections: Projections | None = None,
    before_step: Callable[[int, int], None] | None = None,
    teaching: Teaching | None = None,
    class_weights: tuple[float, ...] = (),
) -> None:
    """Train on in place for a share (0..1] of the recipe's epochs, at least one, with 0.3 of its learning rate.

    The keywords are those of `compressors.compressor.FineTune`, and the class weights of `train`.

    Raises
    ------
    TrainingError
        As `train` does.
    """
    epochs = max(1, round(share * recipe.epochs))
    plan = _plan(recipe, epochs, recipe.learning_rate * _FINE_TUNE_RATE, split)
    _run(network, plan, split, seed, Additions(projections or {}, teaching, class_weights), before_step)


def shifted(
    x: npt.NDArray[np.float32], shift: int, rng: np.random.Generator, lowest: float = 0.0
) -> npt.NDArray[np.float32]:
    """Every image moved by up to `shift` pixels along height and width, each by its own draw.

    An axis is never moved by more than a quarter of its length, so that a
    (time, 1, channels) series moves in time alone.

    Parameters
    ----------
    x
        Images (n, height, width, channels); anything else is returned as it is.
    shift
        Greatest move in pixels, >= 0.
    rng
        Draws the moves.
    lowest
        What moves in from outside.
    """
    import numpy as np

    if shift == 0 or x.ndim != 4:
        return x
    n, height, width, channels = x.shape
    by_rows, by_columns = min(shift, height // 4), min(shift, width // 4)
    padded = np.full((n, height + 2 * by_rows, width + 2 * by_columns, channels), lowest, np.float32)
    padded[:, by_rows : by_rows + height, by_columns : by_columns + width] = x
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    top, left = rng.integers(0, 2 * by_rows + 1, n), rng.integers(0, 2 * by_columns + 1, n)
    moved = windows[np.arange(n), top, left]  # (n, channels, height, width)
    return np.ascontiguousarray(np.moveaxis(moved, 1, -1))


def _plan(recipe: TrainingRecipe, epochs: int, learning_rate: float, split: Split) -> _Plan:
    samples = len(split)
    batch_size = min(recipe.batch_size, samples)
    return _Plan(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        shift=0 if _gives_back(split) else recipe.shift,
        steps=samples // batch_size,
    )


def _gives_back(split: Split) -> bool:
    """True where the inputs themselves are to be answered, which would have to move with them."""
    return split.y.ndim == 2 and split.y.shape[1] == math.prod(split.x.shape[1:])


def _run(
    network: Network,
    plan: _Plan,
    split: Split,
    seed: int,
    additions: Additions = NOTHING,
    before_step: Callable[[int, int], None] | None = None,
) -> None:
    import numpy as np
    import tensorflow as tf
    import tf_keras

    tf_keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    values = split.y.shape[1] if split.y.ndim == 2 else None
    step = traced_step(network, plan.batch_size, split.x.shape[1:], additions, values)
    rng = np.random.default_rng(seed)
    used = plan.steps * plan.batch_size  # the rest of an epoch's shuffle is left out of that epoch
    done = 0
    for epoch in range(plan.epochs):
        order = rng.permutation(len(split))[:used]
        x, y = shifted(split.x[order], plan.shift, rng), split.y[order]
        for start in range(0, used, plan.batch_size):
            stop = start + plan.batch_size
            if before_step is not None:
                before_step(done, plan.epochs * plan.steps)
            loss = step(x[start:stop], y[start:stop], plan.rate(done), done)
            done += 1
        _check_finite(network, loss, f"in epoch {epoch + 1} of {plan.epochs}", plan.learning_rate)


def _check_finite(network: Network, loss: float, when: str, learning_rate: float) -> None:
    """End a training that diverged.

    A weight that is not finite makes most later losses not finite, but not
    all: a unit that is never active may hide it, on some processors.
    """
    import numpy as np

    what = "" if math.isfinite(loss) else f"the loss became {loss}"
    if not what and not all(bool(np.isfinite(weight).all()) for weight in network.get_weights()):
        what = "a weight became infinite"
    if what:
        raise TrainingError(f"{what} {when}: lower the learning rate ({learning_rate:g}) or scale the inputs")
