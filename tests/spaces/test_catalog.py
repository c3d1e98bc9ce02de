"""Conformance of every search space: drawn, replayed, sized."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from optuna.trial import FixedTrial

from compressors.layers import Activation, Shape
from spaces.catalog import SPACES, GraphSpace, find_space, spaces_for
from spaces.errors import SpaceError
from tests.spaces.conftest import RandomDraws, weights

DIGITS: Shape = (8, 8, 1)
EVERY_SPACE = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)


@EVERY_SPACE
def test_a_draw_replays_whatever_was_built_before(space: GraphSpace, random_draws: RandomDraws) -> None:
    """Fixed trials of 30 random draws, replayed backwards among other graphs, give the equal records."""
    for parameters, drawn in reversed(random_draws(space.name, DIGITS)):
        assert space.draw(FixedTrial(dict(parameters)), DIGITS, 10) == drawn


@EVERY_SPACE
def test_names_carry_the_space(space: GraphSpace, random_draws: RandomDraws) -> None:
    """No two spaces share a parameter, so one study can hold them all."""
    for parameters, drawn in random_draws(space.name, DIGITS):
        assert parameters
        assert all(name.startswith(f"{space.name}/") for name in parameters)
        assert drawn.architecture.space == space.name
        assert {name for name, _ in drawn.architecture.values} == {name.removesuffix("#") for name in parameters}


@EVERY_SPACE
def test_draws_differ_and_end_in_a_softmax(space: GraphSpace, random_draws: RandomDraws) -> None:
    """Thirty random draws are at least ten networks, all from the input to ten classes."""
    draws = [drawn for _, drawn in random_draws(space.name, DIGITS)]
    assert len({drawn.topology.digest() for drawn in draws}) >= 10
    for drawn in draws:
        assert drawn.topology.input_shape == DIGITS
        assert drawn.topology.output_shape == (10,)
        assert drawn.topology.layers[-1].spec == Activation(function="softmax")


@EVERY_SPACE
def test_draws_have_the_size_of_a_microcontroller(space: GraphSpace, random_draws: RandomDraws) -> None:
    """For 8 x 8 inputs most draws have 100 to 15,000 weights, and the median is within 1,000 to 7,000."""
    sizes = [weights(drawn.topology) for _, drawn in random_draws(space.name, DIGITS)]
    assert np.mean([100 <= size <= 15_000 for size in sizes]) >= 0.7
    assert 1_000 <= np.median(sizes) <= 7_000


@EVERY_SPACE
def test_anchors_are_complete_and_start_with_the_smallest(space: GraphSpace, random_draws: RandomDraws) -> None:
    """A fixed trial needs nothing more, and no random draw is smaller than the first anchor."""
    sizes = [weights(space.draw(FixedTrial(dict(a)), DIGITS, 10).topology) for a in space.anchors(DIGITS)]
    assert len(set(sizes)) == len(sizes) >= 3
    assert sizes[0] == min(sizes)
    assert sizes[0] <= min(weights(drawn.topology) for _, drawn in random_draws(space.name, DIGITS))


@pytest.mark.parametrize("input_shape", [(28, 28, 1), (96, 96, 3), (4, 40, 1), (7,)], ids=str)
def test_anchors_suit_every_input(input_shape: Shape) -> None:
    """Wherever a space is accepted its anchors can be drawn, and are distinct networks in growing size at the ends."""
    for space in spaces_for(input_shape):
        drawn = [space.draw(FixedTrial(dict(anchor)), input_shape, 2) for anchor in space.anchors(input_shape)]
        sizes = [weights(one.topology) for one in drawn]
        assert len(set(sizes)) == len(sizes), space.name
        assert sizes[0] == min(sizes), space.name


def test_known_digit_networks_are_anchors() -> None:
    """The DS-CNN of about 1,400 weights and networks of 300 to 700 for digits; 5,000 to 25,000 for 28 x 28."""

    def sizes(name: str, input_shape: Shape) -> list[int]:
        space = find_space(name)
        return [weights(space.draw(FixedTrial(dict(a)), input_shape, 10).topology) for a in space.anchors(input_shape)]

    digits = sizes("ds_cnn", DIGITS)
    assert any(1_300 <= size <= 1_500 for size in digits)
    for name in ("ds_cnn", "cnn", "mlp", "residual"):
        assert any(300 <= size <= 700 for size in sizes(name, DIGITS)), name
    for name in ("ds_cnn", "cnn", "inverted_residual"):
        assert any(5_000 <= size <= 25_000 for size in sizes(name, (28, 28, 1))), name


def test_a_misspelt_space_gets_a_guess() -> None:
    """And a known name gives the space."""
    assert find_space("ds_cnn").name == "ds_cnn"
    with pytest.raises(SpaceError, match=r"no search space 'dscnn': did you mean 'ds_cnn'\?"):
        find_space("dscnn")


def test_names_are_unique_and_described() -> None:
    """A name finds one space."""
    assert len({space.name for space in SPACES}) == len(SPACES) == 9
    assert all(space.description for space in SPACES)


@pytest.mark.parametrize(
    ("name", "input_shape", "reason"),
    [
        ("cnn", (7,), "height, width, channels"),
        ("ds_cnn", (3, 3, 1), "at least 4"),
        ("residual", (300, 300, 3), "scale the inputs down"),
        ("autokeras_conv", (96, 96, 1), "no strides"),
        ("autokeras_dense", (96, 96, 1), "more than 4096 inputs"),
        ("mlp", (10_000,), "more than 4096 inputs"),
        ("mlp", (5, 5), "features"),
        ("mlp", (300, 300, 3), "scale the inputs down"),
    ],
)
def test_an_input_that_does_not_suit_is_refused_with_the_reason(name: str, input_shape: Shape, reason: str) -> None:
    """`accepts` says why, `draw` raises it, there are no anchors, and the space is not offered."""
    space = find_space(name)
    assert reason in str(space.accepts(input_shape))
    assert space.anchors(input_shape) == ()
    assert space not in spaces_for(input_shape)
    with pytest.raises(SpaceError, match=reason):
        space.draw(FixedTrial({}), input_shape, 10)


def test_features_and_images_are_offered_what_suits() -> None:
    """Seven features get the two perceptrons, digits everything."""
    assert [space.name for space in spaces_for((7,))] == ["mlp", "autokeras_dense"]
    assert spaces_for(DIGITS) == SPACES


def test_a_classifier_has_two_classes_at_least() -> None:
    """One output is refused before anything is built."""
    with pytest.raises(SpaceError, match="at least 2 outputs, got 1"):
        find_space("mlp").draw(FixedTrial({}), (7,), 1)


def test_reading_the_catalog_imports_no_framework() -> None:
    """Names, reasons and anchors are known without TensorFlow."""
    code = (
        "import sys, spaces.catalog as c\n"
        "assert all(s.anchors((8, 8, 1)) and s.accepts((8, 8, 1)) is None for s in c.SPACES)\n"
        "print(sorted({'tensorflow', 'keras', 'tf_keras', 'autokeras', 'keras_tuner', 'optuna'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
