"""A pruned network computes what the whole one would with the removed channels silenced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from compressors.channel_groups import channel_map
from compressors.compressor import CompressionError, Context
from compressors.importance import METRICS
from compressors.layers import Add, BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Input, Reshape
from compressors.network import build, parameters, set_weights, topology_of, weights_of
from compressors.structured_pruning import StructuredPruner, StructuredPruning, kept_channels, unprunable
from compressors.topology import Layer, Topology
from tests.compressors.masking import largest_difference, masked

Trained = Callable[..., Any]
Floats = npt.NDArray[np.float32]
HALF = StructuredPruning(filters=0.5, neurons=0.5, fine_tune=0.0)


def _no_training(network: Any, share: float, **_options: Any) -> None:
    raise AssertionError("fine_tune is 0")


CONTEXT = Context(calibration=np.zeros((1, 1), np.float32), fine_tune=_no_training)


def _prune(network: Any, settings: StructuredPruning = HALF) -> Any:
    return StructuredPruner().compress(network, settings, CONTEXT)


def _removed(whole: Floats, left: Floats) -> npt.NDArray[np.int64]:
    """Positions of the values of `whole`, all distinct, that `left` lacks; `left` keeps their order."""
    assert len(np.unique(whole)) == len(whole)
    kept = np.flatnonzero(np.isin(whole, left))
    np.testing.assert_array_equal(whole[kept], left)
    return np.setdiff1d(np.arange(len(whole)), kept)


def _silenced(topology: Topology, whole: dict[str, tuple[Floats, ...]], left: dict[str, tuple[Floats, ...]]) -> Any:
    """The whole network with removed channels silenced, found from the values of biases and gammas alone.

    A layer without bias is silenced by the BatchNormalization after it.
    """
    masked = {name: tuple(w.copy() for w in weights) for name, weights in whole.items()}
    for layer in topology.layers:
        if layer.name not in whole:
            continue
        if isinstance(layer.spec, BatchNormalization):
            gamma, beta, *_ = masked[layer.name]
            removed = _removed(whole[layer.name][0], left[layer.name][0])
            gamma[removed] = beta[removed] = 0.0
        elif len(whole[layer.name]) == 2:
            kernel, bias = masked[layer.name]
            removed = _removed(whole[layer.name][1], left[layer.name][1])
            if isinstance(layer.spec, DepthwiseConv2D):
                height, width, channels, multiplier = kernel.shape
                kernel = kernel.reshape(height, width, channels * multiplier)
            kernel[..., removed] = 0.0
            bias[removed] = 0.0
    network = build(topology)
    set_weights(network, masked)
    return network


def test_equals_the_silenced_network(example: Topology, trained: Trained) -> None:
    """The proof of the slicing: outputs agree within 1e-5, for every structure."""
    network = trained(example)
    settings = StructuredPruning(filters=0.375, neurons=0.375, fine_tune=0.0)
    pruned = _prune(network, settings)
    silenced = _silenced(example, weights_of(network), weights_of(pruned))
    x = np.random.default_rng(2).normal(size=(5, *example.input_shape)).astype(np.float32)
    expected = silenced(x, training=False).numpy()
    np.testing.assert_allclose(pruned(x, training=False).numpy(), expected, atol=1e-5, rtol=1e-5)
    assert np.abs(expected - network(x, training=False).numpy()).max() > 1e-3
    assert parameters(pruned) < parameters(network)


@pytest.mark.parametrize(("filters", "neurons"), [(0.125, 0.6), (0.8, 0.1)])
def test_outline_foretells_the_shapes(example: Topology, filters: float, neurons: float, trained: Trained) -> None:
    """Without weights the same topology is found as with weights."""
    settings = StructuredPruning(filters=filters, neurons=neurons, fine_tune=0.0)
    outline = StructuredPruner().outline(example, settings)
    assert topology_of(_prune(trained(example, seed=int(100 * filters)), settings)) == outline
    assert outline.input_shape == example.input_shape
    assert outline.output_shape == example.output_shape


@pytest.mark.parametrize("metric", METRICS)
def test_equals_the_masked_original(example: Topology, metric: Any, trained: Trained) -> None:
    """By any metric, on pixels of real digits: less than 1e-5 from the whole network with the same channels masked."""
    from sklearn.datasets import load_digits

    network = trained(example)
    x = np.resize(load_digits().data[:40] / 16.0, (9, *example.input_shape)).astype(np.float32)
    settings = StructuredPruning(filters=0.375, neurons=0.375, metric=metric, fine_tune=0.0)
    context = Context(calibration=x, fine_tune=_no_training, gradients=_slopes)
    if metric == "bn_scale":
        settings = replace(settings, filters=0.0, neurons=0.0, overrides=_normalized_groups(example))
        if settings.is_identity:  # no group has a BatchNormalization behind each of its layers
            with pytest.raises(CompressionError, match="needs a BatchNormalization behind"):
                _prune(network, replace(HALF, metric=metric))
            return
    pruned = StructuredPruner().compress(network, settings, context)
    assert largest_difference(pruned, masked(network, kept_channels(network, settings, context)), x) < 1e-5
    assert parameters(pruned) < parameters(network)


def _normalized_groups(topology: Topology) -> tuple[tuple[str, float], ...]:
    """A share for each free group whose producers are all read by a BatchNormalization first."""
    normalized = {layer.inputs[0] for layer in topology.layers if isinstance(layer.spec, BatchNormalization)}
    groups = [group for group in channel_map(topology).groups if not group.fixed]
    return tuple((g.name, 0.375) for g in groups if {name for name, _ in g.units[0]} <= normalized)


def _slopes(network: Any) -> Any:
    """Gradients of a sum of squares on two batches of fixed random images."""
    import tensorflow as tf

    for seed in (0, 1):
        x = np.random.default_rng(seed).normal(size=(4, *network.input_shape[1:])).astype(np.float32)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(network(x, training=False)))
        variables = network.trainable_variables
        found = {id(v): g.numpy() for v, g in zip(variables, tape.gradient(loss, variables), strict=True)}
        yield {
            layer.name: tuple(found.get(id(weight)) for weight in layer.weights)
            for layer in network.layers
            if layer.weights
        }


def _widths(topology: Topology) -> dict[str, int]:
    return {
        layer.name: layer.spec.filters if isinstance(layer.spec, Conv2D) else layer.spec.units
        for layer in topology.layers
        if isinstance(layer.spec, Conv2D | Dense)
    }


def test_widths(examples: dict[str, Topology]) -> None:
    """Shares are of each group, rounded; welded layers go together."""

    def widths(name: str, **settings: Any) -> dict[str, int]:
        return _widths(StructuredPruner().outline(examples[name], StructuredPruning(**settings)))

    assert widths("conv_flatten", filters=0.25, neurons=0.3) == {"c1": 6, "c2": 4, "hidden": 7, "out": 4}
    assert widths("conv_flatten", filters=0.9, neurons=0.0) == {"c1": 1, "c2": 1, "hidden": 10, "out": 4}
    assert widths("conv_flatten", filters=0.0, neurons=0.5) == {"c1": 8, "c2": 6, "hidden": 5, "out": 4}
    assert widths("inverted_residual", filters=0.25) == {"stem": 6, "e": 12, "p": 6, "out": 4}
    assert widths("resnet_projection", filters=0.5) == {"stem": 4, "a": 6, "b": 6, "s": 6, "out": 4}
    assert widths("chained_adds", filters=0.5) == {"stem": 4, "a": 4, "c": 4, "d": 4, "out": 4}
    assert widths("concatenate_then_add", filters=0.5) == {"a": 2, "b": 3, "c": 5, "out": 4}
    assert widths("mlp", filters=0.0, neurons=0.5) == {"h1": 8, "h2": 5, "out": 4}


def test_overrides(examples: dict[str, Topology]) -> None:
    """A group's own share replaces the general one, whichever member's name it bears."""
    settings = StructuredPruning(filters=0.5, neurons=0.5, overrides=(("c1", 0.0), ("hidden", 0.9)))
    outline = StructuredPruner().outline(examples["conv_flatten"], settings)
    assert _widths(outline) == {"c1": 8, "c2": 3, "hidden": 1, "out": 4}
    for name, message in (("hiden", "did you mean 'hidden'"), ("out", "the network's outputs")):
        wrong = StructuredPruning(overrides=((name, 0.5),))
        with pytest.raises(CompressionError, match=message):
            StructuredPruner().outline(examples["conv_flatten"], wrong)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"filters": 0.95}, "a share of 0.95 of layer 'c1' removes all its 8 filters: 0.875 leaves one"),
        ({"neurons": 0.99}, "a share of 0.99 of layer 'hidden' removes all its 10 neurons: 0.9 leaves one"),
        ({"overrides": (("c2", 0.97),)}, "a share of 0.97 of layer 'c2' removes all its 6 filters: 0.833 leaves one"),
    ],
)
def test_refuses_to_empty_a_layer(examples: dict[str, Topology], settings: dict[str, Any], message: str) -> None:
    """By `outline` already: a share that leaves nothing is refused, not quietly weakened."""
    with pytest.raises(CompressionError, match=message):
        StructuredPruner().outline(examples["conv_flatten"], StructuredPruning(**settings))


def test_a_group_of_one_stays_unless_it_is_named() -> None:
    """The common share passes it by, its own is refused."""
    layers = (
        Layer(name="x", spec=Input(shape=(4, 4, 3))),
        Layer(name="one", spec=Conv2D(filters=1, kernel=(3, 3)), inputs=("x",)),
        Layer(name="two", spec=Conv2D(filters=2, kernel=(3, 3)), inputs=("one",)),
        Layer(name="out", spec=Conv2D(filters=2, kernel=(3, 3)), inputs=("two",)),
    )
    topology = Topology(layers=layers)
    assert _widths(StructuredPruner().outline(topology, HALF)) == {"one": 1, "two": 1, "out": 2}
    with pytest.raises(CompressionError, match="layer 'one' removes all its 1 filters: leave it out of the overrides"):
        StructuredPruner().outline(topology, StructuredPruning(overrides=(("one", 0.5),)))


def test_least_important_filters_go(examples: dict[str, Topology], trained: Trained) -> None:
    """L1 and L2 disagree on these filters, and each gets its way."""
    network = trained(examples["pooling"])
    weights = weights_of(network)
    kernel, bias = (w.copy() for w in weights["c1"])
    kernel[:] = 0.0
    kernel[0, 0, 0, :] = 1.0  # norms 1 and 1
    kernel[:, :, :, 3] = 0.1  # 27 weights: L1 2.7, L2 0.52
    kernel[0, 0, 0, 5] = 0.9  # L1 0.9, L2 0.9
    set_weights(network, {**weights, "c1": (kernel, bias)})
    for metric, gone in (("l1", 5), ("l2", 3)):
        settings = StructuredPruning(filters=0.125, metric=metric, fine_tune=0.0)  # type: ignore[arg-type]
        left = weights_of(_prune(network, settings))["c1"][1]
        assert _removed(bias, left).tolist() == [gone]


def test_welded_layers_decide_together(examples: dict[str, Topology], trained: Trained) -> None:
    """Importance is summed over the members, and the size of one member's weights does not outvote the other's."""
    network = trained(examples["inverted_residual"])
    weights = {name: tuple(w.copy() for w in ws) for name, ws in weights_of(network).items()}
    stem, project = weights["stem"][0], weights["p"][0]
    stem[:], project[:] = 1000.0, 0.001
    stem[..., 2] *= 0.9  # unit 2 loses a tenth in one member
    project[..., 6] *= 0.5  # unit 6 loses a half in the other
    set_weights(network, weights)
    left = weights_of(_prune(network, StructuredPruning(filters=0.125, fine_tune=0.0)))
    assert _removed(weights["stem"][1], left["stem"][1]).tolist() == [6]
    assert _removed(weights["pn"][0], left["pn"][0]).tolist() == [6]


def test_ties_keep_the_lower_index(examples: dict[str, Topology], trained: Trained) -> None:
    network = trained(examples["pooling"])
    weights = weights_of(network)
    set_weights(network, {**weights, "c1": (np.ones_like(weights["c1"][0]), weights["c1"][1])})
    assert _removed(weights["c1"][1], weights_of(_prune(network))["c1"][1]).tolist() == [4, 5, 6, 7]


def test_given_network_stays_and_result_is_deterministic(examples: dict[str, Topology], trained: Trained) -> None:
    network = trained(examples["chained_adds"])
    before = weights_of(network)
    one, two = weights_of(_prune(network)), weights_of(_prune(network))
    for name, weights in weights_of(network).items():
        assert all(np.array_equal(a, b) for a, b in zip(weights, before[name], strict=True))
    assert all(np.array_equal(a, b) for name in one for a, b in zip(one[name], two[name], strict=True))


def test_fine_tunes_the_pruned_network_for_its_share(examples: dict[str, Topology], trained: Trained) -> None:
    calls: list[tuple[Any, float]] = []
    context = Context(
        calibration=CONTEXT.calibration, fine_tune=lambda net, share, **_options: calls.append((net, share))
    )
    settings = StructuredPruning(filters=0.5, fine_tune=0.25)
    pruned = StructuredPruner().compress(trained(examples["pooling"]), settings, context)
    assert len(calls) == 1
    assert calls[0][0] is pruned
    assert calls[0][1] == 0.25


def test_unprunable(examples: dict[str, Topology]) -> None:
    """What cannot be pruned is listed with the reason."""
    assert unprunable(examples["conv_flatten"]) == (("out", "its channels are the network's outputs"),)
    assert [name for name, _ in unprunable(examples["biased_depthwise"])] == ["first", "out"]
    spec = Conv2D(filters=3, kernel=(3, 3))
    layers = (
        Layer(name="x", spec=Input(shape=(4, 4, 3))),
        Layer(name="a", spec=spec, inputs=("x",)),
        Layer(name="sum", spec=Add(), inputs=("a", "x")),
        Layer(name="one", spec=Conv2D(filters=1, kernel=(3, 3)), inputs=("sum",)),
        Layer(name="soft", spec=Conv2D(filters=4, kernel=(1, 1), activation="softmax"), inputs=("one",)),
        Layer(name="b", spec=spec, inputs=("soft",)),
        Layer(name="c", spec=spec, inputs=("b",)),
        Layer(name="out", spec=Add(), inputs=("c", "b")),
    )
    topology = Topology(layers=layers)
    reasons = dict(unprunable(topology))
    assert list(reasons) == ["a", "one", "soft", "b", "c"]
    assert "network's input" in reasons["a"]
    assert "one channel" in reasons["one"]
    assert "softmax" in reasons["soft"]
    assert "network's outputs" in reasons["b"]
    with pytest.raises(CompressionError, match="removes nothing from one"):
        StructuredPruner().outline(topology, HALF)


def test_a_reshape_that_takes_channels_apart(examples: dict[str, Topology]) -> None:
    """What feeds it must stay, with the reason; what it keeps whole may go, and its shape is narrowed."""
    reasons = dict(unprunable(examples["reshape"]))
    assert reasons["whole"] == "a Reshape spreads its channels over other axes"
    assert set(reasons) == {"whole", "out"}
    outline = StructuredPruner().outline(examples["reshape"], StructuredPruning(filters=0.5))
    assert _widths(outline) == {"c1": 3, "c2": 4, "whole": 12, "c3": 3, "out": 4}
    assert next(layer.spec for layer in outline.layers if layer.name == "rows") == Reshape(shape=(2, 6, 3))


def test_refuses_to_do_nothing(examples: dict[str, Topology]) -> None:
    """A share that removes no channel is refused, by `outline` already, with what could be pruned."""
    with pytest.raises(CompressionError, match=r"removes nothing from h1 \(16 neurons\), h2 \(10 neurons\)"):
        StructuredPruner().outline(examples["mlp"], StructuredPruning(filters=0.5, neurons=0.0))
    mlp = examples["mlp"].layers
    only_output = Topology(layers=(mlp[0], Layer(name="out", spec=Dense(units=4), inputs=("features",))))
    with pytest.raises(CompressionError, match="finds nothing to prune: out: its channels"):
        StructuredPruner().outline(only_output, HALF)


@pytest.mark.parametrize(("layer", "index"), [("h1", 0), ("n1", 3), ("out", 1)])
def test_refuses_weights_that_are_not_finite(
    layer: str, index: int, examples: dict[str, Topology], trained: Trained
) -> None:
    """A kernel, a moving variance or a bias, of layers that are pruned or not."""
    network = trained(examples["mlp"])
    weights = {name: tuple(w.copy() for w in arrays) for name, arrays in weights_of(network).items()}
    weights[layer][index].flat[0] = np.nan if index else np.inf
    set_weights(network, weights)
    with pytest.raises(CompressionError, match=f"'{layer}' has weights that are not finite"):
        _prune(network)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"filters": 1.0}, "share of filters to prune is 1.0, must be at least 0 and below 1"),
        ({"neurons": -0.1}, "share of neurons"),
        ({"filters": float("nan")}, "share of filters"),
        ({"fine_tune": 1.5}, "fine_tune is 1.5"),
        ({"metric": "l3"}, "metric is 'l3'"),
        ({"overrides": (("c1", 2.0),)}, "share of c1"),
        ({"overrides": (("c1", 0.2), ("c1", 0.3))}, "name a group twice"),
    ],
)
def test_settings_are_checked_at_birth(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StructuredPruning(**settings)


def test_identity() -> None:
    assert StructuredPruning(filters=0.0, neurons=0.0).is_identity
    assert not StructuredPruning().is_identity
    assert not StructuredPruning(filters=0.0, neurons=0.0, overrides=(("c1", 0.1),)).is_identity


def test_what_stays_is_said(examples: dict[str, Topology], trained: Trained) -> None:
    """Every layer that could not be pruned, with the reason; nothing where all was."""
    said: list[str] = []
    context = replace(CONTEXT, say=said.append)
    topology = examples["conv_flatten"]
    StructuredPruner().compress(trained(topology), StructuredPruning(filters=0.5, neurons=0.5, fine_tune=0.0), context)
    left = "; ".join(f"{layer}: {reason}" for layer, reason in unprunable(topology))
    assert said == [f"structured_pruning leaves as they are: {left}"]
