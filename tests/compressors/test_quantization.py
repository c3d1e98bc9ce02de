"""The file has the bits that were asked for, is small, silent, and the same every time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from compressors.compressor import CompressionError, Context
from compressors.layers import Activation, Add, Conv2D, Dense, Flatten, Input
from compressors.network import build, set_weights, weights_of
from compressors.quantization import Quantization, Quantizer
from compressors.topology import Layer, Topology
from devices.artifact import Artifact
from devices.boards import load_device
from devices.flatbuffer import read_graph
from devices.graph import DType
from devices.support import unsupported
from search.evaluate import EvaluationError, available_interpreter, predict

Trained = Callable[..., Any]
REPOSITORY = Path(__file__).parents[2]
BOARD = load_device("nucleo-l4r5zi")


def _context(shape: tuple[int, ...], labels: tuple[str, ...] = ()) -> Context:
    samples = np.random.default_rng(5).normal(size=(64, *shape)).astype(np.float32)
    return Context(calibration=samples, fine_tune=lambda _network, _share, **_options: None, labels=labels)


def _quantize(network: Any, settings: Quantization | None = None, labels: tuple[str, ...] = ()) -> Artifact:
    context = _context(network.input_shape[1:], labels)
    return Quantizer().compress(network, settings or Quantization(), context)


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
        artifact = _quantize(network, Quantization(granularity=granularity))
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
from compressors.quantization import Quantization, Quantizer
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
artifact = Quantizer().compress(network, Quantization(), context)
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
    artifact = Quantizer().compress(network, Quantization(calibration_samples=4), context)
    assert artifact.input.scale == pytest.approx(10.0 / 255.0, rel=1e-3)


def test_refusals_say_why(examples: dict[str, Topology], trained: Trained) -> None:
    network = trained(examples["mlp"])
    quantizer, settings = Quantizer(), Quantization()

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


PAIRS = ((8, 8), (8, 16), (4, 8), (8, 32), (16, 32), (32, 32))
KINDS = {
    (8, 8): {DType.INT8, DType.INT32},
    (8, 16): {DType.INT8, DType.INT16, DType.INT32, DType.INT64},
    (4, 8): {DType.INT4, DType.INT8, DType.INT32},
    (8, 32): {DType.INT8, DType.FLOAT32, DType.INT32},
    (16, 32): {DType.FLOAT16, DType.FLOAT32, DType.INT32},
    (32, 32): {DType.FLOAT32, DType.INT32},
}
# Root mean square error of the outputs, as a share of their standard deviation; networks are untrained.
WORST = {(8, 8): 0.05, (8, 16): 0.03, (4, 8): 0.3, (8, 32): 0.03, (16, 32): 0.002, (32, 32): 1e-5}
FOUR_BITS = (Quantization(weight_bits=4), Quantization(weight_bits=4, calibration="mse"))
DEVICE_RUNS = ((8, 8), (8, 16), (4, 8), (32, 32))
NAMES = ("conv_flatten", "depthwise_separable", "resnet_projection", "mlp")


def _error(artifact: Artifact, network: Any, interpreter: Any) -> float:
    """Of the artifact's outputs on the calibration data."""
    samples = _context(network.input_shape[1:]).calibration
    expected = network(samples, training=False).numpy()
    outputs = predict(artifact, samples, interpreter).astype(np.float32)
    if artifact.output.scale:
        outputs = (outputs - artifact.output.zero_point) * artifact.output.scale
    return float(np.sqrt(np.square(outputs - expected).mean()) / expected.std())


@pytest.mark.parametrize("pair", PAIRS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_bits(name: str, pair: tuple[Any, Any], examples: dict[str, Topology], trained: Trained) -> None:
    """Every tensor has its type, the outputs are those of the network, and TFLM runs what is supported."""
    network = trained(examples[name])
    artifact = _quantize(network, Quantization(weight_bits=pair[0], activation_bits=pair[1]))
    graph = read_graph(artifact.content)
    assert {tensor.dtype for tensor in graph.tensors} <= KINDS[pair]
    assert KINDS[pair] - {DType.INT32} <= {tensor.dtype for tensor in graph.tensors}
    assert artifact.content == _quantize(network, Quantization(weight_bits=pair[0], activation_bits=pair[1])).content
    assert _error(artifact, network, "litert") < WORST[pair]
    assert bool(unsupported(graph, BOARD)) is (pair not in DEVICE_RUNS)
    if available_interpreter() == "tflm":
        if pair in DEVICE_RUNS:
            assert _error(artifact, network, "tflm") < WORST[pair]
        else:
            with pytest.raises(EvaluationError, match="does not run this file"):
                _error(artifact, network, "tflm")


def _constants(artifact: Artifact) -> list[tuple[str, Any, Any, bytes]]:
    """(operator, its weights' tensor, scales, bytes) of every operator with weights."""
    model = schema.ModelT.InitFromPackedBuf(artifact.content, 0)
    graph, tensors = read_graph(artifact.content), model.subgraphs[0].tensors
    found = []
    for operator in graph.operators:
        if operator.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            tensor = tensors[operator.inputs[1]]
            data = np.asarray(model.buffers[tensor.buffer].data, np.uint8).tobytes()
            found.append((operator.name, graph.tensors[operator.inputs[1]], tensor.quantization.scale, data))
    return found


@pytest.mark.parametrize("granularity", ["channel", "tensor"])
def test_four_bits_are_stored_as_four(granularity: Any, examples: dict[str, Topology], trained: Trained) -> None:
    """Two weights a byte, each within half a step of the real one; depthwise weights keep 8 bits."""
    network = trained(examples["biased_depthwise"])
    artifact = _quantize(network, Quantization(weight_bits=4, granularity=granularity))
    kernels = {name: weights[0] for name, weights in weights_of(network).items()}
    layers = ("first", "c1", "d1", "p1", "out")
    for layer, (operator, tensor, scales, data) in zip(layers, _constants(artifact), strict=True):
        if operator == "DEPTHWISE_CONV_2D":
            assert tensor.dtype is DType.INT8
            continue
        assert tensor.dtype is DType.INT4
        assert len(data) == tensor.constant_bytes == (tensor.elements + 1) // 2
        is_many = operator == "CONV_2D" and granularity == "channel"
        assert len(scales) == (tensor.shape[0] if is_many else 1)
        halves = np.frombuffer(data, np.uint8)
        stored = np.stack([halves & 0xF, halves >> 4], axis=1).ravel()[: tensor.elements].astype(np.int64)
        signed = np.where(stored > 7, stored - 16, stored).reshape(tensor.shape)
        steps = scales.reshape(-1, *[1] * (len(tensor.shape) - 1))
        expected = np.moveaxis(kernels[layer], -1, 0)
        assert np.abs(signed * steps - expected).max() <= scales.max() / 2 * 1.001
        assert np.abs(signed).max() == 7


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("calibration", ["minmax", "mse"])
@pytest.mark.parametrize("name", NAMES)
def test_powers_of_two(name: str, bits: Any, calibration: Any, examples: dict[str, Topology], trained: Trained) -> None:
    """Every scale in the file is one: of weights, activations, biases, and those that kernels fix."""
    layers = (*examples[name].layers, Layer(name="p", spec=Activation(function="softmax"), inputs=("out",)))
    network = trained(Topology(layers=layers))
    settings = Quantization(activation_bits=bits, scales="power_of_two", calibration=calibration)
    artifact = _quantize(network, settings)
    tensors = schema.ModelT.InitFromPackedBuf(artifact.content, 0).subgraphs[0].tensors
    scales = np.concatenate([t.quantization.scale for t in tensors if t.quantization is not None])
    assert len(scales) > 8
    assert (np.frexp(scales)[0] == 0.5).all()
    assert artifact.output.scale == (1 / 256 if bits == 8 else 1 / 32768)
    assert _error(artifact, network, available_interpreter()) < 0.1
    linear = _quantize(network, Quantization(activation_bits=bits))
    assert {t.dtype for t in read_graph(artifact.content).tensors} == {
        t.dtype for t in read_graph(linear.content).tensors
    }


def test_a_percentile_cuts_off_outliers(examples: dict[str, Topology], trained: Trained) -> None:
    """With heavy tails in the calibration data, ordinary inputs keep more resolution than with minimum and maximum."""
    network = trained(examples["mlp"])
    rng = np.random.default_rng(2)
    samples = rng.standard_t(1.5, size=(128, 12)).astype(np.float32)
    clean = rng.normal(size=(64, 12)).astype(np.float32)
    context = Context(calibration=samples, fine_tune=lambda _network, _share, **_options: None)
    expected = network(clean, training=False).numpy()
    errors = {}
    for name in ("minmax", "percentile"):
        settings = Quantization(calibration=name, percentile=99.0)
        artifact = Quantizer().compress(network, settings, context)
        stored = predict(artifact, clean, available_interpreter()).astype(np.float32)
        errors[name] = np.square((stored - artifact.output.zero_point) * artifact.output.scale - expected).mean()
    assert errors["percentile"] < 0.5 * errors["minmax"]


def test_the_least_error_helps_four_bits(examples: dict[str, Topology], trained: Trained) -> None:
    """Weights whose ranges are cut off where it pays come closer to the float network."""
    network = trained(examples["depthwise_separable"])
    whole, cut = (_quantize(network, settings) for settings in FOUR_BITS)
    assert whole.model_bytes == cut.model_bytes
    assert _error(cut, network, available_interpreter()) < 0.6 * _error(whole, network, available_interpreter())


def test_single_layers_get_bits_of_their_own(examples: dict[str, Topology], trained: Trained) -> None:
    """Those named, and no others; what is left at 8 bits is as without overrides."""
    topology = examples["biased_depthwise"]
    network = trained(topology)

    def kinds(settings: Quantization) -> list[str]:
        return [tensor.dtype for _, tensor, _, _ in _constants(_quantize(network, settings))]

    assert kinds(Quantization(overrides=(("p1", 4.0),))) == ["int8", "int8", "int8", "int4", "int8"]
    assert kinds(Quantization(weight_bits=4, overrides=(("out", 8.0),))) == ["int8", "int4", "int8", "int4", "int8"]
    quantizer = Quantizer()
    for overrides, message in (
        ((("p2", 4.0),), "overrides name 'p2', which is no layer with weights: did you mean 'p1'"),
        ((("pool", 4.0),), "overrides name 'pool', which is no layer with weights"),
        ((("d1", 4.0),), "give the depthwise layer 'd1' 4 bits: it keeps 8, leave it out"),
    ):
        settings = Quantization(overrides=overrides)
        with pytest.raises(CompressionError, match=message):
            quantizer.outline(topology, settings)
        with pytest.raises(CompressionError, match=message):
            _quantize(network, settings)
    assert quantizer.outline(topology, Quantization(overrides=(("p1", 4.0), ("d1", 8.0)))) is topology


def test_operators_that_only_the_converter_knows_are_refused() -> None:
    import tf_keras
    from tf_keras import layers as k

    source = k.Input((8,))
    network = tf_keras.Model(source, k.Dense(4)(k.LeakyReLU()(k.Dense(4)(source))))
    assert _quantize(network).output.shape == (1, 4)
    with pytest.raises(CompressionError, match="LEAKY_RELU can be quantised by the converter only: leave weight_bits"):
        _quantize(network, Quantization(weight_bits=4))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weight_bits": 5}, "weight_bits is 5, must be 4, 8, 16 or 32"),
        ({"activation_bits": 4}, "activation_bits is 4, must be 8, 16 or 32"),
        ({"granularity": "row"}, "granularity is 'row', must be 'channel' or 'tensor'"),
        ({"scales": "log"}, "scales is 'log', must be 'linear' or 'power_of_two'"),
        ({"calibration": "kl"}, "calibration is 'kl', must be 'minmax', 'percentile' or 'mse'"),
        ({"calibration_samples": 0}, "calibration_samples is 0, must be at least 1"),
        ({"percentile": 50.0}, "percentile is 50.0, must be above 50 and at most 100"),
        ({"weight_bits": 4, "activation_bits": 16}, "TensorFlow Lite Micro has no kernel for them"),
        ({"weight_bits": 4, "activation_bits": 32}, "no interpreter runs them on a microcontroller"),
        ({"weight_bits": 16}, "16-bit weights with 8-bit activations: float weights need float activations"),
        ({"weight_bits": 32, "activation_bits": 16}, "float weights need float activations; there are 8 and 8"),
        (
            {"weight_bits": 32, "activation_bits": 32, "scales": "power_of_two"},
            "32-bit weights are floats without scal",
        ),
        ({"weight_bits": 16, "activation_bits": 32, "calibration": "mse"}, "16-bit weights are floats without ranges"),
        ({"activation_bits": 32, "calibration": "percentile"}, "32-bit activations are floats without ranges"),
        ({"overrides": (("a", 4.0), ("a", 8.0))}, "overrides name a layer twice: a, a"),
        ({"overrides": (("a", 2.0),)}, "overrides give 'a' 2 bits, must be 4 or 8"),
        ({"overrides": (("a", 4.0),), "activation_bits": 16}, "overrides need 8-bit activations, here they have 16"),
    ],
)
def test_settings_are_checked_at_birth(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Quantization(**fields)
