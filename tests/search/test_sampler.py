"""What the strategies share: stages of compression are drawn sparingly at random, and anew in a branch."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial

from search.sampler import CandidateSampler

STAGES = {"pruning": True, "weights": False}
CHOICES = CategoricalDistribution(("none", "one", "two"))


def study(strategy: str, *, told: int = 0, seed: int = 0) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    made = optuna.create_study(
        directions=["maximize", "minimize"],
        sampler=CandidateSampler(strategy, seed, frozenset({"one", "two"}), STAGES),
    )
    for number in range(told):
        parameters: dict[str, Any] = {"space": "a", "pruning": "two"}
        made.add_trial(
            create_trial(
                state=TrialState.COMPLETE,
                params=parameters,
                distributions={"space": CategoricalDistribution(("a", "b")), "pruning": CHOICES},
                values=[0.9 + number / 1e4, 1.0 + number],
            )
        )
    return made


def draws(made: optuna.Study, name: str, n: int) -> list[str]:
    return [str(made.ask().suggest_categorical(name, CHOICES.choices)) for _ in range(n)]


@pytest.mark.parametrize("strategy", ["tpe", "random"])
def test_a_stage_is_left_out_two_times_in_three(strategy: str) -> None:
    """Of 300 random draws about 200 are none, and the techniques share the rest; the same again for the same seed."""
    found = draws(study(strategy), "pruning", 300)
    assert 170 < found.count("none") < 230
    assert 30 < found.count("one") < 70
    assert found == draws(study(strategy), "pruning", 300)
    assert found != draws(study(strategy, seed=1), "pruning", 300)


def test_other_parameters_are_drawn_evenly() -> None:
    """So are stages that are drawn only where the file is coded."""
    for name in ("weights", "space"):
        assert 60 < draws(study("random"), name, 300).count("none") < 140


def test_the_strategy_decides_once_it_knows() -> None:
    """After the random start TPE may use a stage as often as the good trials did: here, in all of them."""
    found = draws(study("tpe", told=40), "pruning", 40)
    assert found.count("none") < 20


def test_a_branch_draws_the_stages_anew() -> None:
    """Every third trial takes a front point's network; whether it is pruned is not the front point's."""
    made = study("random", told=9)
    drawn = []
    for _ in range(60):
        trial = made.ask()
        space = trial.suggest_categorical("space", ("a", "b"))
        technique = trial.suggest_categorical("pruning", CHOICES.choices)
        if trial.number % 3 == 0:
            drawn.append((space, technique))
    assert {space for space, _ in drawn} == {"a"}
    assert {technique for _, technique in drawn} == {"none", "one", "two"}
