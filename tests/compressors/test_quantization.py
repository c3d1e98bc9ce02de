"""The file is integer throughout, small, silent, and the same every time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressors.compressor import CompressionError, Context
from compressors.layers import Add, Conv2D, Dense, Flatten, Input
from compressors.network import build, set_weights, weights_of
from compressors.quantization import FullIntegerQuantization, FullIntegerQuantizer
from compressors.topology import Layer, Topology
from devices.artifact import Artifact
from devices.flatbuffer import read_graph
from devices.graph import DType

Trained = Callable[..., Any]
REPOSITORY = Path(__file__).parents[2]


def _context(shape: tuple[int, ...], labels: tuple[str, ...] = ()) -> Context:
    samples = np.random.default_rng(5).normal(size=(64, *shape)).astype(np.float32)
    return Context(calibration=samples, fine_tune=lambda _network, _share, **_options: None, labels=labels)


def _quantize(network: Any, settings: FullIntegerQuantization | None = None, labels: tuple[str, ...] = ()) -> Artifact:
    context = _context(network.input_shape[1:], labels)
    return FullIntegerQuantizer().compress(network, settings or FullIntegerQuantization(), context)


def test_integer_throughout_with_a_batch_of_one(example: Topology, trained: Trained) -> None:
    """Every tensor is int8 or int32, and nothing is left of a dynamic batch."""
    artifact = _quantize(trained(example), labels=("a", "b", "c", "d"))
    graph = read_graph(artifact.content)
    assert {tensor.dtype for tensor in graph.tensors} <= {DType.INT8, DType.INT32}
    assert not {"SHAPE", "STRIDED_SLICE", "PACK", "QUANTIZE", "DEQUANTIZE"} & {op.name for op in graph.operators}
    assert artifact.input.shape == (1, *example.input_shape)
    assert artifact.output.shape == (1, 4)
    assert artifact.input.dtype is artifact.output.dtype is DType.INT8
    assert artifact.input.scale > 0.0
    assert artifact.labels == ("a", "b", "c", "d")


def test_operators_keep_the_order_of_the_layers() -> None:
    """With branches too, whatever the layers are called: so the arena can be foretold from the topology."""

    def operators(*names: str) -> list[tuple[str, int]]:
        # Each convolution is known by its number of filters.
        a, b, c, d = names
        layers = (
            Layer(name="image", spec=Input(shape=(6, 6, 2))),
            Layer(name=a, spec=Conv2D(filters=3, kernel=(3, 3)), inputs=("image",)),
            Layer(name=b, spec=Conv2D(filters=5, kernel=(3, 3)), inputs=(a,)),
            Layer(name=c, spec=Conv2D(filters=7, kernel=(1, 1)), inputs=("image",)),
            Layer(name=d, spec=Conv2D(filters=5, kernel=(1, 1)), inputs=(c,)),
            Layer(name="sum", spec=Add(), inputs=(b, d)),
            Layer(name="flat", spec=Flatten(), inputs=("sum",)),
            Layer(name="out", spec=Dense(units=2), inputs=("flat",)),
        )
        graph = read_graph(_quantize(build(Topology(layers=layers))).content)
        return [(operator.name, graph.output(operator).shape[-1]) for operator in graph.operators]

    convolutions = [("CONV_2D", width) for width in (3, 5, 7, 5)]
    expected = [*convolutions, ("ADD", 5), ("RESHAPE", 180), ("FULLY_CONNECTED", 2)]
    assert operators("a", "b", "c", "d") == expected
    assert operators("z", "y", "b", "a") == expected


def test_granularity(examples: dict[str, Topology], trained: Trained) -> None:
    """One scale per weight tensor makes a smaller file than one per channel."""
    network = trained(examples["depthwise_separable"])
    sizes = {}
    for granularity in ("channel", "tensor"):
        artifact = _quantize(network, FullIntegerQuantization(granularity=granularity))
        sizes[granularity] = artifact.model_bytes
        graph = read_graph(artifact.content)
        most = max(tensor.scales for tensor in graph.tensors if tensor.dtype is DType.INT8)
        assert most == (12 if granularity == "channel" else 1)
    assert sizes["tensor"] < sizes["channel"]


def test_same_bytes_twice(examples: dict[str, Topology], trained: Trained) -> None:
    """In one process: also for a network of the same weights built anew."""
    network = trained(examples["resnet_projection"])
    twin = build(examples["resnet_projection"])
    set_weights(twin, weights_of(network))
    assert _quantize(network).sha256 == _quantize(network).sha256 == _quantize(twin).sha256


_SCRIPT = """
import sys
import numpy as np
from compressors.compressor import Context
from compressors.network import build, set_weights
from compressors.quantization import FullIntegerQuantization, FullIntegerQuantizer
from compressors.layers import Conv2D, Dense, Flatten, Input
from compressors.topology import Layer, Topology
layers = (
    Layer(name="image", spec=Input(shape=(6, 6, 1))),
    Layer(name="c", spec=Conv2D(filters=4, kernel=(3, 3), activation="relu6"), inputs=("image",)),
    Layer(name="f", spec=Flatten(), inputs=("c",)),
    Layer(name="out", spec=Dense(units=3, activation="softmax"), inputs=("f",)),
)
rng = np.random.default_rng(3)
for _ in range(int(sys.argv[1])):  # names inside the framework count on
    network = build(Topology(layers=layers))
set_weights(network, {"c": (rng.normal(size=(3, 3, 1, 4)), rng.normal(size=4)),
                      "out": (rng.normal(size=(144, 3)), rng.normal(size=3))})
context = Context(calibration=rng.normal(size=(20, 6, 6, 1)).astype("float32"), fine_tune=lambda n, s, **_: None)
artifact = FullIntegerQuantizer().compress(network, FullIntegerQuantization(), context)
print(artifact.sha256)
"""


def test_same_bytes_in_two_processes_and_nothing_else_on_stdout() -> None:
    """Stdout holds what the script prints and no word of the converter."""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", _SCRIPT, count], cwd=REPOSITORY, capture_output=True, text=True, check=True
        ).stdout
        for count in ("1", "3")
    ]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == 65


def test_network_stays(examples: dict[str, Topology], trained: Trained) -> None:
    network = trained(examples["inverted_residual"])
    before = weights_of(network)
    _quantize(network)
    after = weights_of(network)
    assert all(np.array_equal(a, b) for name in before for a, b in zip(before[name], after[name], strict=True))


def test_calibration_is_spread_over_the_data(examples: dict[str, Topology], trained: Trained) -> None:
    """Data sorted by class does not leave out the last class: the range of the last sample counts."""
    network = trained(examples["mlp"])
    samples = np.zeros((50, 12), np.float32)
    samples[-1] = 10.0
    context = Context(calibration=samples, fine_tune=lambda _network, _share, **_options: None)
    artifact = FullIntegerQuantizer().compress(network, FullIntegerQuantization(calibration_samples=4), context)
    assert artifact.input.scale == pytest.approx(10.0 / 255.0, rel=1e-3)


def test_refusals_say_why(examples: dict[str, Topology], trained: Trained) -> None:
    network = trained(examples["mlp"])
    quantizer, settings = FullIntegerQuantizer(), FullIntegerQuantization()

    def refused(network: Any, samples: Any, message: str) -> None:
        context = Context(
            calibration=np.asarray(samples, np.float32), fine_tune=lambda _network, _share, **_options: None
        )
        with pytest.raises(CompressionError, match=message):
            quantizer.compress(network, settings, context)

    refused(network, np.zeros((3, 5)), r"calibration data has shape \(3, 5\), the network needs \(n >= 1, 12\)")
    refused(network, np.zeros((0, 12)), "needs")
    refused(network, np.full((1, 12), np.inf), "calibration data has values that are not finite")
    refused(object(), np.zeros((1, 12)), "must be a tf_keras")
    weights = weights_of(network)
    set_weights(network, {**weights, "h1": (weights["h1"][0] * np.float32(np.nan),)})
    refused(network, np.zeros((1, 12)), "'h1' has weights that are not finite: its training diverged")


def test_refuses_what_has_no_integer_operator() -> None:
    import tensorflow as tf
    import tf_keras
    from tf_keras import layers as k

    source = k.Input((8,))
    network = tf_keras.Model(source, k.Lambda(tf.math.erf)(k.Dense(4)(source)))
    with pytest.raises(CompressionError, match=r"converter refuses the network|not integer throughout"):
        _quantize(network)


def test_settings_are_checked_at_birth() -> None:
    with pytest.raises(ValueError, match="granularity is 'row', must be 'channel' or 'tensor'"):
        FullIntegerQuantization(granularity="row")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="calibration_samples is 0, must be at least 1"):
        FullIntegerQuantization(calibration_samples=0)
