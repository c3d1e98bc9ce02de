"""Prunes by tfmot's wrappers in our own training loop.

Keras' `fit` would call tfmot's `UpdatePruningStep`; here its parts stand
before, between and behind the steps of `Context.fine_tune`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from compressors.compressor import CompressionError, Context, Network
from compressors.pruning_patterns import BLOCK, CHANNEL_PATTERNS
from compressors.structure import zero_projections

if TYPE_CHECKING:
    from compressors.magnitude_pruning import MagnitudePruning


class Steering:
    """A schedule of tfmot that is made when training starts, for it counts in steps of training.

    tfmot's wrappers call it while the training step is traced, before it is
    known how many steps there are, and so they get two variables, which are
    set before every step.

    Attributes
    ----------
    runs
        Whether there was a step.
    """

    def __init__(self, settings: MagnitudePruning, reached: float, sparsity: float) -> None:
        """A schedule from a sparsity that was reached to another, to be made by `set_step`."""
        import tensorflow as tf

        self.runs = False
        self._settings, self._reached, self._final = settings, reached, sparsity
        self._turn, self._sparsity = tf.Variable(False, trainable=False), tf.Variable(0.0, trainable=False)

    def __call__(self, _step: Any) -> tuple[Any, Any]:
        """Whether masks are updated in this step, and to which sparsity."""
        return self._turn.read_value(), self._sparsity.read_value()

    def set_step(self, done: int, total: int) -> None:
        """Go to the step after so many of so many in all; the first call makes the schedule.

        Raises
        ------
        CompressionError
            When the schedule would never prune in so few steps.
        """
        import tensorflow as tf

        if not self.runs:
            self._schedule = _schedule(self._settings, self._reached, self._final, total)
            self.runs = True
        # tfmot counts steps from 1.
        turn, sparsity = self._schedule(tf.constant(done + 1, tf.int64))
        self._turn.assign(turn)
        self._sparsity.assign(sparsity)


def _schedule(settings: MagnitudePruning, reached: float, sparsity: float, total: int) -> Any:
    """A schedule of tfmot over the steps 1..total."""
    from tensorflow_model_optimization.sparsity import keras as sparse

    begin, end = 1 + math.floor(settings.begin * total), round(settings.end * total)
    # Only every so many steps is there an update: the last one must be at the end, where the sparsity is the full one.
    end = begin + max(0, end - begin) // settings.frequency * settings.frequency
    if settings.schedule == "constant":
        return sparse.ConstantSparsity(sparsity, begin, end, settings.frequency)
    if end == begin:
        raise CompressionError(
            f"the schedule would never prune: it runs from step {begin} to {round(settings.end * total)} of {total} "
            f"and updates masks every {settings.frequency} steps, of which it needs two updates: "
            "raise fine_tune or end, lower frequency, or give schedule 'constant'"
        )
    return sparse.PolynomialDecay(reached, sparsity, begin, end, frequency=settings.frequency)


def prune_while_training(
    network: Network, names: tuple[str, ...], settings: MagnitudePruning, steering: Steering, context: Context
) -> None:
    """Prune and train a network in place: wrap a copy, train it, and take over its weights without the wrappers.

    Weights that are 0 before stay so.

    Parameters
    ----------
    names
        Layers to prune.
    steering
        Fresh; from which sparsity to which.

    Raises
    ------
    CompressionError
        When the fine-tune has too few steps for the schedule, or none.
    """
    from tensorflow_model_optimization.sparsity import keras as sparse

    from compressors.network import set_weights, weights_of

    wrapped = _wrapped(network, names, settings, steering)
    callback = sparse.UpdatePruningStep()
    callback.set_model(wrapped)
    callback.on_train_begin()
    held = {_wrapper_name(name) if name in names else name: hold for name, hold in zero_projections(network).items()}
    context.fine_tune(wrapped, settings.fine_tune / settings.rounds, projections=held, before_step=steering.set_step)
    if not steering.runs:
        raise CompressionError("the fine-tune ran no step, so that magnitude pruning pruned nothing: give data")
    callback.on_epoch_end(0)  # masks what the last step moved
    set_weights(network, weights_of(sparse.strip_pruning(wrapped)))


def _wrapper_name(name: str) -> str:
    return f"prune_low_magnitude_{name}"  # tfmot names its wrappers so


def _wrapped(network: Network, names: tuple[str, ...], settings: MagnitudePruning, steering: Steering) -> Network:
    """A copy of the network with tfmot's wrappers around the layers named."""
    import tf_keras
    from tensorflow_model_optimization.sparsity import keras as sparse

    options: dict[str, Any] = {"pruning_schedule": steering}
    if settings.pattern in CHANNEL_PATTERNS:
        kept, width = CHANNEL_PATTERNS[settings.pattern]
        options["sparsity_m_by_n"] = (width - kept, width)  # tfmot's m are the zeros
    elif settings.pattern == "block":
        options["block_size"] = (BLOCK, 1)

    def cloned(layer: Any) -> Any:
        copy = layer.__class__.from_config(layer.get_config())
        return sparse.prune_low_magnitude(copy, **options) if layer.name in names else copy

    wrapped = tf_keras.models.clone_model(network, clone_function=cloned)
    for name in (layer.name for layer in network.layers if layer.weights):
        target = wrapped.get_layer(_wrapper_name(name) if name in names else name)
        target.set_weights(network.get_layer(name).get_weights())
    return wrapped
