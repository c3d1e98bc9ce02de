"""What techniques promise, looked up in the file that comes out at the end."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from compressors.catalog import COMPRESSORS, find
from compressors.clustering import Clustering, unclusterable
from compressors.compressor import Compressor, Context, Network, Settings, Stage
from compressors.layers import Conv2D, Dense, DepthwiseConv2D
from compressors.network import topology_of
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from compressors.quantization_aware_training import QuantizationAwareTraining
from compressors.structure import kernels_of
from compressors.topology import Topology
from devices.artifact import Artifact
from devices.flatbuffer import read_artifact, read_graph
from devices.graph import DType
from search.evaluate import predict
from tests.compressors.tflite_weights import scales_of, weights_by_layer

# Stages that a plan may leave out, in order; quantisation stands between the last two.
OPTIONAL = tuple(stage for stage in Stage if stage is not Stage.QUANTIZATION)
Pair = tuple[str, ...]


def neighbours() -> list[Pair]:
    """Names of every two techniques of neighbouring optional stages, and of clustering with what packs clusters."""
    stages = [*itertools.pairwise(OPTIONAL), (Stage.CLUSTERING, Stage.CODING)]
    return [
        (one.name, other.name)
        for first, second in stages
        for one in COMPRESSORS
        for other in COMPRESSORS
        if (one.stage, other.stage) == (first, second)
    ]


def strongest(technique: Compressor[Any]) -> Settings:
    """The last value of every hyperparameter: the strongest setting a search may draw."""
    return technique.settings(**{h.name: h.values[-1] for h in technique.hyperparameters})  # type: ignore[no-any-return]


def applied(names: Pair, network: Network, context: Context) -> tuple[Network, Network, Artifact, Artifact]:
    """The network after the first technique, after all of the network's; the plain 8-bit file, and the last file.

    Raises
    ------
    CompressionError
        When a technique refuses.
    """
    techniques = [find(name) for name in names]
    context = dataclasses.replace(context, quantization=Quantization())
    shaped = early = network
    for number, technique in enumerate(techniques):
        if technique.stage < Stage.QUANTIZATION:
            shaped = technique.compress(shaped, strongest(technique), context)
        early = shaped if number == 0 else early
    coding = [strongest(technique) for technique in techniques if technique.stage > Stage.QUANTIZATION]
    plain = CompressionPlan.of(Quantization()).convert(shaped, context)
    return early, shaped, plain, CompressionPlan.of(Quantization(), *coding).convert(shaped, context)


def check_first(name: str, given: Network, early: Network, content: bytes) -> None:
    """What the technique `name` made of `given`, which was `early`, is in the plain 8-bit file still."""
    stage = find(name).stage
    weights = weights_by_layer(content, topology_of(early))
    if stage is Stage.STRUCTURED_PRUNING:
        _check_shapes(name, topology_of(given), topology_of(early), weights)
    elif stage is Stage.WEIGHT_PRUNING:
        _check_zeros(early, weights)
    elif stage is Stage.CLUSTERING:
        _check_clusters(given, weights)


def _check_shapes(name: str, given: Topology, early: Topology, weights: dict[str, npt.NDArray[np.int8]]) -> None:
    technique = find(name)
    if technique.hyperparameters:
        assert early == technique.outline(given, strongest(technique))
        assert early != given
    specs = {layer.name: layer.spec for layer in early.layers}
    shapes = early.shapes()
    for layer, array in weights.items():
        axis = -1 if isinstance(specs[layer], DepthwiseConv2D) else 0
        assert array.shape[axis] == shapes[layer][-1]


def _check_zeros(early: Network, weights: dict[str, npt.NDArray[np.int8]]) -> None:
    """Each zero stands at its place, and there are at least half of the weights."""
    specs = {layer.name: layer.spec for layer in topology_of(early).layers}
    kernels = {name: kernel for name, kernel in kernels_of(early).items() if isinstance(specs[name], Conv2D | Dense)}
    for name, kernel in kernels.items():
        assert not weights[name][np.moveaxis(kernel, -1, 0) == 0.0].any(), name
    zeros = sum(int((weights[name] == 0).sum()) for name in kernels)
    assert zeros > 0.5 * sum(kernel.size for kernel in kernels.values())


def _check_clusters(given: Network, weights: dict[str, npt.NDArray[np.int8]]) -> None:
    settings = strongest(find("clustering"))
    assert isinstance(settings, Clustering)
    left = dict(unclusterable(given, settings))
    clustered = {name: array for name, array in weights.items() if name not in left}
    assert clustered
    for name, array in clustered.items():
        assert max(len(np.unique(channel)) for channel in array) <= settings.clusters, name


def outputs(artifact: Artifact, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What TensorFlow Lite Micro computes from the file, as real values; its ports are 8-bit."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(artifact.content, arena_size=1 << 21)
    port, found = artifact.input, []
    stored = np.clip(np.round(x / port.scale) + port.zero_point, -128, 127).astype(np.int8)
    for sample in stored:
        interpreter.reset()
        interpreter.set_input(sample[np.newaxis], 0)
        interpreter.invoke()
        found.append(interpreter.get_output(0)[0].astype(np.float32))
    return np.asarray((np.stack(found) - artifact.output.zero_point) * artifact.output.scale, np.float32)


def check_pair(names: Pair, network: Network, context: Context) -> float:
    """Apply both and check all of it; mean error of the file against its network, over the outputs' deviation.

    Raises
    ------
    CompressionError
        When a technique refuses.
    """
    early, shaped, plain, last = applied(names, network, context)
    before = network if find(names[0]).stage < Stage.QUANTIZATION else shaped
    check_first(names[0], before, early, plain.content)
    if find(names[1]).stage < Stage.QUANTIZATION:
        check_first(names[1], early, shaped, plain.content)
    x = context.calibration[:4]
    assert np.array_equal(outputs(last, x), outputs(plain, x))  # coding changes no output
    return error_of(last, shaped, context)


def check(names: Pair, network: Network, context: Context) -> float:
    """`check_pair` of two names, `check_alone` of one."""
    return check_pair(names, network, context) if len(names) > 1 else check_alone(names[0], network, context)


def check_alone(name: str, network: Network, context: Context) -> float:
    """Apply one technique, its result made an 8-bit file where it is none; the file's error as `check_pair` has it.

    Raises
    ------
    CompressionError
        When the technique refuses.
    """
    technique = find(name)
    if technique.stage is Stage.QUANTIZATION:
        return _check_quantization(network, context)
    early, shaped, plain, last = applied((name,), network, context)
    if technique.stage < Stage.QUANTIZATION:
        check_first(name, network, early, plain.content)
    return error_of(last, shaped, context)


def _check_quantization(network: Network, context: Context) -> float:
    """Powers of two are powers of two, four bits are stored as four; the error of the former."""
    power = CompressionPlan.of(Quantization(scales="power_of_two")).convert(network, context)
    assert (np.frexp(scales_of(power.content))[0] == 0.5).all()
    four = CompressionPlan.of(Quantization(weight_bits=4)).convert(network, context)
    graph = read_graph(four.content)
    small = [tensor for tensor in graph.tensors if tensor.dtype is DType.INT4]
    assert small
    assert four.model_bytes < power.model_bytes
    return error_of(power, network, context)


VARIANTS: tuple[Quantization, ...] = (
    Quantization(weight_bits=4),
    Quantization(activation_bits=16),
    Quantization(granularity="tensor"),
    Quantization(scales="power_of_two", calibration="mse"),
    Quantization(weight_bits=4, scales="power_of_two"),
)


def check_variant(settings: Quantization, network: Network, context: Context, *, aware: bool) -> None:
    """One form of quantisation, trained for or not: the file keeps what was promised and runs in TensorFlow Lite Micro.

    Raises
    ------
    CompressionError
        When the technique refuses.
    """
    steps = [QuantizationAwareTraining(fine_tune=0.25)] if aware else []
    plan = CompressionPlan.of(*steps, settings)
    content = plan.convert(plan.shape(network, context), context).content
    graph = read_graph(content)
    weights = [each for each in graph.tensors if each.constant_bytes and each.dtype in (DType.INT4, DType.INT8)]
    if settings.weight_bits == 4:
        assert any(each.dtype is DType.INT4 for each in weights)
    if settings.activation_bits == 16:
        assert graph.tensors[graph.inputs[0]].dtype is DType.INT16
    if settings.granularity == "tensor":
        assert {each.scales for each in weights} == {1}
    if settings.scales == "power_of_two":
        assert (np.frexp(scales_of(content))[0] == 0.5).all()
    assert np.isfinite(outputs_of(content, context.calibration[:2])).all()


def outputs_of(content: bytes, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Stored outputs of a file run by TensorFlow Lite Micro, whatever the type of its ports."""
    artifact = read_artifact(content, ())
    return np.asarray(predict(artifact, x, "tflm"), np.float64)


def error_of(artifact: Artifact, network: Network, context: Context) -> float:
    """Mean error of the file's outputs on four inputs, over the deviation of the network's."""
    x = context.calibration[:4]
    expected = np.asarray(network(x, training=False))
    return float(np.abs(outputs(artifact, x) - expected).mean() / max(1e-6, float(expected.std())))
