from __future__ import annotations

import pytest
from optuna.trial import FixedTrial

from compressors.catalog import COMPRESSORS, find
from compressors.plan import CompressionPlan, PlanError
from spaces.compression import draw_plan
from tests.spaces.conftest import Draws


def test_a_plan_is_drawn_under_the_names_of_techniques_and_fields() -> None:
    """Ordered values are an index, others a category."""
    techniques = (find("structured_pruning"), find("quantization"))
    trial = FixedTrial(
        {"structured_pruning/filters#": 2, "structured_pruning/neurons#": 0, "quantization/granularity": "tensor"}
    )
    plan = draw_plan(trial, techniques).as_mapping()
    assert plan["structured_pruning"]["filters"] == find("structured_pruning").hyperparameters[0].values[2]
    assert plan["quantization"]["granularity"] == "tensor"


def test_what_changes_nothing_is_left_out() -> None:
    """A share of nothing pruned is no step."""
    trial = FixedTrial(
        {"structured_pruning/filters#": 0, "structured_pruning/neurons#": 0, "quantization/granularity": "channel"}
    )
    assert list(draw_plan(trial, (find("structured_pruning"), find("quantization"))).as_mapping()) == ["quantization"]


def test_every_random_plan_is_valid_and_replays(random_trials: Draws) -> None:
    """Over all techniques, forty draws give plans that their parameters give again."""
    plans: list[CompressionPlan] = []
    for trial in random_trials(40, 5):
        plan = draw_plan(trial, COMPRESSORS)
        assert draw_plan(FixedTrial(trial.params), COMPRESSORS) == plan
        assert CompressionPlan.from_mapping(plan.as_mapping()) == plan
        plans.append(plan)
    assert len(set(plans)) > 5


def test_a_plan_needs_a_quantisation() -> None:
    """Techniques that make no file are refused by the plan's own rule."""
    with pytest.raises(PlanError, match="quantises exactly once"):
        draw_plan(
            FixedTrial({"structured_pruning/filters#": 1, "structured_pruning/neurons#": 1}),
            (find("structured_pruning"),),
        )
