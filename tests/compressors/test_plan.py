"""A plan is ordered, whole, without contradictions, and the same after JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressors.catalog import COMPRESSORS, find, technique_of
from compressors.compressor import CompressionError, Context, Settings
from compressors.network import topology_of
from compressors.plan import CompressionPlan, PlanError
from compressors.quantization import Quantization
from compressors.structured_pruning import StructuredPruning
from compressors.topology import Topology

INT8 = Quantization()
PRUNING = StructuredPruning(filters=0.25, neurons=0.5, overrides=(("c1", 0.125), ("hidden", 0.0)))


def test_of_orders_and_drops_what_changes_nothing() -> None:
    assert CompressionPlan.of(INT8, PRUNING).steps == (PRUNING, INT8)
    assert CompressionPlan.of(INT8, PRUNING).quantization is INT8
    assert CompressionPlan.of(StructuredPruning(filters=0.0, neurons=0.0), INT8) == CompressionPlan.of(INT8)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((), "quantises exactly once, this one has no quantisation: name one of quantization"),
        ((PRUNING,), "has no quantisation"),
        ((INT8, Quantization(granularity="tensor")), "names quantization twice"),
        ((PRUNING, PRUNING, INT8), "names structured_pruning twice"),
    ],
)
def test_contradictions_are_refused(steps: tuple[Settings, ...], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        CompressionPlan.of(*steps)


def test_one_technique_a_stage() -> None:
    """Two ways to prune weights, or to prune channels, contradict each other; techniques of different stages do not."""
    for names, stage in ((("magnitude_pruning", "gradient_pruning"), "weight_pruning"),):
        steps = [find(name).settings() for name in names]
        with pytest.raises(PlanError, match=f"both belong to the stage {stage}, of which a plan has one technique"):
            CompressionPlan.of(*steps, INT8)
        assert len(CompressionPlan.of(steps[0], PRUNING, INT8).steps) == 3


def test_who_learns_from_a_teacher() -> None:
    """Only a plan with distillation, whatever the order it is given in."""
    assert CompressionPlan.of(INT8, find("distillation").settings()).learns
    assert not CompressionPlan.of(PRUNING, INT8).learns


def test_birth_is_checked_without_of() -> None:
    identity = StructuredPruning(filters=0.0, neurons=0.0)
    for steps in ((INT8, PRUNING), (identity, INT8)):
        with pytest.raises(PlanError, match=r"use CompressionPlan\.of"):
            CompressionPlan(steps=steps)
    with pytest.raises(CompressionError, match="settings of no technique"):
        CompressionPlan(steps=("int8",))  # type: ignore[arg-type]


def test_mapping_round_trip() -> None:
    """Through JSON, every field and every override; the order of the keys does not count."""
    quantization = Quantization(weight_bits=4, granularity="tensor", calibration_samples=7, overrides=(("out", 8.0),))
    plan = CompressionPlan.of(PRUNING, quantization)
    mapping = json.loads(json.dumps(plan.as_mapping()))
    assert mapping == {
        "structured_pruning": {
            "filters": 0.25,
            "neurons": 0.5,
            "metric": "l2",
            "fine_tune": 0.5,
            "overrides.c1": 0.125,
            "overrides.hidden": 0.0,
        },
        "quantization": {
            "weight_bits": 4,
            "activation_bits": 8,
            "granularity": "tensor",
            "scales": "linear",
            "calibration": "minmax",
            "percentile": 99.99,
            "calibration_samples": 7,
            "overrides.out": 8.0,
        },
    }
    assert CompressionPlan.from_mapping(mapping) == plan
    assert CompressionPlan.from_mapping(dict(reversed(mapping.items()))) == plan


def test_fields_left_out_keep_their_defaults() -> None:
    assert CompressionPlan.from_mapping({"quantization": {}}) == CompressionPlan.of(INT8)
    plan = CompressionPlan.from_mapping({"quantization": {}, "structured_pruning": {"fine_tune": 1}})
    assert plan.steps[0] == StructuredPruning(fine_tune=1.0)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"quantisation": {}}, "no compression technique is called 'quantisation': did you mean 'quantization'"),
        ({"zip": {}}, "known: .*quantization, .*structured_pruning"),
        ({"quantization": {"granularty": "tensor"}}, "no setting 'granularty': did you mean 'granularity'"),
        ({"quantization": {"granularity.x": 1}}, "no setting 'granularity.x'"),
        ({"quantization": {"weight_bits": 5}}, "weight_bits is 5, must be one of 4, 8, 16, 32"),
        ({"quantization": {"weight_bits": 8.0}}, r"weight_bits is 8\.0, must be one of"),
        ({"quantization": {"weight_bits": 4, "activation_bits": 16}}, "TensorFlow Lite Micro has no kernel"),
        ({"structured_pruning": {"overrides": 0.5}}, "no setting 'overrides': did you mean 'overrides.<group>'"),
        ({"quantization": {"granularity": "row"}}, "granularity is 'row', must be one of 'channel', 'tensor'"),
        ({"quantization": {"calibration_samples": 2.5}}, "calibration_samples is 2.5, must be a whole number"),
        ({"quantization": {"calibration_samples": True}}, "calibration_samples is True, must be a whole number"),
        ({"structured_pruning": {"filters": "0.5"}}, "filters is '0.5', must be a number"),
        ({"structured_pruning": {"overrides.c1": "x"}}, "overrides.c1 is 'x', must be a number"),
        ({"structured_pruning": {"filters": 1.5}}, "'structured_pruning': share of filters to prune is 1.5"),
    ],
)
def test_mappings_are_checked(mapping: Any, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        CompressionPlan.from_mapping(mapping)


def test_find() -> None:
    for compressor in COMPRESSORS:
        assert find(compressor.name) is compressor
        assert technique_of(compressor.settings()) is compressor
    with pytest.raises(CompressionError, match="did you mean 'structured_pruning'"):
        find("structural_pruning")


def test_shape_then_convert(examples: dict[str, Topology], trained: Callable[..., Any]) -> None:
    """The two halves together give the file of the pruned network."""
    topology = examples["pooling"]
    calls: list[float] = []
    context = Context(
        calibration=np.random.default_rng(0).normal(size=(8, 9, 9, 3)).astype(np.float32),
        fine_tune=lambda _network, share, **_options: calls.append(share),
        labels=("a", "b", "c", "d"),
    )
    network = trained(topology)
    plan = CompressionPlan.of(INT8, StructuredPruning(filters=0.5))
    shaped = plan.shape(network, context)
    assert topology_of(shaped) == plan.outline(topology) != topology
    assert calls == [0.5]
    small, large = plan.convert(shaped, context), plan.convert(network, context)
    assert small.labels == ("a", "b", "c", "d")
    assert small.model_bytes < large.model_bytes
    only_int8 = CompressionPlan.of(INT8)
    assert only_int8.shape(network, context) is network
    assert only_int8.outline(topology) == topology


def test_import_without_tensorflow() -> None:
    """Plans can be read, checked and outlined where no framework is loaded."""
    script = (
        "import sys, compressors.plan, compressors.catalog\n"
        "from compressors.plan import CompressionPlan\n"
        "from compressors.layers import Dense, Input\nfrom compressors.topology import Layer, Topology\n"
        "layers = (Layer(name='x', spec=Input(shape=(4,))), Layer(name='h', spec=Dense(units=8), inputs=('x',)),\n"
        "          Layer(name='o', spec=Dense(units=2), inputs=('h',)))\n"
        "plan = CompressionPlan.from_mapping({'structured_pruning': {'neurons': 0.5}, 'quantization': {}})\n"
        "print(plan.outline(Topology(layers=layers)).layers[1].spec.units)\n"
        "print(sorted({'tensorflow', 'tf_keras', 'keras'} & set(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert run.stdout.split("\n")[:2] == ["4", "[]"]
