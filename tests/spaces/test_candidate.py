from __future__ import annotations

import math
from typing import Any

import pytest

from compressors.layers import Dense, Input
from compressors.topology import Layer, Topology
from spaces.candidate import Architecture, TrainingRecipe, candidate_key
from spaces.errors import SpaceError

RECIPE = TrainingRecipe(epochs=3, batch_size=32, learning_rate=0.01)


def dense(units: int, name: str = "dense_1") -> Topology:
    """One dense layer on four features."""
    return Topology(
        layers=(
            Layer(name="input", spec=Input(shape=(4,))),
            Layer(name=name, spec=Dense(units=units), inputs=("input",)),
        )
    )


def test_an_architecture_does_not_depend_on_the_order_of_its_values() -> None:
    """Equal values give equal, equally hashed records."""
    one = Architecture.of("cnn", {"cnn/layers": 2, "cnn/filters_0": 8})
    other = Architecture.of("cnn", {"cnn/filters_0": 8, "cnn/layers": 2})
    assert one == other
    assert hash(one) == hash(other)
    assert one.as_mapping() == {"cnn/filters_0": 8, "cnn/layers": 2}


@pytest.mark.parametrize(
    ("space", "values", "message"),
    [
        ("", (), "the name is empty"),
        ("cnn", (("b", 1), ("a", 1)), "sorted by name"),
        ("cnn", (("a", 1), ("a", 2)), "each once"),
        ("cnn", (("a", math.nan),), "'a' is nan: only finite numbers"),
        ("cnn", (("a", math.inf),), "'a' is inf"),
        ("cnn", (("a", (1, 2)),), r"'a' is \(1, 2\)"),
    ],
)
def test_a_wrong_architecture_is_refused(space: str, values: Any, message: str) -> None:
    """Records are validated at birth."""
    with pytest.raises(SpaceError, match=message):
        Architecture(space=space, values=values)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("shift", -1),
        ("learning_rate", 0.0),
        ("learning_rate", 1.5),
        ("learning_rate", math.nan),
    ],
)
def test_a_recipe_out_of_range_is_refused(field: str, value: float) -> None:
    """The error names the field and its value."""
    fields: dict[str, Any] = {"epochs": 1, "batch_size": 1, "learning_rate": 0.1, field: value}
    with pytest.raises(SpaceError, match=f"{field} is {value}"):
        TrainingRecipe(**fields)


def test_the_key_tells_apart_all_that_changes_the_artifact() -> None:
    """Layer names and key order do not count; structure, plan and every recipe field do."""
    plan = {"quantization": {"granularity": "channel"}, "structured_pruning": {"filters": 0.25, "neurons": 0.0}}
    key = candidate_key(dense(3), plan, RECIPE)
    assert key == candidate_key(dense(3, "renamed"), {name: plan[name] for name in reversed(plan)}, RECIPE)
    assert len(key) == 64
    others = {
        candidate_key(dense(4), plan, RECIPE),
        candidate_key(dense(3), {"quantization": {"granularity": "tensor"}}, RECIPE),
        candidate_key(dense(3), plan, TrainingRecipe(epochs=4, batch_size=32, learning_rate=0.01)),
        candidate_key(dense(3), plan, TrainingRecipe(epochs=3, batch_size=16, learning_rate=0.01)),
        candidate_key(dense(3), plan, TrainingRecipe(epochs=3, batch_size=32, learning_rate=0.02)),
        candidate_key(dense(3), plan, TrainingRecipe(epochs=3, batch_size=32, learning_rate=0.01, shift=1)),
    }
    assert len(others | {key}) == 7
    assert candidate_key(dense(3), plan, RECIPE, "") == key
    assert len({key, *(candidate_key(dense(3), plan, RECIPE, teacher) for teacher in ("one", "another"))}) == 3
