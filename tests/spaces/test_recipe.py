from __future__ import annotations

import pytest
from optuna.trial import FixedTrial

from spaces.candidate import TrainingRecipe
from spaces.errors import SpaceError
from spaces.recipe import LEARNING_RATES, MOST_STEPS, STEPS, batch_sizes, draw_recipe, epochs_for
from tests.spaces.conftest import Draws


@pytest.mark.parametrize(
    ("n_train", "expected"),
    [
        (1, (16,)),
        (100, (16,)),
        (300, (16, 32)),
        (1_400, (16, 32, 64)),
        (60_000, (32, 64)),
        (100_000, (64,)),
        (500_000, (64,)),
    ],
)
def test_batch_sizes_suit_the_number_of_samples(n_train: int, expected: tuple[int, ...]) -> None:
    """Small sets keep several steps an epoch, large ones an epoch of at most 2,000 steps."""
    assert batch_sizes(n_train) == expected


@pytest.mark.parametrize("n_train", [100, 700, 1_400, 10_000, 60_000])
def test_a_training_comes_closest_to_the_wanted_steps(n_train: int) -> None:
    """Whatever the batch size, one epoch more or less would be further off, unless one epoch is all there is."""
    for size in batch_sizes(n_train):
        steps_an_epoch = -(-n_train // size)
        epochs = epochs_for(n_train, size)
        steps = steps_an_epoch * epochs
        assert steps <= MOST_STEPS
        assert abs(steps - STEPS) <= steps_an_epoch / 2 or (epochs == 1 and steps_an_epoch > STEPS)


def test_a_recipe_is_drawn_and_replayed() -> None:
    """A fixed trial of these names gives this recipe."""
    parameters = {"recipe/batch_size#": 1, "recipe/learning_rate": 0.004, "recipe/shift": 1}
    trial = FixedTrial(dict(parameters))
    recipe = draw_recipe(trial, 1_400, (8, 8, 1))
    assert recipe == TrainingRecipe(epochs=epochs_for(1_400, 32), batch_size=32, learning_rate=0.004, shift=1)
    assert trial.params == parameters
    assert draw_recipe(FixedTrial(dict(parameters)), 1_400, (8, 8, 1), epochs=5).epochs == 5


@pytest.mark.parametrize(
    ("input_shape", "most"),
    [((28, 28, 1), 2), ((8, 8, 1), 1), ((12, 20, 2), 1), ((128, 1, 3), 0), ((7,), 0), ((49, 10, 1), 0)],
)
def test_only_images_are_shifted(random_trials: Draws, input_shape: tuple[int, ...], most: int) -> None:
    """Features, series and spectrograms are left alone, small images move by one pixel."""
    drawn = {draw_recipe(trial, 1_000, input_shape).shift for trial in random_trials(40, 3)}
    assert drawn == set(range(most + 1))


def test_learning_rates_stay_in_their_range(random_trials: Draws) -> None:
    """Within the bounds, and not all on one side of the geometric middle: the scale is logarithmic."""
    low, high = LEARNING_RATES
    rates = [draw_recipe(trial, 1_000, (7,)).learning_rate for trial in random_trials(60, 4)]
    assert all(low <= rate <= high for rate in rates)
    assert 15 < sum(rate < (low * high) ** 0.5 for rate in rates) < 45


def test_without_samples_nothing_is_drawn() -> None:
    """The error says what is missing."""
    with pytest.raises(SpaceError, match="0 samples"):
        draw_recipe(FixedTrial({}), 0, (7,))
