"""Conformance of every search space: drawn, replayed, sized."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from optuna.trial import FixedTrial

from compressors.layers import Activation, Conv2D, Dense, DepthwiseConv2D, Pooling2D, Shape
from compressors.lower import lower
from devices.boards import load_device
from devices.measure import footprint
from devices.slim import predicted_bytes
from spaces.catalog import SPACES, GraphSpace, find_space, spaces_for
from spaces.errors import SpaceError
from tests.spaces.conftest import Draws, RandomDraws, drawn_from, ending, weights

DIGITS: Shape = (8, 8, 1)
SERIES: Shape = (150, 1, 1)
EVERY_KIND: tuple[Shape, ...] = (
    *((28, 28, 1), (96, 96, 3), (4, 40, 1)),  # images, square and flat
    *(SERIES, (128, 1, 6), (29, 1, 12), (8, 1, 9), (1500, 1, 1)),
    *((49, 10, 1), (61, 40, 1)),  # spectrograms
    *((5,), (7,), (600,)),
)
EVERY_SPACE = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)


@EVERY_SPACE
def test_a_draw_replays_whatever_was_built_before(space: GraphSpace, random_draws: RandomDraws) -> None:
    """Fixed trials of 30 random draws, replayed backwards among other graphs, give the equal records."""
    for parameters, drawn in reversed(random_draws(space.name, DIGITS)):
        assert drawn_from(space.name, FixedTrial(dict(parameters)), DIGITS) == drawn


@EVERY_SPACE
def test_names_carry_the_space(space: GraphSpace, random_draws: RandomDraws) -> None:
    """No two spaces share a parameter, so one study can hold them all."""
    for parameters, drawn in random_draws(space.name, DIGITS):
        assert parameters
        assert all(name.startswith(f"{space.name}/") for name in parameters)
        assert drawn.architecture.space == space.name
        assert {name for name, _ in drawn.architecture.values} == {name.removesuffix("#") for name in parameters}


@EVERY_SPACE
def test_draws_differ_and_end_as_they_should(space: GraphSpace, random_draws: RandomDraws) -> None:
    """Thirty random draws are at least ten networks, all from the input to ten classes or back to the input."""
    n_outputs, head = ending(space.name, DIGITS)
    draws = [drawn for _, drawn in random_draws(space.name, DIGITS)]
    assert len({drawn.topology.digest() for drawn in draws}) >= 10
    for drawn in draws:
        assert drawn.topology.input_shape == DIGITS
        assert drawn.topology.output_shape == (n_outputs,)
        last = Activation(function="softmax") if head == "softmax" else Dense(units=n_outputs)
        assert drawn.topology.layers[-1].spec == last


@EVERY_SPACE
def test_a_linear_head_is_the_same_network_without_the_softmax(space: GraphSpace, random_draws: RandomDraws) -> None:
    """For values to be predicted: the parameters are the same, and only the softmax is gone."""
    parameters, drawn = random_draws(space.name, DIGITS)[0]
    n_outputs, _ = ending(space.name, DIGITS)
    linear = space.draw(FixedTrial(dict(parameters)), DIGITS, n_outputs, head="linear")
    assert linear.architecture == drawn.architecture
    kept = [layer for layer in drawn.topology.layers if layer.spec != Activation(function="softmax")]
    assert list(linear.topology.layers) == kept
    if not space.reconstructs:
        assert space.draw(FixedTrial(dict(parameters)), DIGITS, 1, head="linear").topology.output_shape == (1,)


@EVERY_SPACE
def test_draws_have_the_size_of_a_microcontroller(space: GraphSpace, random_draws: RandomDraws) -> None:
    """For 8 x 8 inputs most draws have 100 to 15,000 weights, and the median is within 1,000 to 7,000."""
    sizes = [weights(drawn.topology) for _, drawn in random_draws(space.name, DIGITS)]
    assert np.mean([100 <= size <= 15_000 for size in sizes]) >= 0.7
    assert 1_000 <= np.median(sizes) <= 7_000


@EVERY_SPACE
def test_anchors_are_complete_and_start_with_the_smallest(space: GraphSpace, random_draws: RandomDraws) -> None:
    """A fixed trial needs nothing more, and no random draw is smaller than the first anchor."""
    sizes = [weights(drawn_from(space.name, FixedTrial(dict(a)), DIGITS).topology) for a in space.anchors(DIGITS)]
    assert len(set(sizes)) == len(sizes) >= 3
    assert sizes[0] == min(sizes)
    assert sizes[0] <= min(weights(drawn.topology) for _, drawn in random_draws(space.name, DIGITS))


@pytest.mark.parametrize("input_shape", EVERY_KIND, ids=str)
def test_anchors_suit_every_input(input_shape: Shape) -> None:
    """Wherever a space is accepted its anchors can be drawn, and are distinct networks in growing size at the ends."""
    for space in SPACES:
        drawn = [
            drawn_from(space.name, FixedTrial(dict(anchor)), input_shape, 2) for anchor in space.anchors(input_shape)
        ]
        sizes = [weights(one.topology) for one in drawn]
        assert len(set(sizes)) == len(sizes), space.name
        assert not sizes or sizes[0] == min(sizes), space.name


@pytest.mark.parametrize("input_shape", [(4, 40, 1), SERIES, (8, 1, 9), (49, 10, 1)], ids=str)
@pytest.mark.parametrize("space", [space for space in SPACES if space.name != "autokeras_conv"], ids=lambda s: s.name)
def test_no_window_reaches_beyond_its_axis(space: GraphSpace, input_shape: Shape, random_trials: Draws) -> None:
    """No kernel has taps that only meet padding, and nothing is pooled along an axis of length 1; AutoKeras' may."""
    if space.accepts(input_shape):
        return
    for trial in random_trials(6, 13):
        topology = drawn_from(space.name, trial, input_shape).topology
        shapes = topology.shapes()
        for layer in topology.layers:
            if not isinstance(layer.spec, Conv2D | DepthwiseConv2D | Pooling2D):
                continue
            window = layer.spec.size if isinstance(layer.spec, Pooling2D) else layer.spec.kernel
            for side, taps in zip(shapes[layer.inputs[0]][:2], window, strict=True):
                assert taps <= 2 * side - 1, (layer, shapes[layer.inputs[0]])


@pytest.mark.parametrize("input_shape", EVERY_KIND, ids=str)
def test_a_board_of_32_kb_holds_every_space_that_suits(input_shape: Shape) -> None:
    """The smallest anchor, and of series, spectrograms and tables three, fit 32 kB of RAM and 128 kB of flash."""
    board = load_device("nucleo-l432kc")
    for space in spaces_for(input_shape):
        fits = []
        for anchor in space.anchors(input_shape):
            graph = lower(drawn_from(space.name, FixedTrial(dict(anchor)), input_shape).topology)
            cost = footprint(graph, board, predicted_bytes(graph))
            fits.append(cost.ram_bytes <= 32 * 1024 and cost.flash_bytes <= 128 * 1024)
        assert fits[0], space.name
        if len(input_shape) == 1 or input_shape[0] > input_shape[1]:
            assert sum(fits) >= 3, space.name


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


@pytest.mark.parametrize("name", ["cnn", "ds_cnn", "residual", "inverted_residual"])
def test_a_spectrogram_may_keep_its_bands(name: str) -> None:
    """Averaged over time alone, and asked of no other input; a larger anchor does so, the smallest does not."""
    space = find_space(name)

    def heights(anchor: int, shape: Shape) -> tuple[str, ...]:
        trial = FixedTrial(dict(space.anchors(shape)[anchor]))
        drawn = space.draw(trial, shape, 10)
        assert (f"{name}/keeps_bands" in trial.params) is (shape != (28, 28, 1))
        return tuple(type(layer.spec).__name__ for layer in drawn.topology.layers)

    assert "Flatten" not in heights(0, (49, 24, 1))
    assert "Flatten" in heights(-1, (49, 24, 1))
    assert "Flatten" not in heights(-1, (28, 28, 1))


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
        ("autokeras_conv", (150, 1, 1), "square"),
        ("temporal_cnn", (7,), "time, 1, channels"),
        ("temporal_cnn", (1, 128, 3), "the first axis is time"),
        ("temporal_cnn", (160, 1, 200), "numbers a time step"),
        ("temporal_cnn", (48_000, 1, 1), "take shorter"),
        ("mlp", (20_000, 1, 9), "more than 4096 inputs"),
        ("autoencoder", (1,), "cannot be squeezed"),
        ("autoencoder", (5_000,), "more than 4096 inputs"),
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


_FOR_IMAGES = ["cnn", "ds_cnn", "inverted_residual", "residual", "mlp", "autokeras_conv", "autokeras_dense"]


@pytest.mark.parametrize(
    ("input_shape", "names"),
    [
        ((7,), ["mlp", "autokeras_dense"]),
        (DIGITS, _FOR_IMAGES),
        ((96, 64, 3), ["cnn", "ds_cnn", "inverted_residual", "residual", "mlp"]),
        (SERIES, ["residual", "temporal_cnn", "mlp", "autokeras_dense"]),
        ((1, 128, 3), ["cnn", "ds_cnn", "inverted_residual", "residual", "mlp", "autokeras_dense"]),
        ((49, 10, 1), sorted([*_FOR_IMAGES, "temporal_cnn"])),
        ((61, 40, 1), sorted([*_FOR_IMAGES, "temporal_cnn"])),
    ],
    ids=str,
)
def test_every_kind_of_data_is_offered_what_suits(input_shape: Shape, names: list[str]) -> None:
    """In catalogue order; autoencoders are offered by themselves, where the input is to be given back."""
    found = [space.name for space in spaces_for(input_shape)]
    assert sorted(found) == sorted(names)
    assert found == [space.name for space in SPACES if space.name in names]
    assert all(space.reconstructs for space in spaces_for(input_shape, reconstructs=True))


def test_what_is_left_out_of_a_default_may_be_asked_for() -> None:
    """A plain CNN takes a series, and temporal convolutions an image, for those who name them."""
    assert find_space("cnn").accepts(SERIES) is None
    assert "longer kernels" in str(find_space("cnn").leaves(SERIES))
    assert find_space("temporal_cnn").accepts((28, 28, 1)) is None
    assert "image" in str(find_space("temporal_cnn").leaves((28, 28, 1)))
    assert [space.name for space in spaces_for((600,), reconstructs=True)] == ["autoencoder"]


def test_an_autoencoder_gives_its_input_back() -> None:
    """Any other head or number of outputs is refused."""
    space = find_space("autoencoder")
    trial = FixedTrial(dict(space.anchors((7,))[1]))
    assert space.draw(trial, (7,), 7, head="linear").topology.output_shape == (7,)
    for n_outputs, head in ((7, "softmax"), (3, "linear")):
        with pytest.raises(SpaceError, match=f"gives its 7 inputs back.*not a {head} of {n_outputs}"):
            space.draw(trial, (7,), n_outputs, head=head)  # type: ignore[arg-type]  # the literals of a loop


def test_a_classifier_has_two_classes_at_least() -> None:
    """One output is refused before anything is built."""
    with pytest.raises(SpaceError, match="at least 2 outputs, got 1"):
        find_space("mlp").draw(FixedTrial({}), (7,), 1)
    with pytest.raises(SpaceError, match="at least 1 output, got 0"):
        find_space("mlp").draw(FixedTrial({}), (7,), 0, head="linear")


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
