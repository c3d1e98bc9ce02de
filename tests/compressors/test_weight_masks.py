"""How many weights go, which, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compressors.compressor import CompressionError
from compressors.network import set_weights, topology_of, weights_of
from compressors.topology import Topology
from compressors.weight_masks import (
    checked_copy,
    kept_of,
    kernel_shapes,
    mask_kernels,
    most_important,
    require_rounds,
    require_shares,
    require_some_left,
    sparsity_after,
)

Trained = Callable[..., Any]


def test_kernel_shapes_are_those_of_the_network(example: Topology, trained: Trained) -> None:
    """Standard convolutions and dense layers, depthwise ones not."""
    network = trained(example)
    for name, shape in kernel_shapes(example, "pruning").items():
        layer = network.get_layer(name)
        assert tuple(layer.weights[0].shape) == shape
        assert type(layer).__name__ in ("Conv2D", "Dense")


def test_counts_round_to_the_nearest() -> None:
    assert [kept_of(10, share) for share in (0.0, 0.34, 0.5, 0.75, 0.96)] == [10, 7, 5, 3, 0]


def test_refuses_to_empty_a_layer() -> None:
    require_some_left({"big": 1000, "small": 5}, 0.9)
    with pytest.raises(CompressionError, match=r"of layer 'small', whose kernel has 5 parts.*at most 0\.9$"):
        require_some_left({"big": 1000, "small": 5}, 0.95)


def test_the_most_important_stay_and_ties_keep_the_lower_index() -> None:
    mask = most_important(np.array([[3.0, 1.0], [2.0, 2.0], [2.0, 0.0]]), 3)
    assert mask.tolist() == [[True, False], [True, True], [False, False]]


def test_masks(examples: dict[str, Topology], trained: Trained) -> None:
    network = trained(examples["mlp"])
    before = weights_of(network)
    mask = np.arange(40).reshape(10, 4) % 3 == 0
    mask_kernels(network, {"out": mask})
    after = weights_of(network)
    assert np.array_equal(after["out"][0], np.where(mask, before["out"][0], 0.0))
    assert np.array_equal(after["out"][1], before["out"][1])
    assert np.array_equal(after["h1"][0], before["h1"][0])


def test_rounds_remove_the_same_share_of_what_is_left() -> None:
    reached = [sparsity_after(number, 3, 0.875) for number in (1, 2, 3)]
    assert reached == pytest.approx([0.5, 0.75, 0.875])
    assert sparsity_after(1, 1, 0.3) == 0.3


def test_copies_share_nothing(example: Topology, trained: Trained) -> None:
    network = trained(example)
    copy = checked_copy(network)
    assert topology_of(copy) == example
    before = weights_of(network)
    for name, weights in weights_of(copy).items():
        assert all(np.array_equal(a, b) for a, b in zip(weights, before[name], strict=True))
    set_weights(copy, {name: tuple(w + 1.0 for w in weights) for name, weights in before.items()})
    for name, weights in weights_of(network).items():
        assert all(np.array_equal(a, b) for a, b in zip(weights, before[name], strict=True))


def test_refuses_weights_that_are_not_finite(examples: dict[str, Topology], trained: Trained) -> None:
    network = trained(examples["mlp"])
    weights = weights_of(network)
    set_weights(network, {**weights, "h1": (weights["h1"][0] * np.float32(np.nan),)})
    with pytest.raises(CompressionError, match="'h1' has weights that are not finite"):
        checked_copy(network)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: require_shares(sparsity=1.0, fine_tune=0.5), "sparsity is 1.0, must be .* below 1"),
        (lambda: require_shares(sparsity=float("nan"), fine_tune=0.5), "sparsity is nan"),
        (lambda: require_shares(sparsity=0.5, fine_tune=-0.1), "fine_tune is -0.1"),
        (lambda: require_rounds(0, 0.5), "rounds is 0"),
        (lambda: require_rounds(2, 0.0), "2 rounds without fine-tuning are one"),
    ],
)
def test_refuses_values_out_of_range(call: Callable[[], None], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
