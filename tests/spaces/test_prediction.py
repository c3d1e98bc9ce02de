"""What is foretold of a drawn candidate is what the pipeline of a trial makes of it, in every space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compressors.catalog import find
from compressors.compressor import CompressionError, Context
from compressors.layers import Shape
from compressors.lower import lower
from compressors.plan import CompressionPlan
from devices.boards import load_device
from devices.flatbuffer import read_graph
from devices.graph import Graph, Tensor
from devices.latency import operator_costs
from devices.memory import plan_arena
from devices.slim import predicted_bytes
from devices.storage import runtime_flash_bytes
from spaces.birth import birth
from spaces.catalog import SPACES, Drawn
from spaces.compression import draw_plan
from tests.spaces.conftest import Draws, drawn_from, ending

BOARD = load_device("nucleo-l4r5zi")
CLASSES = 10
# The issue asks for 3 %; what is left are vectors that happen to be equal and are stored once, 12 bytes each.
_KINDS = ("image", "features", "series", "spectrogram")
_TOLERANCE, _LEAST_TOLERANCE = 0.02, 24

TECHNIQUES = (find("structured_pruning"), find("quantization"))  # what changes the operators of a file


def _as_trained(network: Any, seed: int) -> Any:
    """No weight, bias or moving mean is 0 any more: the converter drops biases that are all zero."""
    rng = np.random.default_rng(seed)
    weights = [
        weight if "variance" in variable.name else weight + rng.normal(0, 0.05, weight.shape).astype(weight.dtype)
        for variable, weight in zip(network.weights, network.get_weights(), strict=True)
    ]
    network.set_weights(weights)
    return network


def _made(drawn: Drawn, plan: CompressionPlan, shape: Shape, seed: int) -> bytes:
    """The file that a trial would ship, all but trained."""
    n_outputs, head = ending(drawn.architecture.space, shape, CLASSES)
    network = _as_trained(birth(drawn.architecture, shape, n_outputs, seed, head=head), seed)
    samples = np.random.default_rng(seed).normal(size=(8, *shape)).astype(np.float32)
    context = Context(
        calibration=samples,
        fine_tune=lambda _network, _share, **_options: None,
        gradients=lambda each: iter([_noise(each, seed)]),
    )
    return plan.convert(plan.shape(network, context), context).content


def _noise(network: Any, seed: int) -> dict[str, tuple[Any, ...]]:
    """Gradients of a batch that never was: which channels go does not matter here."""
    rng = np.random.default_rng(seed)
    return {
        layer.name: tuple(rng.normal(size=weight.shape).astype(np.float32) for weight in layer.get_weights())
        for layer in network.layers
        if layer.weights
    }


def _shown(graph: Graph) -> list[tuple[object, ...]]:
    """Every operator with its options, the tensors that it touches, and its multiply-accumulates."""

    def touched(indexes: tuple[int, ...]) -> tuple[Tensor | None, ...]:
        return tuple(graph.tensors[index] if index >= 0 else None for index in indexes)

    return [(o.name, o.options, touched(o.inputs), touched(o.outputs), graph.macs(o)) for o in graph.operators]


def _candidates(space: str, shape: Shape, random_trials: Draws) -> list[tuple[Drawn, CompressionPlan]]:
    """Two that can be compressed, one of each granularity, both pruned where the draw may be pruned."""
    found: dict[str, tuple[Drawn, CompressionPlan]] = {}
    for trial in random_trials(24, 5):
        plan = draw_plan(trial, TECHNIQUES)
        granularity = plan.quantization.granularity
        if granularity in found or (len(plan.steps) == 1 and len(found) == 0):
            continue
        drawn = drawn_from(space, trial, shape, CLASSES)
        try:
            plan.outline(drawn.topology)
        except CompressionError:  # nothing to prune: a search rejects such a draw too
            continue
        found[granularity] = drawn, plan
    return [found["channel"], found["tensor"]]


@pytest.mark.parametrize(
    "shape", [(16, 16, 3), (12,), (45, 1, 3), (30, 8, 1)], ids=["image", "features", "series", "spectrogram"]
)
@pytest.mark.parametrize("space", [space.name for space in SPACES])
def test_the_file_is_what_was_foretold(space: str, shape: Shape, random_trials: Draws) -> None:
    """Operators in order, shapes, types, MACs, arena, cycles and code are equal; bytes agree within 2 % or 24 bytes."""
    chosen = next(each for each in SPACES if each.name == space)
    if chosen.accepts(shape):
        with pytest.raises(ValueError, match=space):
            chosen.draw(random_trials(1, 0)[0], shape, CLASSES)
        return
    for seed, (drawn, plan) in enumerate(_candidates(space, shape, random_trials)):
        content = _made(drawn, plan, shape, seed)
        real, foretold = read_graph(content), lower(plan.outline(drawn.topology), plan.quantization)
        assert _shown(foretold) == _shown(real)
        assert sum(map(real.macs, real.operators)) > 0
        assert plan_arena(foretold, BOARD.core) == plan_arena(real, BOARD.core)
        assert operator_costs(foretold, BOARD) == operator_costs(real, BOARD)
        assert runtime_flash_bytes(foretold, BOARD) == runtime_flash_bytes(real, BOARD)
        error = predicted_bytes(foretold) - len(content)
        assert abs(error) <= max(_LEAST_TOLERANCE, _TOLERANCE * len(content)), (len(content), error)
