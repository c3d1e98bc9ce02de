from __future__ import annotations

import math

import numpy as np
import pytest
from optuna.trial import FixedTrial

from compressors.layers import Conv2D, DepthwiseConv2D, Pooling2D, Shape
from compressors.network import topology_of, weights_of
from spaces.birth import birth
from spaces.candidate import Architecture
from spaces.catalog import find_space, spaces_for
from spaces.errors import SpaceError
from tests.spaces.conftest import Draws


@pytest.mark.parametrize("n_outputs", [2, 10])
@pytest.mark.parametrize(
    "input_shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (12, 20, 2), (7,), (40, 1, 3), (30, 10, 1)], ids=str
)
def test_every_space_is_born_equal_to_what_was_drawn(input_shape: Shape, n_outputs: int, random_trials: Draws) -> None:
    """The tf_keras network has the drawn topology and gives probabilities; birth itself checks the outputs agree."""
    spaces = spaces_for(input_shape)
    assert spaces
    for space, trial in zip(spaces, random_trials(len(spaces), n_outputs), strict=True):
        drawn = space.draw(trial, input_shape, n_outputs)
        network = birth(drawn.architecture, input_shape, n_outputs, seed=3)
        assert topology_of(network) == drawn.topology, space.name
        output = np.asarray(network(np.ones((2, *input_shape), np.float32)))
        assert output.shape == (2, n_outputs)
        np.testing.assert_allclose(output.sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize(("name", "shape"), [("autoencoder", (9,)), ("autoencoder", (20, 1, 2)), ("ds_cnn", (8, 8, 1))])
def test_a_linear_head_is_born_too(name: str, shape: Shape, random_trials: Draws) -> None:
    """What comes out is below zero, too: no softmax and no ReLU is behind the last dense layer."""
    n_outputs = math.prod(shape) if name == "autoencoder" else 2
    drawn = find_space(name).draw(random_trials(1, 4)[0], shape, n_outputs, head="linear")
    network = birth(drawn.architecture, shape, n_outputs, seed=3, head="linear")
    assert topology_of(network) == drawn.topology
    output = np.asarray(network(np.random.default_rng(0).normal(size=(64, *shape)).astype(np.float32)))
    assert output.shape == (64, n_outputs)
    assert output.min() < 0


@pytest.mark.parametrize("input_shape", [(4, 4, 1), (96, 96, 3), (4, 40, 3), (128, 1, 3)], ids=str)
def test_spatial_size_is_respected_at_the_extremes(input_shape: Shape, random_trials: Draws) -> None:
    """Nothing strides over at most 2 x 2, and our blocks shrink a large image in their first layer."""
    names = [space.name for space in spaces_for(input_shape) if not space.name.startswith("autokeras")]
    for name, trial in zip(names * 2, random_trials(2 * len(names), 11), strict=True):
        topology = find_space(name).draw(trial, input_shape, 4).topology
        shapes = topology.shapes()
        for layer in topology.layers:
            if isinstance(layer.spec, Conv2D | DepthwiseConv2D) and layer.spec.strides != (1, 1):
                assert max(shapes[layer.inputs[0]][:2]) > 2, name
        if input_shape[0] == 96:
            first = topology.layers[1]
            assert isinstance(first.spec, Conv2D | Pooling2D)
            assert max(shapes[first.name][:2]) <= 48, name


def test_the_seed_alone_decides_the_weights(random_trials: Draws) -> None:
    """The same seed gives the same weights after other networks were born; another seed gives others."""
    shape, space = (8, 8, 1), find_space("residual")
    drawn = space.draw(random_trials(1, 2)[0], shape, 10)
    first = weights_of(birth(drawn.architecture, shape, 10, seed=5))
    other = weights_of(birth(drawn.architecture, shape, 10, seed=6))
    again = weights_of(birth(drawn.architecture, shape, 10, seed=5))
    for name, arrays in first.items():
        for one, same in zip(arrays, again[name], strict=True):
            np.testing.assert_array_equal(one, same)
    assert any(not np.array_equal(first[name][0], other[name][0]) for name in first)


def test_an_architecture_of_another_input_is_refused() -> None:
    """Both ways: values that are missing, and values that have no use."""
    mlp = find_space("mlp")
    image = mlp.draw(FixedTrial(dict(mlp.anchors((28, 28, 1))[1])), (28, 28, 1), 2).architecture
    with pytest.raises(SpaceError, match="'mlp/shrink' is recorded as 4, which is not offered here"):
        birth(image, (7,), 2, seed=0)
    features = mlp.draw(FixedTrial(dict(mlp.anchors((7,))[1])), (7,), 2).architecture
    more = Architecture.of("mlp", {**features.as_mapping(), "mlp/units_5": 4})
    with pytest.raises(SpaceError, match="mlp has no use for mlp/units_5"):
        birth(more, (7,), 2, seed=0)
    fewer = {name: value for name, value in features.values if name != "mlp/units_0"}
    with pytest.raises(SpaceError, match="no value for 'mlp/units_0' is recorded"):
        birth(Architecture.of("mlp", fewer), (7,), 2, seed=0)


def test_a_network_that_disagrees_is_not_born(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outputs are really compared: a network that keeps weights of its own is refused."""
    monkeypatch.setattr("compressors.network.set_weights", lambda network, weights: None)
    space = find_space("residual")
    architecture = space.draw(FixedTrial(dict(space.anchors((8, 8, 1))[-1])), (8, 8, 1), 10).architecture
    with pytest.raises(SpaceError, match="the tf_keras network differs by"):
        birth(architecture, (8, 8, 1), 10, seed=0)
