from __future__ import annotations

from typing import Any

import pytest
from optuna.trial import FixedTrial

from compressors.catalog import COMPRESSORS, find
from compressors.compressor import Compressor, Stage
from compressors.plan import CompressionPlan, PlanError
from spaces.compression import draw_plan, plan_parameters, stage_parameters
from tests.spaces.conftest import Draws

PRUNING, INT8 = find("structured_pruning"), find("quantization")
QUANTIZED = {"quantization/granularity": "channel", "quantization/weight_bits#": 0}


def some(*names: str) -> tuple[Compressor[Any], ...]:
    return (*(find(name) for name in names), INT8)


def drawn(parameters: dict[str, Any], *names: str) -> dict[str, Any]:
    """The plan as a mapping."""
    return draw_plan(FixedTrial({**parameters, **QUANTIZED}), some(*names)).as_mapping()


def test_a_plan_is_drawn_under_the_names_of_techniques_and_fields() -> None:
    """Ordered values are an index, others a category."""
    parameters = {
        "structured_pruning": "structured_pruning",
        "structured_pruning/filters#": 2,
        "structured_pruning/neurons#": 0,
        **QUANTIZED,
        "quantization/granularity": "tensor",
    }
    plan = draw_plan(FixedTrial(parameters), (PRUNING, INT8)).as_mapping()
    assert plan["structured_pruning"]["filters"] == PRUNING.hyperparameters[0].values[2]
    assert plan["quantization"]["granularity"] == "tensor"


def test_a_stage_may_have_none() -> None:
    """Then nothing of its techniques is drawn; quantisation is never left out, and its name is not drawn."""
    assert list(drawn({"structured_pruning": "none"}, "structured_pruning")) == ["quantization"]


def test_what_changes_nothing_is_left_out() -> None:
    """A share of nothing pruned is no step."""
    parameters = {
        "structured_pruning": "structured_pruning",
        "structured_pruning/filters#": 0,
        "structured_pruning/neurons#": 0,
    }
    assert list(drawn(parameters, "structured_pruning")) == ["quantization"]


def test_one_technique_a_stage_is_drawn() -> None:
    """Of three techniques of one stage the one that is named, and none of the settings of the others."""
    names = ("magnitude_pruning", "gradient_pruning", "sensitivity_pruning")
    found = drawn({"weight_pruning": "sensitivity_pruning", "sensitivity_pruning/sparsity#": 0}, *names)
    assert list(found) == ["sensitivity_pruning", "quantization"]
    assert drawn({"weight_pruning": "none"}, *names).keys() == {"quantization"}


def test_values_that_are_off_are_not_drawn() -> None:
    """For that there is ``none``: index 0 is the weakest value that does something."""
    parameters = {"distillation": "distillation", "distillation/alpha#": 0, "distillation/temperature#": 0}
    found = drawn(parameters, "distillation")
    assert found["distillation"]["alpha"] == 0.7
    strongest = plan_parameters(some("distillation"), strongest=True)
    assert strongest["distillation/alpha#"] == 2


def test_zeros_and_clusters_are_drawn_where_the_file_is_coded() -> None:
    """An uncoded file is no smaller for them; without any coding technique they are what was asked for."""
    sparse = {"weight_pruning": "magnitude_pruning", "magnitude_pruning/sparsity#": 1}
    names = ("magnitude_pruning", "huffman_coding")
    coded = drawn({**sparse, "coding": "huffman_coding"}, *names)
    assert list(coded) == ["magnitude_pruning", "quantization", "huffman_coding"]
    assert list(drawn({**sparse, "coding": "none"}, *names)) == ["quantization"]
    assert list(drawn(sparse, "magnitude_pruning")) == ["magnitude_pruning", "quantization"]


TABLES = {
    "coding": "lookup_tables",
    "weight_pruning": "magnitude_pruning",
    "magnitude_pruning/sparsity#": 1,
    "clustering/clusters#": 1,
    "clustering/initialisation": "linear",
    "clustering/per_channel": False,
}


@pytest.mark.parametrize(
    ("clustering", "bits", "kept"),
    [("clustering", 0, True), ("clustering", 1, False), ("none", 0, False), ("none", 1, False)],
)
def test_tables_are_for_clustered_weights_of_8_bits(clustering: str, bits: int, kept: bool) -> None:
    """Where they would hold nothing they go, with zeros and clusters that were drawn for them: the plain candidate."""
    names = ("magnitude_pruning", "clustering", "lookup_tables")
    techniques = (*(find(name) for name in names), INT8)
    parameters = {**TABLES, "clustering": clustering, **QUANTIZED, "quantization/weight_bits#": bits}
    plan = list(draw_plan(FixedTrial(parameters), techniques).as_mapping())
    assert plan == (["magnitude_pruning", "clustering", "quantization", "lookup_tables"] if kept else ["quantization"])


def test_every_random_plan_is_valid_and_replays(random_trials: Draws) -> None:
    """Over all techniques, sixty draws give plans that their parameters give again; each searchable one occurs."""
    plans: list[CompressionPlan] = []
    for trial in random_trials(60, 5):
        plan = draw_plan(trial, COMPRESSORS)
        assert draw_plan(FixedTrial(trial.params), COMPRESSORS) == plan
        assert CompressionPlan.from_mapping(plan.as_mapping()) == plan
        plans.append(plan)
    assert len(set(plans)) > 30
    seen = {name for plan in plans for name in plan.as_mapping()}
    assert seen == {technique.name for technique in COMPRESSORS if technique.hyperparameters}


def test_the_weakest_and_the_strongest_plan() -> None:
    """The weakest only quantises; the strongest has a technique of every stage, or of those that pay uncoded."""
    weakest, coded, tables, uncoded = (
        draw_plan(FixedTrial(plan_parameters(COMPRESSORS, **options)), COMPRESSORS)
        for options in (
            {"strongest": False},
            {"strongest": True, "coding": "huffman_coding"},
            {"strongest": True, "coding": "lookup_tables"},
            {"strongest": True},
        )
    )
    assert list(weakest.as_mapping()) == ["quantization"]
    stages = {technique.stage for technique in COMPRESSORS if technique.hyperparameters}
    assert len(coded.steps) == len(tables.steps) == len(stages)
    assert (coded.quantization.weight_bits, tables.quantization.weight_bits) == (4, 8)
    assert len(uncoded.steps) == len(stages - {Stage.WEIGHT_PRUNING, Stage.CLUSTERING, Stage.CODING})


def test_which_stages_are_drawn_sparingly() -> None:
    """Those with a price of their own; not quantisation, nor what is drawn only for a file that is coded."""
    assert stage_parameters(COMPRESSORS) == {
        "distillation": True,
        "structured_pruning": True,
        "weight_pruning": False,
        "clustering": False,
        "quantization_aware_training": True,
        "quantization": False,
        "coding": True,
    }


def test_without_coding_zeros_are_drawn_sparingly_too() -> None:
    """Asked for on a board that decodes nothing, they cost a fine-tune and save no flash."""
    techniques = some("magnitude_pruning", "clustering")
    assert stage_parameters(techniques) == {"weight_pruning": True, "clustering": True, "quantization": False}


def test_techniques_without_hyperparameters_are_left_out(random_trials: Draws) -> None:
    """Nothing of them is drawn, so that they neither stand in a plan nor in the parameters."""
    techniques = (find("structured_pruning"), find("accuracy_pruning"), find("quantization"))
    assert find("accuracy_pruning").hyperparameters == ()
    for trial in random_trials(10, 2):
        assert "accuracy_pruning" not in draw_plan(trial, techniques).as_mapping()
    assert not any("accuracy_pruning" in name for name in plan_parameters(techniques, strongest=True))


def test_a_plan_needs_a_quantisation() -> None:
    """Techniques that make no file are refused by the plan's own rule."""
    with pytest.raises(PlanError, match="quantises exactly once"):
        draw_plan(FixedTrial({"structured_pruning": "none"}), (PRUNING,))
