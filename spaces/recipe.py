"""Draws how a network is trained."""

from __future__ import annotations

from spaces.candidate import TrainingRecipe
from spaces.errors import SpaceError
from spaces.trial import Trial, suggest_ordered

BATCH_SIZES = (16, 32, 64)
LEARNING_RATES = (3e-3, 2e-2)
# Networks of this size stop gaining after about so many steps of Adam.
STEPS = 1200
MOST_STEPS = 2000
FEWEST_STEPS_AN_EPOCH = 8
SMALL_IMAGE = 16
SMALLEST_IMAGE_SIDE = 4


def batch_sizes(n_train: int) -> tuple[int, ...]:
    """List the batch sizes worth drawing for `n_train` samples, ascending, at least one.

    Those with at least 8 steps an epoch, and of those the ones whose epoch
    stays within 2,000 steps.
    """
    several = tuple(size for size in BATCH_SIZES if size * FEWEST_STEPS_AN_EPOCH <= n_train) or BATCH_SIZES[:1]
    return tuple(size for size in several if n_train <= size * MOST_STEPS) or several[-1:]


def epochs_for(n_train: int, batch_size: int) -> int:
    """Epochs that come closest to 1,200 training steps, at least one."""
    return max(1, round(STEPS / -(-n_train // batch_size)))


def largest_shift(input_shape: tuple[int, ...]) -> int:
    """Pixels an input may be moved by: 2 for images, 1 for small ones, 0 for anything else.

    What is at least twice as long as wide is taken for a spectrogram, where a
    band further up is another sound: moved by one band of 13, MFCCs of spoken
    digits lost 7 to 15 points on a speaker who was not in training, by two 30.
    Moved in time alone, neither they nor series gained anything.
    """
    if len(input_shape) != 3 or min(input_shape[:2]) < SMALLEST_IMAGE_SIDE or input_shape[0] >= 2 * input_shape[1]:
        return 0
    return 1 if min(input_shape[:2]) < SMALL_IMAGE else 2


def draw_recipe(trial: Trial, n_train: int, input_shape: tuple[int, ...], epochs: int | None = None) -> TrainingRecipe:
    """Draw a recipe for `n_train` training samples of `input_shape`.

    Parameters
    ----------
    trial
        Draws ``recipe/learning_rate``, ``recipe/batch_size`` (an index) and,
        for images, ``recipe/shift``.
    n_train
        Samples in the training split, >= 1.
    input_shape
        Without the batch; (height, width, channels) is an image when both
        sides have at least 4 pixels.
    epochs
        Fixed number of epochs; None derives it, so that every training takes
        about 1,200 steps whatever the batch size.

    Raises
    ------
    SpaceError
        When there are no training samples, or `epochs` is below 1.
    """
    if n_train < 1:
        raise SpaceError(f"the training split has {n_train} samples: at least one is needed")
    batch_size = suggest_ordered(trial, "recipe/batch_size", batch_sizes(n_train))
    most = largest_shift(input_shape)
    return TrainingRecipe(
        epochs=epochs_for(n_train, batch_size) if epochs is None else epochs,
        batch_size=batch_size,
        learning_rate=trial.suggest_float("recipe/learning_rate", *LEARNING_RATES, log=True),
        shift=trial.suggest_int("recipe/shift", 0, most) if most else 0,
    )
