"""Pruning to an accuracy returns a network that kept it, and says what was tried."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from compressors.accuracy_pruning import AccuracyPruner, AccuracyPruning, prune_to_accuracy
from compressors.compressor import CompressionError, Context
from compressors.layers import Dense, Input
from compressors.network import build, topology_of, weights_of
from compressors.plan import CompressionPlan, PlanError
from compressors.quantization import Quantization
from compressors.structured_pruning import StructuredPruner, StructuredPruning
from compressors.topology import Layer, Topology
from tests.compressors.conftest import conv, topology

Trained = Callable[..., Any]


def _units(network: Any) -> int:
    return int(network.get_layer("h1").units)


def _context(score: Callable[[Any], float], labels: tuple[str, ...] = ("a", "b", "c", "d"), **rest: Any) -> Context:
    rest.setdefault("fine_tune", lambda _network, _share, **_options: None)
    return Context(calibration=np.zeros((1, 12), np.float32), evaluate=score, labels=labels, **rest)


@pytest.mark.parametrize("least", [1, 3, 8, 11, 16])
def test_finds_the_strongest_share_that_holds(least: int, examples: dict[str, Topology], trained: Trained) -> None:
    """Where accuracy falls with the share, as a full search would; in 5 evaluations, all of them told."""
    asked: list[float] = []

    def score(network: Any) -> float:
        asked.append(_units(network) / 16)
        return asked[-1]

    settings = AccuracyPruning(min_accuracy=least / 16, fine_tune=0.0)
    found = prune_to_accuracy(trained(examples["mlp"]), settings, _context(score))
    assert _units(found.network) == least
    assert found.share == (16 - least) / 16
    assert found.failed == ((17 - least) / 16 if least > 1 else None)
    assert (found.accuracy_before, found.accuracy_after, found.floor) == (1.0, least / 16, least / 16)
    assert [accuracy for _, accuracy in found.tried] == asked[1:]
    assert found.evaluations == len(asked) <= 5


def test_the_given_network_comes_back_where_no_share_holds(examples: dict[str, Topology], trained: Trained) -> None:
    network = trained(examples["mlp"])
    found = prune_to_accuracy(network, AccuracyPruning(max_loss=0.0), _context(lambda net: _units(net) / 16))
    assert (found.network, found.share, found.failed) == (network, 0.0, 1 / 16)
    assert found.accuracy_after == found.accuracy_before


@pytest.mark.parametrize("seed", range(4))
def test_what_is_returned_held_even_where_accuracy_jumps(
    seed: int, examples: dict[str, Topology], trained: Trained
) -> None:
    """Monotonicity is assumed by the search, not by the promise."""
    accuracies = {units: float(np.random.default_rng([seed, units]).uniform(0.8, 1.0)) for units in range(1, 17)}
    accuracies[16] = 0.95
    settings = AccuracyPruning(min_accuracy=0.9, fine_tune=0.0)
    found = prune_to_accuracy(trained(examples["mlp"]), settings, _context(lambda network: accuracies[_units(network)]))
    assert found.accuracy_after == accuracies[_units(found.network)] >= 0.9
    assert found.failed is None or found.failed > found.share


def test_limits(examples: dict[str, Topology]) -> None:
    """Both limits are kept where both are given; with neither a hundredth may be lost."""
    assert AccuracyPruning(min_accuracy=0.9).floor(0.99) == 0.9
    assert AccuracyPruning(max_loss=0.25).floor(0.75) == 0.5
    assert AccuracyPruning(min_accuracy=0.9, max_loss=0.04).floor(0.99) == pytest.approx(0.95)
    assert AccuracyPruning(min_accuracy=0.9, max_loss=0.5).floor(0.99) == 0.9
    assert AccuracyPruning().floor(0.95) == pytest.approx(0.94)
    assert not AccuracyPruning().is_identity


@pytest.mark.parametrize("metric", ["l1", "l2", "geometric_median"])
def test_judges_by_its_metric(metric: Any, trained: Trained) -> None:
    """The forerunner took L1 whatever was asked for.  A single step is plain structured pruning."""
    network = trained(topology(image=Input(shape=(6, 6, 2)), c=conv(8), p=conv(8), d=conv(2)))
    context = Context(
        calibration=np.zeros((1, 6, 6, 2), np.float32),
        fine_tune=lambda *_args, **_options: None,
        evaluate=lambda _: 1.0,
    )
    found = prune_to_accuracy(network, AccuracyPruning(metric=metric, step=0.5, fine_tune=0.0), context).network
    direct = StructuredPruning(filters=0.5, neurons=0.5, metric=metric, fine_tune=0.0)
    expected = StructuredPruner().compress(network, direct, context)
    for got, wanted in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_goes_on_from_the_network_that_held(examples: dict[str, Topology], trained: Trained) -> None:
    """Its fine-tuning is kept: the forerunner started each share from the untouched original."""

    def fine_tune(network: Any, share: float, **_options: Any) -> None:
        assert share == 0.125
        kernel, bias = network.get_layer("out").get_weights()
        network.get_layer("out").set_weights([kernel, bias + 1.0])

    network = trained(examples["mlp"])
    before = weights_of(network)
    context = _context(lambda net: _units(net) / 16, fine_tune=fine_tune)
    found = prune_to_accuracy(network, AccuracyPruning(min_accuracy=5 / 16, fine_tune=0.125), context)
    held = [share for share, accuracy in found.tried if accuracy >= 5 / 16]
    assert held == [0.5, 0.625, 0.6875]
    raised = found.network.get_layer("out").get_weights()[1] - before["out"][1]
    np.testing.assert_allclose(raised, 3.0, rtol=1e-6)
    after = weights_of(network)
    assert all(np.array_equal(a, b) for name in before for a, b in zip(before[name], after[name], strict=True))


def test_small_groups_keep_one(trained: Trained) -> None:
    """A layer of three filters does not end the search for the others."""
    network = trained(topology(image=Input(shape=(6, 6, 2)), wide=conv(16), three=conv(3), out=conv(2)))
    context = Context(
        calibration=np.zeros((1, 6, 6, 2), np.float32),
        fine_tune=lambda *_args, **_options: None,
        evaluate=lambda _: 1.0,
    )
    found = prune_to_accuracy(network, AccuracyPruning(fine_tune=0.0), context)
    assert (found.share, found.failed) == (0.9375, None)
    assert [found.network.get_layer(name).filters for name in ("wide", "three", "out")] == [1, 1, 2]


def test_refusals(examples: dict[str, Topology], trained: Trained) -> None:
    """No data, data of one class, a network below the limit, nothing to prune."""
    network = trained(examples["mlp"])
    for context, settings, message in (
        (
            replace(_context(lambda _: 1.0), evaluate=None),
            AccuracyPruning(),
            "labelled data, and there",
        ),
        (_context(lambda _: 1.0, ("only",)), AccuracyPruning(), "needs two classes, the data has one, 'only'"),
        (_context(lambda _: 0.9), AccuracyPruning(min_accuracy=0.97), r"0\.9000 before pruning, 0\.9700 must be kept"),
    ):
        with pytest.raises(CompressionError, match=message):
            prune_to_accuracy(network, settings, context)
    layers = (examples["mlp"].layers[0], Layer(name="out", spec=Dense(units=4), inputs=("features",)))
    only_output = Topology(layers=layers)
    with pytest.raises(CompressionError, match="finds nothing to prune: out: its channels"):
        prune_to_accuracy(build(only_output), AccuracyPruning(), _context(lambda _: 1.0))
    with pytest.raises(CompressionError, match="finds nothing to prune"):
        AccuracyPruner().outline(only_output, AccuracyPruning())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_accuracy": 0.0}, "min_accuracy is 0.0, must be above 0"),
        ({"min_accuracy": 97.0}, "min_accuracy is 97.0"),
        ({"max_loss": -0.1}, "max_loss is -0.1"),
        ({"max_loss": float("nan")}, "max_loss is nan"),
        ({"metric": "l3"}, "metric is 'l3'"),
        ({"fine_tune": 2.0}, r"fine_tune is 2\.0"),
        ({"step": 0.0}, r"step is 0\.0"),
    ],
)
def test_settings_are_checked_at_birth(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AccuracyPruning(**settings)


def test_in_a_plan(examples: dict[str, Topology], trained: Trained) -> None:
    """Limits left out stay out of the mapping; the outline is an upper bound; not beside structured pruning."""
    plan = CompressionPlan.of(AccuracyPruning(min_accuracy=0.5, fine_tune=0.0), Quantization())
    mapping = json.loads(json.dumps(plan.as_mapping()))
    assert mapping["accuracy_pruning"] == {"min_accuracy": 0.5, "metric": "l2", "fine_tune": 0.0, "step": 0.0625}
    assert CompressionPlan.from_mapping(mapping) == plan
    assert CompressionPlan.from_mapping({**mapping, "accuracy_pruning": {"max_loss": 0}}).steps[0] == AccuracyPruning(
        max_loss=0.0
    )
    with pytest.raises(PlanError, match="min_accuracy is 'high', must be a number"):
        CompressionPlan.from_mapping({**mapping, "accuracy_pruning": {"min_accuracy": "high"}})
    with pytest.raises(PlanError, match="both belong to the stage structured_pruning"):
        CompressionPlan.of(AccuracyPruning(), StructuredPruning(), Quantization())
    example = examples["mlp"]
    shaped = plan.shape(trained(example), _context(lambda network: _units(network) / 16))
    outline = plan.outline(example)
    assert outline == example
    for name, shape in topology_of(shaped).shapes().items():
        assert all(left <= most for left, most in zip(shape, outline.shapes()[name], strict=True))
