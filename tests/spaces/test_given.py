"""The space of one network: nothing is drawn, and only its own inputs and outputs are taken."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras
from optuna.trial import FixedTrial

from compressors.layers import Dense, Input
from compressors.network import weights_of
from compressors.topology import Layer, Topology
from spaces.errors import SpaceError
from spaces.given import GivenNetwork, GivenSpace, tuning_recipe


@pytest.fixture(scope="module")
def network() -> GivenNetwork:
    topology = Topology(
        layers=(
            Layer(name="in", spec=Input(shape=(4,))),
            Layer(name="out", spec=Dense(units=2, activation="softmax"), inputs=("in",)),
        )
    )
    rng = np.random.default_rng(0)
    weights = {"out": (rng.normal(size=(4, 2)).astype(np.float32), rng.normal(size=2).astype(np.float32))}
    return GivenNetwork(topology=topology, weights=weights)


def test_the_network_comes_with_its_weights(network: GivenNetwork) -> None:
    """Built twice it is equal, and it is a tf_keras network."""
    built = network.build()
    assert isinstance(built, tf_keras.Model)
    assert all(np.array_equal(a, b) for a, b in zip(weights_of(built)["out"], network.weights["out"], strict=True))


def test_every_draw_is_the_network(network: GivenNetwork) -> None:
    """No parameter of a trial is asked for; the architecture names the network by its digest."""
    drawn = GivenSpace(network=network).draw(FixedTrial({}), (4,), 2)
    assert drawn.topology == network.topology
    assert drawn.architecture.space == "given"
    assert drawn.architecture.as_mapping() == {"network": network.digest()[:16]}


def test_other_data_are_refused(network: GivenNetwork) -> None:
    """Inputs of another shape, and another number of classes."""
    space = GivenSpace(network=network)
    assert space.accepts((4,)) is None
    assert space.anchors((5,)) == ()
    with pytest.raises(SpaceError, match=r"inputs of shape \(5,\): the network takes inputs of shape \(4,\)"):
        space.draw(FixedTrial({}), (5,), 2)
    with pytest.raises(SpaceError, match=r"outputs of shape \(2,\), not \(3,\)"):
        space.draw(FixedTrial({}), (4,), 3)


def test_the_recipe_is_fixed() -> None:
    """About 1,200 steps unless the job says how many epochs."""
    recipe = tuning_recipe(3200)
    assert recipe.epochs * 100 == 1200
    assert tuning_recipe(3200, 3).epochs == 3
    assert recipe.shift == 0
