"""Each measure of importance finds the filters that its paper calls least important."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from compressors.compressor import CompressionError, Context
from compressors.importance import METRICS, relative_importance
from compressors.layers import BatchNormalization, Input
from compressors.network import build, set_weights, weights_of
from compressors.structured_pruning import StructuredPruner, StructuredPruning, kept_channels
from compressors.topology import Layer, Topology
from tests.compressors.conftest import HEAD, NORM, RELU, conv, topology

NET = topology(
    image=Input(shape=(8, 8, 3)), c1=conv(6, use_bias=False), n1=NORM, r1=RELU, c2=conv(4, activation="relu"), **HEAD
)


def _unused() -> Iterator[Any]:
    raise AssertionError("only taylor looks at gradients")


def _importance(metric: Any, weights: Any, *producers: str, gradients: Any = _unused) -> dict[str, Any]:
    return relative_importance(NET, weights, metric, producers, gradients)


def _gradients(network: Any, batches: int = 3) -> Iterator[Any]:
    """Of the mean square distance to random targets, on random images, batch normalisation in training."""
    import tensorflow as tf

    rng = np.random.default_rng(5)
    before = network.get_weights()
    for _ in range(batches):
        x = rng.normal(size=(16, *network.input_shape[1:])).astype(np.float32)
        y = rng.normal(size=(16, *network.output_shape[1:])).astype(np.float32)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(network(x, training=True) - y))
        network.set_weights(before)
        variables = network.trainable_variables
        found = {id(v): g.numpy() for v, g in zip(variables, tape.gradient(loss, variables), strict=True)}
        yield {
            layer.name: tuple(found.get(id(weight)) for weight in layer.weights)
            for layer in network.layers
            if layer.weights
        }


def test_norms_by_hand(trained: Any) -> None:
    weights = weights_of(trained(NET))
    kernel = weights["c2"][0].astype(np.float64)
    absolute = np.abs(kernel).sum(axis=(0, 1, 2))
    np.testing.assert_allclose(_importance("l1", weights, "c2")["c2"], absolute / absolute.mean())
    square = np.sqrt(np.square(kernel).sum(axis=(0, 1, 2)))
    np.testing.assert_allclose(_importance("l2", weights, "c2")["c2"], square / square.mean())


def test_geometric_median_finds_the_filter_that_others_can_stand_in_for(trained: Any) -> None:
    """It is not the smallest: norms would remove another."""
    weights = weights_of(trained(NET))
    kernel = np.zeros_like(weights["c2"][0])
    for channel, (a, b) in enumerate([(9, 0), (0, 9), (5, 5), (1, 0)]):  # the third lies between the first two
        kernel[0, 0, 0, channel], kernel[0, 0, 1, channel] = a, b
    changed = {**weights, "c2": (kernel, weights["c2"][1])}
    assert np.argmin(_importance("l2", changed, "c2")["c2"]) == 3
    assert np.argmin(_importance("geometric_median", changed, "c2")["c2"]) == 2
    flat = kernel.reshape(-1, 4).T.astype(np.float64)
    distances = [[np.linalg.norm(one - other) for other in flat] for one in flat]
    expected = np.sum(distances, axis=1)
    np.testing.assert_allclose(_importance("geometric_median", changed, "c2")["c2"], expected / expected.mean())


def test_bn_scale_reads_the_gamma_that_follows(trained: Any) -> None:
    weights = weights_of(trained(NET))
    gamma = np.array([3, -2, 1, 0.5, 4, -5], np.float32)
    changed = {**weights, "n1": (gamma, *weights["n1"][1:])}
    expected = np.abs(gamma) / np.abs(gamma).mean()
    np.testing.assert_allclose(_importance("bn_scale", changed, "c1")["c1"], expected)


def test_bn_scale_refuses_where_there_is_none(trained: Any) -> None:
    """Silently judging by something else would be another experiment; a group that is not pruned needs none."""
    network = trained(NET)
    context = Context(calibration=np.zeros((1, 8, 8, 3), np.float32), fine_tune=lambda *_args, **_options: None)
    settings = StructuredPruning(filters=0.5, metric="bn_scale", fine_tune=0.0)
    with pytest.raises(CompressionError, match=r"needs a BatchNormalization behind layer 'c2'.*overrides"):
        StructuredPruner().compress(network, settings, context)
    only_first = StructuredPruning(filters=0.5, metric="bn_scale", fine_tune=0.0, overrides=(("c2", 0.0),))
    kept = kept_channels(network, only_first, context)
    gamma = np.abs(weights_of(network)["n1"][0])
    assert set(kept["c1"]) == set(np.argsort(gamma)[3:])
    unscaled = Topology(
        layers=tuple(
            Layer(name=each.name, spec=BatchNormalization(scale=False), inputs=each.inputs)
            if each.name == "n1"
            else each
            for each in NET.layers
        )
    )
    with pytest.raises(CompressionError, match="made with scale=False"):
        kept_channels(build(unscaled), only_first, context)


def test_taylor_is_the_loss_slope_by_a_factor_on_the_channel(trained: Any) -> None:
    """For each channel: scale it by 1 +- h everywhere, and see the loss of each batch change."""
    import tensorflow as tf

    network = trained(NET)
    weights = weights_of(network)
    found = _importance("taylor", weights, "c1", "c2", gradients=lambda: _gradients(network, batches=2))
    for name, layers in (("c1", ("n1",)), ("c2", ("c2",))):
        width = weights[name][0].shape[-1]
        squares = np.zeros(width)
        for channel in range(width):
            losses = []
            for factor in (0.99, 1.01):
                changed = {key: tuple(w.copy() for w in arrays) for key, arrays in weights.items()}
                for layer in layers:
                    for array in changed[layer][:2]:
                        array[..., channel] *= factor
                other = build(NET)
                set_weights(other, changed)
                rng = np.random.default_rng(5)
                for _ in range(2):
                    x, y = rng.normal(size=(16, 8, 8, 3)), rng.normal(size=(16, 4))
                    out = other(x.astype(np.float32), training=True)
                    set_weights(other, changed)
                    losses.append(float(tf.reduce_mean(tf.square(out - y.astype(np.float32)))))
            slopes = (np.array(losses[2:]) - np.array(losses[:2])) / 0.02
            squares[channel] = np.square(slopes).mean()
        np.testing.assert_allclose(found[name], squares / squares.mean(), rtol=0.05, atol=0.02)


def test_taylor_sees_what_norms_cannot(trained: Any) -> None:
    """Filters that nothing reads have large weights and no effect: taylor removes them first."""
    network = trained(NET)
    weights = {name: tuple(w.copy() for w in arrays) for name, arrays in weights_of(network).items()}
    weights["c1"][0][..., [0, 3]] *= 100.0
    weights["c2"][0][:, :, [0, 3], :] = 0.0
    set_weights(network, weights)
    context = Context(
        calibration=np.zeros((1, 8, 8, 3), np.float32), fine_tune=lambda *_args, **_options: None, gradients=_gradients
    )
    settings = StructuredPruning(filters=2 / 6, metric="taylor", fine_tune=0.0)
    assert kept_channels(network, settings, context)["c1"].tolist() == [1, 2, 4, 5]
    by_norm = StructuredPruning(filters=2 / 6, metric="l2", fine_tune=0.0)
    assert {0, 3} <= set(kept_channels(network, by_norm, context)["c1"].tolist())


def test_taylor_refuses_without_gradients(trained: Any) -> None:
    network = trained(NET)
    weights = weights_of(network)
    context = Context(calibration=np.zeros((1, 8, 8, 3), np.float32), fine_tune=lambda *_args, **_options: None)
    with pytest.raises(CompressionError, match="structured pruning by taylor looks at gradients on labelled data"):
        kept_channels(network, StructuredPruning(filters=0.5, metric="taylor"), context)
    with pytest.raises(CompressionError, match="needs a batch of labelled data"):
        _importance("taylor", weights, "c2", gradients=lambda: iter(()))
    with pytest.raises(CompressionError, match="'c2', which is not trained"):
        _importance("taylor", weights, "c2", gradients=lambda: iter([{"c2": (None, None)}]))
    broken = np.full_like(weights["c2"][0], np.nan)
    with pytest.raises(CompressionError, match="gradients of layer 'c2' are not finite"):
        _importance("taylor", weights, "c2", gradients=lambda: iter([{"c2": (broken, broken)}]))


def test_every_metric_judges_relative_to_the_layer(trained: Any) -> None:
    """Means are 1, so that welded layers count alike; the network is left as it was."""
    network = trained(NET)
    weights = weights_of(network)
    for metric in METRICS:
        found = _importance(metric, weights, "c1", gradients=lambda: _gradients(network))["c1"]
        assert found.shape == (6,)
        assert (found >= 0).all()
        assert found.mean() == pytest.approx(1.0)
    after = weights_of(network)
    assert all(np.array_equal(a, b) for name in weights for a, b in zip(weights[name], after[name], strict=True))
