"""Weight clustering: few distinct values in the network and in the file, zeros kept, the given network untouched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from compressors.clustering import Clusterer, Clustering, unclusterable
from compressors.compressor import CompressionError, Context, Network
from compressors.layers import Activation, Dense, Input
from compressors.network import topology_of, weights_of
from compressors.quantization import Quantization, Quantizer
from compressors.structure import kernels_of, zero_projections
from compressors.topology import Layer, Topology
from compressors.weight_tables import weight_tables
from search.datasets.dataset import Split
from search.evaluate import float_accuracy
from search.train import fine_tune, train
from spaces.candidate import TrainingRecipe

Trained = Callable[..., Network]
CLUSTERER = Clusterer()
STILL = Context(calibration=np.zeros((1, 8, 8, 3), np.float32), fine_tune=lambda _network, _share, **_options: None)
RECIPE = TrainingRecipe(epochs=6, batch_size=32, learning_rate=0.01)


def _pruned(network: Network) -> Network:
    """The network with the smaller half of every kernel's weights at 0."""
    for layer in network.layers:
        if layer.name in kernels_of(network):
            kernel, *rest = layer.get_weights()
            kernel[np.abs(kernel) < np.median(np.abs(kernel))] = 0
            layer.set_weights([kernel, *rest])
    return network


def _most_distinct(kernel: npt.NDArray[np.float32], *, by_channel: bool) -> int:
    groups = kernel.reshape(-1, kernel.shape[-1]).T if by_channel else kernel.reshape(1, -1)
    return max(len(np.unique(group)) for group in groups)


def _patterns(n: int, seed: int) -> Split:
    """Four classes of noisy 8x8 images that a small network can tell apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n)
    x = rng.normal(0, 1.0, (n, 8, 8, 3)).astype(np.float32)
    x[np.arange(n), y * 2, :, 0] += 2.0
    x[np.arange(n), :, y * 2, 1] += 1.0
    return Split(x=x, y=y)


def _tuning(split: Split) -> Context:
    def tune(network: Network, share: float, /, **options: Any) -> None:
        fine_tune(network, RECIPE, split, 3, share, **options)

    return Context(calibration=split.x[:32], fine_tune=tune, labels=("a", "b", "c", "d"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clusters": 3}, "clusters is 3, must be 0 .* or from 4 to 64"),
        ({"clusters": 65}, "clusters is 65"),
        ({"initialisation": "zeros"}, "initialisation is 'zeros', must be one of 'linear', 'density'"),
        ({"fine_tune": 1.5}, "fine_tune is 1.5"),
    ],
)
def test_settings_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Clustering(**options)


def test_no_clusters_is_no_clustering() -> None:
    assert Clustering(clusters=0).is_identity
    assert not Clustering(clusters=4).is_identity


@pytest.mark.parametrize(
    ("initialisation", "per_channel"),
    [("linear", False), ("density", False), ("kmeans++", False), ("random", False), ("kmeans++", True)],
)
@pytest.mark.parametrize("is_pruned", [False, True])
def test_kernels_share_few_values(
    initialisation: Any, per_channel: bool, is_pruned: bool, examples: dict[str, Topology], trained: Trained
) -> None:
    """With every start; zeros stay; convolutions without a bias, which tfmot passes over by channel, too."""
    network = trained(examples["resnet_projection"])
    network = _pruned(network) if is_pruned else network
    settings = Clustering(clusters=8, initialisation=initialisation, per_channel=per_channel)
    before = weights_of(network)
    result = CLUSTERER.compress(network, settings, STILL)
    left_out = dict(unclusterable(network, settings))
    assert set(left_out) <= {"s"}, "the 1x1 convolution has 8 weights a channel"
    for name, kernel in kernels_of(result).items():
        if name not in left_out:
            assert 2 <= _most_distinct(kernel, by_channel=per_channel and name != "out") <= 8
        assert not kernel[before[name][0] == 0].any()
    for name, arrays in weights_of(network).items():
        assert all(np.array_equal(a, b) for a, b in zip(arrays, before[name], strict=True))
    assert topology_of(result) == examples["resnet_projection"]


def test_layers_left_out_are_listed_with_the_reason(examples: dict[str, Topology], trained: Trained) -> None:
    network = trained(examples["depthwise_separable"])
    assert dict(unclusterable(network, Clustering(clusters=8))) == {
        "d1": "tfmot does not cluster DepthwiseConv2D layers, for they lose too much accuracy"
    }
    assert dict(unclusterable(network, Clustering(clusters=64)))["out"] == "the kernel has 48 weights for 64 clusters"
    by_channel = dict(unclusterable(network, Clustering(clusters=8, per_channel=True)))
    assert by_channel["p1"] == "a channel has 8 weights for 8 clusters"
    said: list[str] = []
    result = CLUSTERER.compress(network, Clustering(clusters=64), replace(STILL, say=said.append))
    assert np.array_equal(kernels_of(result)["d1"], kernels_of(network)["d1"])
    (sentence,) = said
    assert sentence.startswith("clustering leaves as they are: ")
    for layer, reason in unclusterable(network, Clustering(clusters=64)):
        assert f"{layer}: {reason}" in sentence


def test_channels_that_tfmot_cannot_cluster_are_left_out(examples: dict[str, Topology], trained: Trained) -> None:
    """Too few weights for k-means++, and none but zeros: tfmot fails on either."""
    network = trained(examples["conv_flatten"])
    layer = network.get_layer("c1")
    kernel, bias = layer.get_weights()
    kernel[..., 2] = 0
    kernel[0, 0, 0, 2] = 1.0
    layer.set_weights([kernel, bias])
    plus, linear = (Clustering(clusters=8, per_channel=True, initialisation=start) for start in ("kmeans++", "linear"))
    assert "1 weights that are not 0, too few for k-means++" in dict(unclusterable(network, plus))["c1"]
    assert np.array_equal(kernels_of(CLUSTERER.compress(network, plus, STILL))["c1"], kernel)
    assert "c1" not in dict(unclusterable(network, linear))
    CLUSTERER.compress(network, linear, STILL)
    kernel[0, 0, 0, 2] = 0
    layer.set_weights([kernel, bias])
    assert "zeros only" in dict(unclusterable(network, linear))["c1"]
    assert np.array_equal(kernels_of(CLUSTERER.compress(network, linear, STILL))["c1"], kernel)


def test_kernels_too_small_for_the_clusters_are_refused_untrained(examples: dict[str, Topology]) -> None:
    """Known from the shapes, so a search need not train to find out; one kernel that is large enough will do."""
    topology = examples["depthwise_separable"]
    assert CLUSTERER.outline(topology, Clustering(clusters=32)) == topology
    tiny = Topology(
        layers=(
            Layer(name="x", spec=Input(shape=(4,)), inputs=()),
            Layer(name="out", spec=Dense(units=3), inputs=("x",)),
        )
    )
    assert CLUSTERER.outline(tiny, Clustering(clusters=8)) == tiny
    with pytest.raises(CompressionError, match="nothing to cluster: out: the kernel has 12 weights for 16 clusters"):
        CLUSTERER.outline(tiny, Clustering(clusters=16))


def test_nothing_to_cluster_is_refused(examples: dict[str, Topology], trained: Trained) -> None:
    """Clustered once, the kernels have few values as they are."""
    settings = Clustering(clusters=8)
    once = CLUSTERER.compress(trained(examples["mlp"]), settings, STILL)
    with pytest.raises(CompressionError, match="nothing to cluster: h1: the kernel has no more than 8 distinct values"):
        CLUSTERER.compress(once, settings, STILL)


def test_weights_that_are_not_finite_are_refused(examples: dict[str, Topology], trained: Trained) -> None:
    network = trained(examples["mlp"])
    layer = network.get_layer("h2")
    kernel, bias = layer.get_weights()
    kernel[0, 0] = np.nan
    layer.set_weights([kernel, bias])
    with pytest.raises(CompressionError, match="'h2' has weights that are not finite"):
        CLUSTERER.compress(network, Clustering(), STILL)


@pytest.mark.parametrize("granularity", ["channel", "tensor"])
@pytest.mark.parametrize("name", ["conv_flatten", "resnet_projection"])
def test_the_file_has_few_distinct_values(
    granularity: Any, name: str, examples: dict[str, Topology], trained: Trained
) -> None:
    """At most k in a channel; without normalisations and with one scale at most k in the tensor."""
    inputs = np.random.default_rng(0).normal(size=(16, 8, 8, 3)).astype(np.float32)
    context = Context(calibration=inputs, fine_tune=STILL.fine_tune)
    plain, clustered = (
        trained(examples[name]),
        CLUSTERER.compress(trained(examples[name]), Clustering(clusters=8), STILL),
    )

    def distinct(network: Network) -> list[int]:
        tables = weight_tables(Quantizer().compress(network, Quantization(granularity=granularity), context).content)
        assert all((table.axis is None) is (granularity == "tensor") for table in tables)
        return [table.distinct for table in tables]

    if granularity == "channel" or name == "conv_flatten":
        assert max(distinct(clustered)) <= 8 < max(distinct(plain))
    else:
        assert max(distinct(clustered)) > 8, "a normalisation has multiplied channels of one scale"


def test_fine_tune_keeps_what_was_made_and_wins_accuracy_back(examples: dict[str, Topology], trained: Trained) -> None:
    """Real training of a pruned network: at most 4 values, zeros of left-out layers too; same inputs, same weights."""
    topology = examples["biased_depthwise"]
    softmax = Layer(name="p", spec=Activation(function="softmax"), inputs=("out",))
    topology = Topology(layers=(*topology.layers, softmax))
    learn, check = _patterns(512, 0), _patterns(512, 1)
    network = trained(topology)
    train(network, RECIPE, learn, 0)
    network = _pruned(network)
    context = _tuning(learn)
    context.fine_tune(network, 0.5, projections=zero_projections(network))
    before = weights_of(network)

    def clustered(share: float) -> Network:
        return CLUSTERER.compress(network, Clustering(clusters=4, fine_tune=share), context)

    at_once, tuned, again = clustered(0.0), clustered(1.0), clustered(1.0)
    assert float_accuracy(tuned, check) > float_accuracy(at_once, check) + 0.05
    assert float_accuracy(tuned, check) > float_accuracy(network, check) - 0.05
    for name, kernel in kernels_of(tuned).items():
        assert np.array_equal(kernel, kernels_of(again)[name])
        assert not kernel[before[name][0] == 0].any()
        assert np.count_nonzero(kernel), "not all is 0"
    assert all(len(np.unique(kernels_of(tuned)[name])) <= 4 for name in ("c1", "p1", "out"))
    for name, arrays in weights_of(network).items():
        assert all(np.array_equal(a, b) for a, b in zip(arrays, before[name], strict=True))
