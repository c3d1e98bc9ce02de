"""Rescaling and Normalization compute what they computed, in layers that every technique takes and none trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compressors.clustering import Clusterer, Clustering
from compressors.compressor import CompressionError, Network
from compressors.importance import Metric
from compressors.layers import DepthwiseConv2D, Reshape
from compressors.network import topology_of, weights_of
from compressors.quantization import Quantization, Quantizer
from compressors.quantization_aware_training import QuantizationAwareTrainer, QuantizationAwareTraining
from compressors.standard import standardized
from compressors.structured_pruning import StructuredPruner, StructuredPruning
from tests.compressors.trainer import real_context

Inputs = np.ndarray[Any, np.dtype[np.float32]]


def _inputs(shape: tuple[int, ...], n: int = 64) -> Inputs:
    """Values 0..255, every channel with a range of its own within."""
    rng = np.random.default_rng(2)
    reach = np.linspace(60, 255, shape[-1])
    return (rng.random((n, *shape)) * reach).astype(np.float32)


def _adapted(k: Any, shape: tuple[int, ...], **options: Any) -> Any:
    layer = k.Normalization(name="pre", **options)
    layer.adapt(_inputs(shape))
    return layer


def _network(shape: tuple[int, ...], pre: Callable[[Any], Any], *body: Callable[[Any], Any]) -> Network:
    import tf_keras

    k = tf_keras.layers
    tf_keras.utils.set_random_seed(3)
    made = [each(k) for each in body] or [
        k.Flatten(),
        k.Dense(6, activation="relu", name="hidden"),
        k.Dense(4, activation="softmax"),
    ]
    return tf_keras.Sequential([k.Input(shape), pre(k), *made])


IMAGE, SERIES, VECTOR = (6, 6, 3), (12, 4), (10,)
LAYERS: dict[str, tuple[tuple[int, ...], Callable[[Any], Any]]] = {
    "image-rescaled": (IMAGE, lambda k: k.Rescaling(1 / 127.5, offset=-1, name="pre")),
    "image-by-channel": (IMAGE, lambda k: k.Rescaling([0.1, 0.2, 0.3], offset=[0.0, 1.0, -1.0], name="pre")),
    "image-adapted": (IMAGE, lambda k: _adapted(k, IMAGE)),
    "image-given": (IMAGE, lambda k: k.Normalization(mean=[90, 80, 70], variance=[400, 900, 1600], name="pre")),
    "image-one-mean": (IMAGE, lambda k: _adapted(k, IMAGE, axis=None)),
    "series-adapted": (SERIES, lambda k: _adapted(k, SERIES, axis=2)),
    "picture-without-channels": ((8, 8), lambda k: k.Rescaling(1 / 255, name="pre")),
    "vector-rescaled": (VECTOR, lambda k: k.Rescaling(1 / 255, offset=-0.5, name="pre")),
    "vector-adapted": (VECTOR, lambda k: _adapted(k, VECTOR)),
    "vector-given": (VECTOR, lambda k: k.Normalization(mean=100.0, variance=5000.0, name="pre")),
}


@pytest.mark.parametrize("case", LAYERS)
def test_computes_the_same(case: str) -> None:
    """Within rounding, in a layer of the same name that is fixed; read again, it is the same network."""
    shape, pre = LAYERS[case]
    network = _network(shape, pre)
    standard, x = standardized(network), _inputs(shape)
    np.testing.assert_allclose(standard(x).numpy(), network(x).numpy(), atol=1e-5)
    topology = topology_of(standard)
    fixed = [layer.name for layer in topology.layers if isinstance(layer.spec, DepthwiseConv2D) and layer.spec.is_fixed]
    assert fixed == ["pre"]
    assert not standard.get_layer("pre").trainable_weights
    assert topology_of(standardized(standard)) == topology


def test_no_bias_where_nothing_is_added_and_one_weight_where_one_is_enough() -> None:
    """A vector that is only scaled costs one weight, whatever its length."""
    standard = standardized(_network((300,), lambda k: k.Rescaling(1 / 255, name="pre")))
    assert [array.tolist() for array in weights_of(standard)["pre"]] == [[[[[np.float32(1 / 255)]]]]]
    specs = {layer.name: layer.spec for layer in topology_of(standard).layers}
    assert (specs["pre_image"], specs["pre_vector"]) == (Reshape(shape=(300, 1, 1)), Reshape(shape=(300,)))


def test_behind_other_layers_and_one_behind_the_other() -> None:
    """They stand anywhere, even in a row."""
    network = _network(
        IMAGE,
        lambda k: k.Conv2D(8, 3),
        lambda k: k.Normalization(mean=list(range(8)), variance=list(range(1, 9)), name="middle"),
        lambda k: k.Rescaling(0.5, name="then"),
        lambda k: k.GlobalAveragePooling2D(),
        lambda k: k.Rescaling([1.0, 2, 3, 4, 5, 6, 7, 8], name="flat"),
        lambda k: k.BatchNormalization(),
        lambda k: k.Dense(4),
    )
    standard, x = standardized(network), _inputs(IMAGE)
    expected = network(x, training=False).numpy()
    np.testing.assert_allclose(standard(x, training=False).numpy(), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("metric", ["l1", "taylor"])
def test_pruned_with_the_layer_before_them(metric: Metric) -> None:
    """A channel that goes takes its scale along; what stays is fixed as before."""
    network = _network(
        IMAGE,
        lambda k: k.Conv2D(8, 3),
        lambda k: k.Rescaling(np.arange(1.0, 9.0), offset=0.5, name="middle"),
        lambda k: k.Conv2D(4, 3),
        lambda k: k.Flatten(),
        lambda k: k.Dense(4, activation="softmax"),
    )
    settings = StructuredPruning(filters=0.5, fine_tune=0.0, metric=metric)
    context = real_context(_inputs(IMAGE), np.arange(64) % 4)
    pruned = StructuredPruner().compress(standardized(network), settings, context)
    middle = next(layer.spec for layer in topology_of(pruned).layers if layer.name == "middle")
    assert isinstance(middle, DepthwiseConv2D)
    assert middle.is_fixed
    scales = weights_of(pruned)["middle"][0].ravel().tolist()
    assert len(scales) == 4
    assert sorted(set(scales)) == scales


def test_variance_of_zero_is_divided_by_as_keras_does() -> None:
    """A constant channel becomes 0 where it is what it was, and not infinite."""
    constant = np.array([0.0, 1.0, 2.0], np.float32)
    network = _network((3,), lambda k: k.Normalization(mean=constant.tolist(), variance=[0.0] * 3, name="pre"))
    x = np.tile(constant, (4, 1))
    np.testing.assert_allclose(standardized(network)(x).numpy(), network(x).numpy(), atol=1e-5)


@pytest.mark.parametrize("case", ["image-adapted", "vector-adapted"])
def test_training_leaves_them_alone(case: str) -> None:
    """Fine-tuning, quantisation-aware training and clustering move the other layers and not a bit of these."""
    shape, pre = LAYERS[case]
    standard = standardized(_network(shape, pre))
    context = real_context(_inputs(shape), np.arange(64) % 4)
    start = weights_of(standard)
    trained = QuantizationAwareTrainer().compress(standard, QuantizationAwareTraining(fine_tune=0.5), context)
    clustered = Clusterer().compress(standard, Clustering(clusters=16, fine_tune=0.5), context)
    context.fine_tune(standard, 1.0)
    for network in (standard, trained, clustered):
        found = weights_of(network)
        assert not np.array_equal(found["hidden"][0], start["hidden"][0])
        assert [array.tolist() for array in found["pre"]] == [array.tolist() for array in start["pre"]]


@pytest.mark.parametrize("case", ["image-rescaled", "image-adapted", "series-adapted", "vector-adapted"])
def test_the_trained_file_computes_as_the_network(case: str) -> None:
    """Trained for int8 and quantised, TensorFlow Lite Micro's probabilities are those of the network."""
    pytest.importorskip("tflite_micro", reason="no tflite-micro wheel here")
    from search.evaluate import predict

    shape, pre = LAYERS[case]
    x = _inputs(shape)
    context = real_context(x, np.arange(64) % 4)
    trained = QuantizationAwareTrainer().compress(
        standardized(_network(shape, pre)), QuantizationAwareTraining(fine_tune=0.5), context
    )
    artifact = Quantizer().compress(trained, Quantization(), context)
    port = artifact.output
    found = (predict(artifact, x, "tflm").astype(np.float64) - port.zero_point) * port.scale
    expected = trained(x, training=False).numpy()
    assert np.ptp(expected) > 0.1
    assert np.abs(found - expected).mean() < 0.02


@pytest.mark.parametrize(
    ("shape", "layer", "words"),
    [
        (IMAGE, lambda k: k.Normalization(mean=0.0, variance=1.0, invert=True, name="odd"), "invert is True, must be"),
        (IMAGE, lambda k: k.Normalization(axis=(1, 3), name="odd"), r"axis is \(1, 3\), must be the last"),
        (IMAGE, lambda k: k.Normalization(axis=1, name="odd"), r"axis is \(1,\), must be the last"),
        (IMAGE, lambda k: k.Rescaling(np.ones((6, 1, 1)), name="odd"), r"scale has the shape \(6, 1, 1\), must be one"),
        ((2, *IMAGE), lambda k: k.Rescaling(0.1, name="odd"), "must be an image, a series or a vector"),
    ],
)
def test_refused_with_the_reason(shape: tuple[int, ...], layer: Callable[[Any], Any], words: str) -> None:
    with pytest.raises(CompressionError, match=f"layer 'odd' .* is not supported: .*{words}"):
        standardized(_network(shape, layer))


def test_given_to_a_compressor_the_way_is_named() -> None:
    """Compressors take the known kinds alone."""
    with pytest.raises(CompressionError, match=r"layer 'pre' \(Rescaling\) .* compressors\.standard\.standardized"):
        topology_of(_network(IMAGE, LAYERS["image-rescaled"][1]))
