from __future__ import annotations

import pytest
from optuna.trial import FixedTrial

from spaces.errors import SpaceError
from spaces.trial import ordered_parameter, suggest_ordered, suggest_unordered


@pytest.mark.parametrize("value", [4, 8, 32])
def test_an_ordered_value_is_drawn_as_its_index(value: int) -> None:
    """`ordered_parameter` names exactly what `suggest_ordered` asks for."""
    parameters = ordered_parameter("a/width", value, (4, 8, 32))
    assert parameters == {"a/width#": (4, 8, 32).index(value)}
    assert suggest_ordered(FixedTrial(dict(parameters)), "a/width", (4, 8, 32)) == value


def test_an_unordered_value_is_drawn_by_its_name() -> None:
    """Categories keep the plain name."""
    assert suggest_unordered(FixedTrial({"a/kind": "max"}), "a/kind", ("average", "max")) == "max"


def test_a_single_value_is_not_drawn() -> None:
    """Neither helper asks the trial when there is nothing to choose."""
    trial = FixedTrial({})
    assert suggest_ordered(trial, "a", (3,)) == 3
    assert suggest_unordered(trial, "b", ("x",)) == "x"
    assert ordered_parameter("a", 3, (3,)) == {}
    assert trial.params == {}


def test_a_value_that_is_not_offered_is_refused() -> None:
    """The error says what may be chosen."""
    with pytest.raises(SpaceError, match=r"a/width cannot be 5: choose one of 4, 8"):
        ordered_parameter("a/width", 5, (4, 8))
