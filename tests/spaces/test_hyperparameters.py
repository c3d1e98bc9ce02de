from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras_tuner
import pytest
from optuna.trial import FixedTrial

from compressors.compressor import Value
from spaces.errors import SpaceError
from spaces.hyperparameters import OptunaHyperParameters, ReplayedHyperParameters
from tests.spaces.conftest import Draws


def ask(hp: keras_tuner.HyperParameters) -> dict[str, Any]:
    """One hyperparameter of every kind, with scopes and a condition."""
    with hp.name_scope("net"):
        found = {
            "width": hp.Choice("width", [4, 8, 16]),
            "rate": hp.Choice("rate", [0.0, 0.5]),
            "kind": hp.Choice("kind", ["average", "max"]),
            "single": hp.Choice("single", [7]),
            "norm": hp.Boolean("norm"),
            "depth": hp.Int("depth", 1, 4),
            "even": hp.Int("even", 2, 8, step=2),
            "log_int": hp.Int("log_int", 1, 100, sampling="log"),
            "grid": hp.Int("grid", 2, 32, step=2, sampling="log"),
            "share": hp.Float("share", 0.0, 1.0),
            "stepped": hp.Float("stepped", 0.0, 1.0, step=0.25),
            "log": hp.Float("log", 1e-3, 1e-1, sampling="log"),
            "fixed": hp.Fixed("fixed", "x"),
        }
        with hp.conditional_scope("kind", ["max"]):
            found["window"] = hp.Int("window", 2, 3)
    return found


PARAMETERS: Mapping[str, Any] = {
    "p/net/width#": 2,
    "p/net/rate#": 1,
    "p/net/kind": "max",
    "p/net/norm": True,
    "p/net/depth": 3,
    "p/net/even": 6,
    "p/net/log_int": 10,
    "p/net/grid#": 4,
    "p/net/share": 0.3,
    "p/net/stepped": 0.75,
    "p/net/log": 1e-2,
    "p/net/window": 3,
}
VALUES: dict[str, Value] = {
    "width": 16,
    "rate": 0.5,
    "kind": "max",
    "single": 7,
    "norm": True,
    "depth": 3,
    "even": 6,
    "log_int": 10,
    "grid": 32,
    "share": 0.3,
    "stepped": 0.75,
    "log": 1e-2,
    "fixed": "x",
    "window": 3,
}


def test_every_kind_is_drawn_under_its_name() -> None:
    """The trial is asked for exactly these parameters, and its answers become the values."""
    trial = FixedTrial(dict(PARAMETERS))
    hyperparameters = OptunaHyperParameters(trial, prefix="p/")
    assert ask(hyperparameters) == VALUES
    assert trial.params == PARAMETERS
    assert hyperparameters.drawn() == {f"net/{name}": value for name, value in VALUES.items()}


def test_distributions_are_ordered_and_logarithmic() -> None:
    """Samplers see an index for ordered choices and a log scale where one was asked for."""
    trial = FixedTrial(dict(PARAMETERS))
    ask(OptunaHyperParameters(trial, prefix="p/"))
    distributions: Mapping[str, Any] = trial.distributions
    assert (distributions["p/net/width#"].low, distributions["p/net/width#"].high) == (0, 2)
    assert (distributions["p/net/grid#"].low, distributions["p/net/grid#"].high) == (0, 4)
    assert distributions["p/net/log_int"].log
    assert distributions["p/net/log"].log
    assert distributions["p/net/even"].step == 2
    assert math.isclose(distributions["p/net/stepped"].step, 0.25)


def test_an_inactive_branch_is_never_drawn() -> None:
    """A hyperparameter whose condition does not hold is None, unknown to the trial and not recorded."""
    trial = FixedTrial({**PARAMETERS, "p/net/kind": "average"})
    hyperparameters = OptunaHyperParameters(trial, prefix="p/")
    assert ask(hyperparameters)["window"] is None
    assert "p/net/window" not in trial.params
    assert "net/window" not in hyperparameters.drawn()


def test_pinned_values_are_neither_drawn_nor_recorded() -> None:
    """A pinned value is what the builder gets, whatever the trial would say."""
    trial = FixedTrial(dict(PARAMETERS))
    hyperparameters = OptunaHyperParameters(trial, prefix="p/", pinned={"net/width": 4})
    assert ask(hyperparameters)["width"] == 4
    assert "p/net/width#" not in trial.params
    assert "net/width" not in hyperparameters.drawn()


def test_a_name_asked_twice_is_drawn_once(random_trials: Draws) -> None:
    """AutoKeras asks for some names once a layer; all get the same answer."""
    (trial,) = random_trials(1, 0)
    hyperparameters = OptunaHyperParameters(trial)
    first = hyperparameters.Choice("a", list(range(100)))
    assert [hyperparameters.Choice("a", list(range(100))) for _ in range(3)] == [first] * 3
    assert list(trial.params) == ["a#"]


def test_what_cannot_be_drawn_is_refused() -> None:
    """Reversed logarithms have no distribution in Optuna; the error says what to use."""
    with pytest.raises(SpaceError, match="sampling 'reverse_log' cannot be drawn; use 'linear' or 'log'"):
        OptunaHyperParameters(FixedTrial({})).Float("x", 1.0, 2.0, sampling="reverse_log")


def test_a_replay_gives_what_was_drawn(random_trials: Draws) -> None:
    """For twenty random draws the recorded values give the same answers, and all of them are used."""
    for trial in random_trials(20, 1):
        drawing = OptunaHyperParameters(trial)
        answers = ask(drawing)
        replaying = ReplayedHyperParameters(drawing.drawn())
        assert ask(replaying) == answers
        assert replaying.drawn() == drawing.drawn()
        assert replaying.unused() == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"net/width": 5}, "'net/width' is recorded as 5, which is not offered here"),
        ({"net/depth": 9}, "'net/depth' is recorded as 9"),
        ({"net/norm": 3}, "'net/norm' is recorded as 3"),
        ({"net/share": "much"}, "'net/share' is recorded as 'much'"),
        ({"net/fixed": "y"}, "'net/fixed' is recorded as 'y'"),
    ],
)
def test_a_replay_refuses_values_that_are_not_offered(change: Mapping[str, Value], message: str) -> None:
    """A record from another version cannot give a network that was never drawn."""
    recorded = {**{f"net/{name}": value for name, value in VALUES.items()}, **change}
    with pytest.raises(SpaceError, match=message):
        ask(ReplayedHyperParameters(recorded))


def test_a_replay_refuses_a_missing_name_and_tells_unused_ones() -> None:
    """No default stands in for what was not recorded."""
    recorded: dict[str, Value] = {f"net/{name}": value for name, value in VALUES.items()}
    del recorded["net/depth"]
    with pytest.raises(SpaceError, match="no value for 'net/depth' is recorded"):
        ask(ReplayedHyperParameters(recorded))
    more = ReplayedHyperParameters({"net/depth": 2, "other": 1})
    with more.name_scope("net"):
        assert more.Int("depth", 1, 4) == 2
    assert more.unused() == ("other",)
