"""The trained network computes as its file, keeps what stood before, and its file is as good as the float network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from compressors.compressor import CompressionError, Context, FineTune, Network
from compressors.layers import BatchNormalization, Conv2D, Dense, Flatten, GlobalPooling2D, Input, Pooling2D
from compressors.lower import lower
from compressors.network import build, set_weights, topology_of, weights_of
from compressors.plan import CompressionPlan, PlanError
from compressors.qat_parts import folding_of
from compressors.quantization import Quantization, Quantizer
from compressors.quantization_aware_training import QuantizationAwareTrainer, QuantizationAwareTraining
from compressors.topology import Topology
from compressors.trained_ranges import range_groups, trained_ranges
from devices.artifact import Artifact
from devices.flatbuffer import read_graph
from tests.compressors.conftest import IMAGE, NORM, RELU, RELU6, SOFTMAX, conv, depthwise, topology

Floats = npt.NDArray[np.float32]
Trained = Callable[..., Network]
SETTINGS = QuantizationAwareTraining(fine_tune=0.01)  # one epoch, the shortest there is
KINDS = (
    Quantization(),
    Quantization(granularity="tensor"),
    Quantization(weight_bits=4),
    Quantization(weight_bits=4, granularity="tensor"),
    Quantization(activation_bits=16),
    Quantization(scales="power_of_two"),
)


def _inputs(topology: Topology, n: int = 48) -> Floats:
    return np.random.default_rng(7).normal(size=(n, *topology.input_shape)).astype(np.float32)


def _nothing(_network: Network, _share: float, /, **_options: Any) -> None:
    """A fine-tune that trains nothing."""


def _context(topology: Topology, quantization: Quantization | None = None, fine_tune: FineTune = _nothing) -> Context:
    return Context(calibration=_inputs(topology), fine_tune=fine_tune, quantization=quantization)


class _Spy:
    """A fine-tune that does nothing but remember what it was given."""

    def __call__(self, network: Network, share: float, /, **_options: Any) -> None:
        self.network, self.share = network, share


def _outputs(artifact: Artifact, x: Floats) -> Floats:
    """Real outputs (n, *output_shape) of TensorFlow Lite Micro."""
    from search.evaluate import predict

    port = artifact.output
    return ((predict(artifact, x, "tflm").astype(np.float64) - port.zero_point) * port.scale).astype(np.float32)


@pytest.mark.parametrize(
    "quantization", KINDS, ids=lambda q: f"{q.weight_bits}x{q.activation_bits}{q.granularity}{q.scales}"
)
def test_trained_network_computes_as_the_file(
    examples: dict[str, Topology], trained: Trained, quantization: Quantization
) -> None:
    """What is trained is the integer file itself, but for the runtime's own rounding: a step of the output."""
    pytest.importorskip("tflite_micro", reason="no tflite-micro wheel here")
    _compare_with_the_file(examples["depthwise_separable"], trained, quantization)


def test_every_structure_computes_as_its_file(example: Topology, trained: Trained) -> None:
    """Normalisation in any place, sums of three, concatenations of one scale, activations of a fixed scale."""
    pytest.importorskip("tflite_micro", reason="no tflite-micro wheel here")
    _compare_with_the_file(example, trained, Quantization())


def _compare_with_the_file(given: Topology, trained: Trained, quantization: Quantization) -> None:
    spy, x = _Spy(), _inputs(given)
    context = _context(given, quantization, fine_tune=spy)
    result = QuantizationAwareTrainer().compress(trained(given), SETTINGS, context)
    artifact = Quantizer().compress(result, quantization, context)
    steps = np.abs(_outputs(artifact, x) - spy.network(x, training=False).numpy()) / artifact.output.scale
    assert np.quantile(steps, 0.9) < 1.1
    assert steps.max() < 3.1
    assert [o.name for o in read_graph(artifact.content).operators] == [
        o.name for o in lower(given, quantization).operators
    ]
    names = {name for group in range_groups(given) for name in group}
    assert names <= dict(trained_ranges(result) or {}).keys()


def test_nothing_trained_changes_nothing(example: Topology, trained: Trained) -> None:
    """Without training the network that comes back computes what the given one does, which stays as it is."""
    network, x = trained(example), _inputs(example)
    before = weights_of(network)
    result = QuantizationAwareTrainer().compress(network, SETTINGS, _context(example))
    assert topology_of(result) == example
    assert result is not network
    assert trained_ranges(network) is None
    assert np.abs(result(x).numpy() - network(x).numpy()).max() < 1e-5
    for name, weights in weights_of(network).items():
        assert all(np.array_equal(a, b) for a, b in zip(weights, before[name], strict=True))


ODD = {
    "no_offset": BatchNormalization(center=False),
    "no_scale": BatchNormalization(scale=False),
    "neither": BatchNormalization(center=False, scale=False),
    "plain": NORM,
}


@pytest.mark.parametrize("norm", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("bias", [True, False])
def test_what_was_trained_goes_back_into_the_layers(norm: BatchNormalization, bias: bool, trained: Trained) -> None:
    """Weights and the way back are inverse, where normalisation is folded and where it stands alone."""
    given = topology(
        image=IMAGE, c=conv(4, use_bias=bias), n1=norm, d=depthwise(use_bias=bias), n2=norm, r=RELU, n3=norm,
        flat=Flatten(), h=Dense(units=5, use_bias=bias), n4=norm, a=RELU6, out=Dense(units=3),
    )  # fmt: skip
    folding = folding_of(given, weights_of(trained(given)))
    rng = np.random.default_rng(0)
    moved = {
        part.name: tuple(w + rng.normal(0, 0.1, w.shape).astype(np.float32) * part.is_trained for w in part.weights)
        for part in folding.parts()
        if part.weights
    }
    again = folding_of(given, folding.restored(moved))
    for part in again.parts():
        for one, other in zip(part.weights, moved.get(part.name, ()), strict=True):
            assert np.abs(one - other).max() < 1e-4, part.name


# --- on digits -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Digits:
    """A trained network, what trains it on, and what scores it."""

    network: Network
    context: Context
    split: Any

    def accuracy(self, network: Network, quantization: Quantization) -> float:
        from search.evaluate import accuracy

        return accuracy(Quantizer().compress(network, quantization, self.context), self.split, "tflm").value

    def trained(self, network: Network, quantization: Quantization, share: float = 0.01) -> Network:
        context = dataclasses.replace(self.context, quantization=quantization)
        return QuantizationAwareTrainer().compress(network, QuantizationAwareTraining(fine_tune=share), context)


@pytest.fixture(scope="module")
def digits() -> Digits:
    pytest.importorskip("tflite_micro", reason="no tflite-micro wheel here")
    import tf_keras
    from sklearn.datasets import load_digits

    from search.datasets.dataset import Split
    from search.train import fine_tune, train
    from spaces.candidate import TrainingRecipe

    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    x, y = (bunch.images[order] / 16).astype(np.float32)[..., np.newaxis], bunch.target[order].astype(np.int64)
    split, validation = Split(x=x[:1100], y=y[:1100]), Split(x=x[1100:], y=y[1100:])
    recipe = TrainingRecipe(epochs=15, batch_size=50, learning_rate=0.01)
    tf_keras.utils.set_random_seed(1)
    network = build(
        topology(
            image=Input(shape=(8, 8, 1)),
            c1=conv(8, activation="relu"),
            pool=Pooling2D(kind="max", size=(2, 2), strides=(2, 2)),
            d=depthwise(use_bias=False),
            n1=NORM,
            r1=RELU,
            c2=Conv2D(filters=12, kernel=(1, 1), use_bias=False),
            n2=NORM,
            r2=RELU,
            flat=Flatten(),
            out=Dense(units=10),
            probabilities=SOFTMAX,
        )
    )
    train(network, recipe, split, 1)
    context = Context(
        calibration=split.x,
        fine_tune=lambda network, share, **options: fine_tune(network, recipe, split, 5, share, **options),
        labels=tuple("0123456789"),
    )
    return Digits(network, context, validation)


def _rescaled(network: Network, factor: Floats) -> Network:
    """The same function with the first layer's output channels multiplied by `factor` (8,), undone in the next."""
    twin, weights = build(topology_of(network)), weights_of(network)
    kernel, bias = weights["c1"]
    weights["c1"] = (kernel * factor, bias * factor)
    weights["d"] = (weights["d"][0] / factor[:, np.newaxis],)
    set_weights(twin, weights)
    return twin


@pytest.mark.parametrize("factor", [1.0, 100.0])
def test_shortest_training_ends_at_float_accuracy(digits: Digits, factor: float) -> None:
    """22 steps do not end below what they began with, wherever the activations lie.

    Ranges that start at -6..6 and move by a thousandth a step do where activations are large.
    """
    from search.evaluate import float_accuracy

    network = _rescaled(digits.network, np.full(8, factor, np.float32))
    full = float_accuracy(network, digits.split)
    plain = digits.accuracy(network, Quantization())
    aware = digits.accuracy(digits.trained(network, Quantization()), Quantization())
    assert full > 0.95
    assert aware >= plain - 0.01
    assert aware >= full - 0.01


def test_repairs_what_one_scale_breaks(digits: Digits) -> None:
    """Channels of different size with one scale a tensor: quantisation alone loses much, training wins it back."""
    quantization = Quantization(granularity="tensor")
    uneven = _rescaled(digits.network, np.geomspace(1, 3000, 8).astype(np.float32))
    plain = digits.accuracy(uneven, quantization)
    aware = digits.accuracy(digits.trained(uneven, quantization, 0.2), quantization)
    assert plain < 0.9
    assert aware > plain + 0.05


def test_trains_for_the_plans_quantisation(digits: Digits) -> None:
    """Weights of four bits: the plan says so, and the training makes up for it."""
    quantization = Quantization(weight_bits=4, granularity="tensor")
    plan = CompressionPlan.of(QuantizationAwareTraining(fine_tune=0.2), quantization)
    shaped = plan.shape(digits.network, digits.context)
    assert digits.accuracy(shaped, quantization) > digits.accuracy(digits.network, quantization) + 0.01
    assert "INT4" in {tensor.dtype.name for tensor in read_graph(plan.convert(shaped, digits.context).content).tensors}


def test_ranges_of_the_file_are_those_trained(digits: Digits) -> None:
    """The output of a layer moves with the training and is found in the file; the input's stays what the data has."""
    first = digits.trained(digits.network, Quantization())
    ranges = trained_ranges(first)
    assert ranges is not None
    assert ranges["image"] == (0.0, 1.0)
    observed = np.max(digits.network.layers[1](digits.context.calibration[:128]))
    assert ranges["c1"][1] != pytest.approx(float(observed), rel=1e-6)
    artifact = Quantizer().compress(first, Quantization(), digits.context)
    scales = {round(float(t), 9) for t in _activation_scales(artifact)}
    low, high = ranges["out"]
    assert round(float(np.float32((max(high, 0) - min(low, 0)) / 255)), 9) in scales


def _activation_scales(artifact: Artifact) -> list[float]:
    from compressors.model_file import ModelFile

    file = ModelFile(artifact.content)
    return [
        float(t.quantization.scale[0])
        for i, t in enumerate(file.tensors)
        if file.is_scaled(i) and file.is_activation(i)
    ]


def test_equal_runs_give_equal_files(digits: Digits) -> None:
    """The training and the file hang on the network, the data and the settings alone."""
    one, other = (
        Quantizer().compress(digits.trained(digits.network, Quantization()), Quantization(), digits.context)
        for _ in range(2)
    )
    assert one.content == other.content


def _sparse(kernel: Floats) -> Floats:
    return np.asarray(kernel * (np.abs(kernel) >= np.quantile(np.abs(kernel), 0.5)), np.float32)


def _clustered(kernel: Floats) -> Floats:
    step = np.abs(kernel).max() / 5
    return np.asarray(np.round(kernel / step) * step, np.float32)


@pytest.mark.parametrize(
    "make", [_sparse, _clustered, lambda kernel: _clustered(_sparse(kernel))], ids=["zeros", "clusters", "both"]
)
def test_structure_stays(digits: Digits, make: Callable[[Floats], Floats]) -> None:
    """Zeros and clusters of earlier stages outlast the training, zeros are in the file too, and weights have moved."""
    given, weights = build(topology_of(digits.network)), weights_of(digits.network)
    made = {name: make(weights[name][0]) for name in ("c1", "c2", "out")}
    set_weights(given, weights | {name: (kernel, *weights[name][1:]) for name, kernel in made.items()})
    result = digits.trained(given, Quantization())
    for name, kernel in made.items():
        after = weights_of(result)[name][0]
        assert np.array_equal(after == 0, kernel == 0) or not (after[kernel == 0]).any()
        if make is not _sparse:
            assert len(np.unique(after)) <= len(np.unique(kernel))
        assert not np.array_equal(after, kernel)
    artifact = Quantizer().compress(result, Quantization(), digits.context)
    assert _zeros(artifact) >= sum(int((kernel == 0).sum()) for kernel in made.values())


def _zeros(artifact: Artifact) -> int:
    from compressors.model_file import ModelFile

    file = ModelFile(artifact.content)
    kernels = {int(o.inputs[1]) for o in file.operators if file.name(o) in ("CONV_2D", "FULLY_CONNECTED")}
    return sum(int((file.content(index).view(np.int8) == 0).sum()) for index in kernels)


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [{"fine_tune": -0.1}, {"fine_tune": 1.5}, {"momentum": 1.0}, {"momentum": -0.5}])
def test_settings_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(bad))} is .*, must be"):
        QuantizationAwareTraining(**bad)


def test_no_training_is_left_out_of_a_plan() -> None:
    plan = CompressionPlan.of(QuantizationAwareTraining(fine_tune=0.0), Quantization())
    assert plan.steps == (Quantization(),)


def test_float_activations_are_refused_at_birth_and_later(examples: dict[str, Topology], trained: Trained) -> None:
    """There is nothing to train for; a network trained for integers does not become such a file either."""
    floats = Quantization(weight_bits=32, activation_bits=32)
    with pytest.raises(PlanError, match="trains for integer activations"):
        CompressionPlan.of(SETTINGS, floats)
    given = examples["mlp"]
    with pytest.raises(CompressionError, match="trains for integer activations"):
        QuantizationAwareTrainer().compress(trained(given), SETTINGS, _context(given, floats))
    aware = QuantizationAwareTrainer().compress(trained(given), SETTINGS, _context(given))
    with pytest.raises(CompressionError, match="trains for integer activations"):
        Quantizer().compress(aware, floats, _context(given))


def test_what_cannot_be_trained_is_refused(examples: dict[str, Topology], trained: Trained) -> None:
    """No calibration data, weights that are not finite, no weights at all."""
    given = examples["mlp"]
    with pytest.raises(CompressionError, match="calibration data has shape"):
        QuantizationAwareTrainer().compress(
            trained(given), SETTINGS, dataclasses.replace(_context(given), calibration=np.zeros((0, 12), np.float32))
        )
    broken = trained(given)
    broken.get_layer("h2").kernel.assign(broken.get_layer("h2").kernel * np.nan)
    with pytest.raises(CompressionError, match="'h2' has weights that are not finite"):
        QuantizationAwareTrainer().compress(broken, SETTINGS, _context(given))
    bare = topology(image=IMAGE, pool=GlobalPooling2D(kind="average"))
    with pytest.raises(CompressionError, match="finds no weights to train"):
        QuantizationAwareTrainer().compress(build(bare), SETTINGS, _context(bare))
