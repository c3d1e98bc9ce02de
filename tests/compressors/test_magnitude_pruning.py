"""tfmot's pruning in our training loop: patterns, schedules, rounds, and what is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compressors.compressor import CompressionError, Context
from compressors.layers import Dense, DepthwiseConv2D, Flatten, Input
from compressors.magnitude_pruning import MagnitudePruner, MagnitudePruning, unpruned
from compressors.network import set_weights, topology_of, weights_of
from compressors.pruning_wrappers import Steering
from compressors.quantization import Quantization, Quantizer
from compressors.structure import kernels_of
from compressors.topology import Layer, Topology
from compressors.weight_masks import kernel_shapes, set_kernels
from tests.compressors.tflite_weights import weights_by_layer
from tests.compressors.trainer import noise_context

Trained = Callable[..., Any]
CHANNELS = MagnitudePruning(pattern="2:4", schedule="constant")


def _prune(topology: Topology, trained: Trained, settings: MagnitudePruning) -> Any:
    return MagnitudePruner().compress(trained(topology), settings, noise_context(topology))


def _zeros(network: Any) -> dict[str, float]:
    return {name: float((kernel == 0.0).mean()) for name, kernel in kernels_of(network).items()}


@pytest.mark.parametrize("schedule", ["constant", "polynomial"])
def test_every_kernel_has_the_sparsity(schedule: Any, examples: dict[str, Topology], trained: Trained) -> None:
    """Depthwise kernels stay whole, and the rest of the network has really trained on."""
    topology = examples["depthwise_separable"]
    pruned = _prune(topology, trained, MagnitudePruning(sparsity=0.7, schedule=schedule))
    assert topology_of(pruned) == topology
    zeros = _zeros(pruned)
    assert zeros.pop("d1") == 0.0
    for name, shape in kernel_shapes(topology, "pruning").items():
        assert zeros[name] == pytest.approx(0.7, abs=1.0 / np.prod(shape))
    before = weights_of(trained(topology))
    assert not np.array_equal(weights_of(pruned)["n1"][0], before["n1"][0])


def test_the_smallest_go(examples: dict[str, Topology], trained: Trained) -> None:
    """Pruned at the first step and then held: almost all zeros are where the smallest weights were."""
    topology = examples["mlp"]
    settings = MagnitudePruning(sparsity=0.5, schedule="constant", end=0.01)
    before, after = kernels_of(trained(topology)), kernels_of(_prune(topology, trained, settings))
    for name, kernel in before.items():
        smallest = np.abs(kernel) < np.median(np.abs(kernel))
        assert np.array_equal(after[name] == 0.0, smallest)


def test_channel_patterns_hold_in_the_file(examples: dict[str, Topology], trained: Trained) -> None:
    """Of 4 channels that stand side by side in the .tflite, 2 (or 1) stay."""
    topology = examples["resnet_projection"]
    for settings, most in ((CHANNELS, 2), (dataclasses.replace(CHANNELS, pattern="1:4", sparsity=0.75), 1)):
        pruned = _prune(topology, trained, settings)
        content = Quantizer().compress(pruned, Quantization(), noise_context(topology)).content
        for weights in weights_by_layer(content, topology).values():
            rows = weights.reshape(-1, weights.shape[-1])
            groups = [rows[:, start : start + 4] for start in range(0, rows.shape[1], 4)]
            assert max(int((group != 0).sum(axis=1).max()) for group in groups) == most


def test_blocks_hold_in_the_file(examples: dict[str, Topology], trained: Trained) -> None:
    """4 weights side by side in the .tflite go together; convolutions stay and are listed."""
    topology = examples["conv_flatten"]
    settings = MagnitudePruning(pattern="block", sparsity=0.75)
    pruned = _prune(topology, trained, settings)
    reason = "blocks are pruned in dense layers only"
    assert unpruned(topology, settings) == (("c1", reason), ("c2", reason))
    content = Quantizer().compress(pruned, Quantization(), noise_context(topology)).content
    hidden = weights_by_layer(content, topology)["hidden"]
    blocks = hidden.reshape(-1, 4)
    assert (~blocks.any(axis=1)).sum() in (22, 23)  # three quarters of 30
    assert (kernels_of(pruned)["c1"] != 0.0).all()


def test_rounds_train_in_between_and_go_on(examples: dict[str, Topology], trained: Trained) -> None:
    """Each round keeps the zeros of the last one, adds its own, and trains its part."""
    topology = examples["mlp"]
    real, seen = noise_context(topology), list[tuple[float, dict[str, Any]]]()

    def tune(network: Any, share: float, **options: Any) -> None:
        real.fine_tune(network, share, **options)
        seen.append(
            (
                share,
                {
                    name: np.array(network.get_layer(f"prune_low_magnitude_{name}").get_weights()[0])
                    for name in ("h1", "h2")
                },
            )
        )

    context = dataclasses.replace(real, fine_tune=tune)
    settings = MagnitudePruning(sparsity=0.75, rounds=2, fine_tune=1.0)
    pruned = MagnitudePruner().compress(trained(topology), settings, context)
    assert [share for share, _ in seen] == [0.5, 0.5]
    for name, kernel in kernels_of(pruned).items():
        assert (kernel == 0.0).mean() == pytest.approx(0.75, abs=1.0 / kernel.size), name
    first_half = [np.abs(kernel) <= np.median(np.abs(kernel)) for kernel in seen[0][1].values()]
    for name, small in zip(seen[0][1], first_half, strict=True):
        assert (kernels_of(pruned)[name][small] == 0.0).mean() > 0.95


def test_zeros_of_earlier_stages_stay(examples: dict[str, Topology], trained: Trained) -> None:
    topology = examples["depthwise_separable"]
    network = trained(topology)
    kernels = kernels_of(network)
    holes = {name: np.random.default_rng(3).uniform(size=kernel.shape) < 0.5 for name, kernel in kernels.items()}
    set_kernels(network, {name: np.where(holes[name], np.float32(0.0), kernel) for name, kernel in kernels.items()})
    pruned = MagnitudePruner().compress(network, MagnitudePruning(sparsity=0.3), noise_context(topology))
    for name, kernel in kernels_of(pruned).items():
        assert not kernel[holes[name]].any(), name


def test_the_given_network_and_its_layers_stay(examples: dict[str, Topology], trained: Trained) -> None:
    """The toolkit's wrappers share the layers of the network that they are given: ours get a copy."""
    topology = examples["depthwise_separable"]
    network = trained(topology)
    before, layers = weights_of(network), list(network.layers)
    MagnitudePruner().compress(network, MagnitudePruning(), noise_context(topology))
    assert network.layers == layers
    assert not any(hasattr(layer, "get_prunable_weights") for layer in layers)
    assert all(
        np.array_equal(a, b) for name, ws in weights_of(network).items() for a, b in zip(ws, before[name], strict=True)
    )


def _course(settings: MagnitudePruning, total: int) -> list[tuple[int, float]]:
    """(step, sparsity) of every update of the masks."""
    steering = Steering(settings, 0.0, settings.sparsity)
    updates = []
    for done in range(total):
        steering.set_step(done, total)
        turn, sparsity = steering(None)
        if turn:
            updates.append((done + 1, round(float(sparsity), 4)))
    return updates


def test_schedules_are_those_of_the_toolkit() -> None:
    """Steps are counted from 1 as the wrappers do; the last update always has the full sparsity."""
    assert _course(MagnitudePruning(sparsity=0.5, schedule="constant", end=0.5, frequency=4), 20) == [
        (1, 0.5),
        (5, 0.5),
        (9, 0.5),
    ]
    course = _course(MagnitudePruning(sparsity=0.8, begin=0.2, end=0.9, frequency=5), 20)
    assert course == [(5, 0.0), (10, 0.7), (15, 0.8)]  # 0.8 x (1 - (1 - 1/2)^3) half-way
    assert _course(MagnitudePruning(sparsity=0.5, schedule="constant", end=0.1), 1) == [(1, 0.5)]


def test_refuses_a_schedule_without_two_updates() -> None:
    """Known only with the steps: 3 steps from update to update, but 2 steps of pruning."""
    with pytest.raises(CompressionError, match=r"would never prune: it runs from step 1 to 3 of 6 .* every 3 steps"):
        _course(MagnitudePruning(end=0.5, frequency=3), 6)


def test_refuses_a_fine_tune_without_steps(examples: dict[str, Topology], trained: Trained) -> None:
    """A network that was never pruned must not pass for a pruned one."""
    context = Context(calibration=np.zeros((1, 12), np.float32), fine_tune=lambda _network, _share, **_options: None)
    with pytest.raises(CompressionError, match="ran no step"):
        MagnitudePruner().compress(trained(examples["mlp"]), MagnitudePruning(), context)


def test_refuses_weights_of_equal_size(examples: dict[str, Topology], trained: Trained) -> None:
    """The toolkit keeps them all, and so the sparsity would be less than was asked for."""
    topology = examples["mlp"]
    network = trained(topology)
    set_kernels(network, {"h1": np.ones((12, 16), np.float32)})
    context = dataclasses.replace(noise_context(topology), fine_tune=_steps_without_training)
    with pytest.raises(CompressionError, match="'h1' kept 192 of 192 weights instead of 96: weights of equal size"):
        MagnitudePruner().compress(network, MagnitudePruning(schedule="constant"), context)


def _steps_without_training(network: Any, _share: float, *, before_step: Any = None, **_options: Any) -> None:
    for done in range(3):
        before_step(done, 3)
        network(np.zeros((1, 12), np.float32), training=True)


def test_refuses_what_it_cannot_prune(examples: dict[str, Topology], trained: Trained) -> None:
    """Nothing to prune, nothing left, nothing finite: a sentence each, from the outline already where it is known."""
    pruner, layers = MagnitudePruner(), examples["biased_depthwise"].layers
    assert isinstance(layers[1].spec, DepthwiseConv2D)
    only_depthwise = Topology(layers=(layers[0], layers[1], Layer(name="flat", spec=Flatten(), inputs=("first",))))
    with pytest.raises(CompressionError, match="nothing to prune: the network has no standard convolution"):
        pruner.outline(only_depthwise, MagnitudePruning())
    narrow = Topology(
        layers=(
            Layer(name="x", spec=Input(shape=(2,))),
            Layer(name="out", spec=Dense(units=3), inputs=("x",)),
        )
    )
    with pytest.raises(CompressionError, match=r"by the pattern: out: it has 2 input channels"):
        pruner.outline(narrow, CHANNELS)
    with pytest.raises(CompressionError, match="nothing of layer 'out', whose kernel has 6 parts"):
        pruner.outline(narrow, MagnitudePruning(sparsity=0.95))
    network = trained(examples["mlp"])
    weights = weights_of(network)
    set_weights(network, {**weights, "h1": (weights["h1"][0] * np.float32(np.inf),)})
    with pytest.raises(CompressionError, match="'h1' has weights that are not finite"):
        pruner.compress(network, MagnitudePruning(), noise_context(examples["mlp"]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsity": 1.0}, "sparsity is 1.0"),
        ({"fine_tune": 0.0}, "fine_tune is 0.0, must be above 0: magnitude pruning happens while"),
        ({"begin": 2000 / 1875}, "pruning would begin after training ends"),  # a tutorial's, step 2000 of 1875
        ({"begin": 0.5, "end": 0.4}, r"end is 0.4, must be above begin \(0.5\).*end before it began"),
        ({"end": 1.1}, "end is 1.1"),
        ({"frequency": 0}, "frequency is 0"),
        ({"rounds": 0}, "rounds is 0"),
        ({"schedule": "linear"}, "schedule is 'linear', must be one of 'polynomial', 'constant'"),
        ({"pattern": "3:4"}, "pattern is '3:4', must be one of 'unstructured', '2:4'"),
        ({"pattern": "2:4", "schedule": "constant", "sparsity": 0.8}, "is a sparsity of 0.5, not of 0.8"),
        ({"pattern": "2:4"}, "is made once, at the first step: give schedule 'constant'"),
        ({"pattern": "2:4", "schedule": "constant", "rounds": 2}, "is made once"),
    ],
)
def test_settings_are_checked_at_birth(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MagnitudePruning(**settings)


def test_identity() -> None:
    assert MagnitudePruning(sparsity=0.0).is_identity
    assert MagnitudePruning(sparsity=0.0, pattern="2:4").is_identity
    assert not MagnitudePruning().is_identity
