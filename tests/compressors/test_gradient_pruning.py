"""Gradient pruning: what matters to the loss stays, by layer or over all, at once or in rounds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compressors.compressor import CompressionError, Context
from compressors.gradient_pruning import GradientPruner, GradientPruning
from compressors.network import topology_of, weights_of
from compressors.structure import kernels_of
from compressors.topology import Topology
from compressors.weight_masks import kept_of, kernel_shapes
from tests.compressors.trainer import noise_context

Trained = Callable[..., Any]
UNTRAINED = GradientPruning(fine_tune=0.0)


def _gradients(*batches: dict[str, Any]) -> Context:
    """Batches of these gradients of kernels; of ones where a layer is not named."""

    def gradients(network: Any) -> Any:
        for batch in batches:
            yield {name: (batch.get(name, np.ones_like(kernel)),) for name, kernel in kernels_of(network).items()}

    x = np.zeros((1, 12), np.float32)
    return Context(calibration=x, fine_tune=lambda _network, _share, **_options: None, gradients=gradients)


def test_importance_is_gradient_times_weight_added_over_batches(
    examples: dict[str, Topology], trained: Trained
) -> None:
    """Batches that pull to opposite sides do not cancel; a large weight without gradient goes."""
    network = trained(examples["mlp"])
    rng = np.random.default_rng(0)
    one, two = (rng.normal(size=(10, 4)).astype(np.float32) for _ in range(2))
    kernel = kernels_of(network)["out"]
    pruned = GradientPruner().compress(network, UNTRAINED, _gradients({"out": one}, {"out": -one}, {"out": two}))
    importance = np.abs(kernel) * (2 * np.abs(one) + np.abs(two))
    stays = importance > np.median(importance)
    assert np.array_equal(kernels_of(pruned)["out"], np.where(stays, kernel, 0.0))


def test_every_layer_or_all_together(examples: dict[str, Topology], trained: Trained) -> None:
    """``layer`` gives each its share; ``global`` takes from the layer that matters least."""
    network = trained(examples["mlp"])
    context = _gradients({"h1": np.full((12, 16), 1e-6)})
    sizes = {name: int(np.prod(shape)) for name, shape in kernel_shapes(examples["mlp"], "pruning").items()}
    by_layer = kernels_of(GradientPruner().compress(network, UNTRAINED, context))
    assert {name: np.count_nonzero(kernel) for name, kernel in by_layer.items()} == {
        name: kept_of(size, 0.5) for name, size in sizes.items()
    }
    total = sum(sizes.values())
    sparsity = (sizes["h1"] - 2) / total
    settings = GradientPruning(sparsity=sparsity, scope="global", fine_tune=0.0)
    together = kernels_of(GradientPruner().compress(network, settings, context))
    assert {name: np.count_nonzero(kernel) for name, kernel in together.items()} == {**sizes, "h1": 2}
    more = dataclasses.replace(settings, sparsity=sizes["h1"] / total)
    with pytest.raises(CompressionError, match="over all layers would leave nothing of layer 'h1'"):
        GradientPruner().compress(network, more, context)


def test_rounds_judge_anew_and_keep_zeros(examples: dict[str, Topology], trained: Trained) -> None:
    """Each round looks at the gradients of the network that the last one left, and trains its part."""
    topology = examples["depthwise_separable"]
    real, seen, shares = noise_context(topology), [], []
    gradients, tune = real.gradients, real.fine_tune
    assert gradients is not None

    def judged(network: Any) -> Any:
        seen.append(kernels_of(network))
        return gradients(network)

    def tuned(network: Any, share: float, **options: Any) -> None:
        shares.append(share)
        tune(network, share, **options)

    context = dataclasses.replace(real, gradients=judged, fine_tune=tuned)
    pruned = GradientPruner().compress(trained(topology), GradientPruning(sparsity=0.75, rounds=2), context)
    assert topology_of(pruned) == topology
    assert shares == [0.25, 0.25]
    after = kernels_of(pruned)
    for name in kernel_shapes(topology, "pruning"):
        half = seen[1][name] == 0.0
        assert half.mean() == pytest.approx(0.5, abs=1.0 / half.size)
        assert (after[name] == 0.0).mean() == pytest.approx(0.75, abs=1.0 / half.size)
        assert not after[name][half].any()
        assert not np.array_equal(after[name], seen[0][name])
    assert after["d1"].all()


def test_the_given_network_stays(examples: dict[str, Topology], trained: Trained) -> None:
    """Batch normalisation's statistics too, which gradients move."""
    topology = examples["depthwise_separable"]
    network = trained(topology)
    before = weights_of(network)
    GradientPruner().compress(network, GradientPruning(), noise_context(topology))
    for name, weights in weights_of(network).items():
        assert all(np.array_equal(a, b) for a, b in zip(weights, before[name], strict=True))


def test_refusals(examples: dict[str, Topology], trained: Trained) -> None:
    """No labelled data, no batch, gradients that are missing or not finite, a layer that would be empty."""
    pruner, network = GradientPruner(), trained(examples["mlp"])
    blind = dataclasses.replace(_gradients(), gradients=None)
    with pytest.raises(CompressionError, match=r"gradient_pruning looks at gradients on labelled data.*give data"):
        pruner.compress(network, UNTRAINED, blind)
    with pytest.raises(CompressionError, match="gradients of no batch"):
        pruner.compress(network, UNTRAINED, _gradients())
    with pytest.raises(CompressionError, match="'h2' has gradients that are not finite"):
        pruner.compress(network, UNTRAINED, _gradients({"h2": np.full((16, 10), np.nan)}))
    frozen = dataclasses.replace(
        _gradients(), gradients=lambda network: iter([dict.fromkeys(kernels_of(network), (None,))])
    )
    with pytest.raises(CompressionError, match="'h1' is not trained"):
        pruner.compress(network, UNTRAINED, frozen)
    with pytest.raises(CompressionError, match="nothing of layer 'out', whose kernel has 40 parts"):
        pruner.outline(examples["mlp"], GradientPruning(sparsity=0.99))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsity": -0.1}, "sparsity is -0.1"),
        ({"fine_tune": 1.5}, "fine_tune is 1.5"),
        ({"scope": "network"}, "scope is 'network', must be 'layer' or 'global'"),
        ({"rounds": 3, "fine_tune": 0.0}, "3 rounds without fine-tuning are one"),
    ],
)
def test_settings_are_checked_at_birth(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GradientPruning(**settings)


def test_identity() -> None:
    assert GradientPruning(sparsity=0.0).is_identity
    assert not GradientPruning(sparsity=0.1).is_identity
