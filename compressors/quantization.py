"""Quantisation after training: how many bits weights and activations have in the file, and with which scales.

The scheme is that of Jacob et al., *Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference*, CVPR 2018, with
symmetric weights, per channel or per tensor, as the TFLite quantisation
specification has it.

===========  ===============  ===================================================
weight_bits  activation_bits  file
===========  ===============  ===================================================
8            8                full-integer; the default, written by TFLiteConverter
8            16               full-integer, twice the arena, 64-bit biases
4            8                full-integer, two weights a byte
8            32               dynamic range: activations are quantised while running
16           32               float16 weights, float32 arithmetic
32           32               float32
===========  ===============  ===================================================

TensorFlow Lite Micro has kernels for the first three and for float32;
`devices.support` refuses the others on a board that runs it.  It has none for
4-bit weights with 16-bit activations.  Fully connected operators with 4-bit
weights or 16-bit activations have one scale a tensor, for neither TensorFlow
Lite Micro nor CMSIS-NN take more; weights of depthwise convolutions keep 8 bits,
for they are few and suffer most.

Scales that are powers of two save nothing on TensorFlow Lite Micro: its kernels,
CMSIS-NN's and ESP-NN's multiply by a mantissa of 32 bits and shift whatever the
scale is, and the file and the arena hold multipliers and shifts all the same.
The cost model therefore makes no difference.  They pay where code is generated
for one network or a circuit is laid out, for there the multiplication can go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from compressors.compressor import CompressionError, Context, Hyperparameter, Network, Stage
from devices.artifact import Artifact
from devices.graph import DType, Graph
from devices.suggestion import suggestion

if TYPE_CHECKING:
    import numpy.typing as npt

    from compressors.model_file import ModelFile
    from compressors.scaling import Range
    from compressors.topology import Topology

_INTEGERS = (DType.INT4, DType.INT8, DType.INT16, DType.INT32, DType.INT64)
_LEGAL = ((8, 8), (8, 16), (4, 8), (8, 32), (16, 32), (32, 32))
_REASONS = {
    (4, 16): "TensorFlow Lite Micro has no kernel for them: take 8-bit weights or 8-bit activations",
    (4, 32): "no interpreter runs them on a microcontroller, and 8-bit weights are the dynamic range of computers",
}
_CHOICES: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("weight_bits", (4, 8, 16, 32)),
    ("activation_bits", (8, 16, 32)),
    ("granularity", ("channel", "tensor")),
    ("scales", ("linear", "power_of_two")),
    ("calibration", ("minmax", "percentile", "mse")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantization:
    """Settings of quantisation.

    Attributes
    ----------
    weight_bits
        4, 8, 16 (float16) or 32 (float32).
    activation_bits
        8, 16 or 32 (float32).
    granularity
        One scale for each output channel of a weight tensor, or one for the
        whole tensor: a smaller file, at a cost in accuracy.  Without meaning
        for float weights.
    scales
        Any scale, or powers of two only.
    calibration
        What the ranges of activations hold: all values seen, all but the
        rarest, or those that give the least square error, weights then too.
        A quantisation-aware network has its ranges in itself, and keeps them.
    percentile
        With ``percentile``: per cent of the values below the upper end of a
        range and above the lower end, above 50 and at most 100.
    calibration_samples
        Most inputs to run to find the ranges of the activations, at least 1;
        taken at even distances from the calibration data.
    overrides
        (layer, 4 or 8) pairs: bits of the weights of single layers, with 8-bit
        activations.

    Raises
    ------
    ValueError
        When a value is out of range, the bits have no kernels, or settings
        contradict each other.
    """

    weight_bits: Literal[4, 8, 16, 32] = 8
    activation_bits: Literal[8, 16, 32] = 8
    granularity: Literal["channel", "tensor"] = "channel"
    scales: Literal["linear", "power_of_two"] = "linear"
    calibration: Literal["minmax", "percentile", "mse"] = "minmax"
    percentile: float = 99.99
    calibration_samples: int = 128
    overrides: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        for name, choices in _CHOICES:
            if getattr(self, name) not in choices:
                shown = " or ".join(", ".join(map(repr, choices)).rsplit(", ", 1))
                raise ValueError(f"{name} is {getattr(self, name)!r}, must be {shown}")
        if not 50.0 < self.percentile <= 100.0:
            raise ValueError(f"percentile is {self.percentile}, must be above 50 and at most 100")
        if self.calibration_samples < 1:
            raise ValueError(f"calibration_samples is {self.calibration_samples}, must be at least 1")
        self._check_bits()
        self._check_overrides()

    def _check_bits(self) -> None:
        bits = (self.weight_bits, self.activation_bits)
        if bits not in _LEGAL:
            known = ", ".join(f"{weights} and {activations}" for weights, activations in _LEGAL)
            reason = _REASONS.get(bits, f"float weights need float activations; there are {known}")
            raise ValueError(f"{bits[0]}-bit weights with {bits[1]}-bit activations: {reason}")
        if self.is_float and self.scales == "power_of_two":
            raise ValueError(f"scales are 'power_of_two', but {self.weight_bits}-bit weights are floats without scales")
        if self.activation_bits == 32 and self.calibration == "percentile":
            raise ValueError("calibration is 'percentile', but 32-bit activations are floats without ranges")
        if self.is_float and self.calibration == "mse":
            raise ValueError(f"calibration is 'mse', but {self.weight_bits}-bit weights are floats without ranges")

    def _check_overrides(self) -> None:
        names = [name for name, _ in self.overrides]
        if len(set(names)) < len(names):
            raise ValueError(f"overrides name a layer twice: {', '.join(names)}")
        for name, bits in self.overrides:
            if bits not in (4, 8):
                raise ValueError(f"overrides give {name!r} {bits:g} bits, must be 4 or 8")
        if self.overrides and (self.activation_bits != 8):
            raise ValueError(f"overrides need 8-bit activations, here they have {self.activation_bits}")

    @property
    def is_identity(self) -> bool:
        """Always False: a network becomes a file."""
        return False

    @property
    def is_float(self) -> bool:
        """True where weights are floats."""
        return self.weight_bits > 8

    @property
    def is_converters(self) -> bool:
        """True where TFLiteConverter writes the file that is asked for."""
        is_plain = self.weight_bits == self.activation_bits == 8 and all(bits == 8 for _, bits in self.overrides)
        return is_plain and self.scales == "linear" and self.calibration == "minmax"

    def bits_of(self, operator: str, layer: str) -> int:
        """Bits of the weights that a layer has in an operator.

        Parameters
        ----------
        operator
            Builtin operator name; weights of a depthwise convolution keep 8 bits at least.
        """
        given = int(dict(self.overrides).get(layer, self.weight_bits))
        return max(given, 8) if operator == "DEPTHWISE_CONV_2D" else given

    def weight_scales(self, operator: str, bits: int, channels: int) -> int:
        """Number of scales of weights of `bits` bits in an operator with so many output channels; 0 for floats."""
        if bits > 8:
            return 0
        if self.activation_bits == 32 and operator == "DEPTHWISE_CONV_2D":
            return channels  # with one scale LiteRT runs them, to wrong results
        is_one = operator == "FULLY_CONNECTED" and (bits == 4 or self.activation_bits == 16)
        return 1 if is_one or self.granularity == "tensor" else channels


class Quantizer:
    """Turns a network into the ``.tflite`` that is flashed."""

    name: str = "quantization"
    stage: Stage = Stage.QUANTIZATION
    settings: type[Quantization] = Quantization
    hyperparameters: tuple[Hyperparameter, ...] = (
        Hyperparameter(name="granularity", values=("channel", "tensor"), ordered=False),
        Hyperparameter(name="weight_bits", values=(8, 4)),
    )

    def outline(self, topology: Topology, settings: Quantization) -> Topology:
        """The topology as it is: quantisation leaves shapes alone.

        Raises
        ------
        CompressionError
            When the overrides name a layer that has no weights to quantise.
        """
        from compressors.expansion import steps_of
        from compressors.fusion import WEIGHTED

        if settings.overrides:
            steps = [step for step in steps_of(topology)[0] if step.name in WEIGHTED]
            for name, bits in settings.overrides:
                operators = {step.name for step in steps if step.layer == name}
                _check_override(name, bits, operators, (step.layer for step in steps))
        return topology

    def compress(self, network: Network, settings: Quantization, context: Context) -> Artifact:
        """The slimmed file with a static batch of 1; equal weights and data give equal bytes.

        The file's operators stand in the order of `compressors.network.nodes_of`.

        Raises
        ------
        CompressionError
            When calibration data or weights do not fit or are not finite, when
            the network cannot be quantised as asked, or when the file would
            not be integer throughout where it should be.
        """
        from devices.flatbuffer import read_graph, read_ports
        from devices.slim import slim

        samples = calibration_inputs(network, settings, context)
        content = slim(_converted(network, settings, samples))
        if settings.activation_bits < 32:
            _require_integer(read_graph(content))
        source, result = read_ports(content)
        return Artifact(content=content, input=source, output=result, labels=context.labels)


def calibration_inputs(network: Network, settings: Quantization, context: Context) -> npt.NDArray[np.float32]:
    """Float32 (n, *input_shape), 1 <= n <= calibration_samples.

    Raises
    ------
    CompressionError
        When the data does not fit, or it or a weight is not finite.
    """
    from compressors.network import nodes_of, require_finite, weights_of

    nodes_of(network)  # refuses what is not a network
    data = context.calibration
    expected = tuple(network.inputs[0].shape[1:])
    if data.shape[1:] != expected or not len(data):
        needed = ", ".join(map(str, expected))
        raise CompressionError(f"calibration data has shape {data.shape}, the network needs (n >= 1, {needed})")
    count = min(settings.calibration_samples, len(data))
    samples = data[np.linspace(0, len(data) - 1, count).astype(np.int64)].astype(np.float32)
    if not np.isfinite(samples).all():
        raise CompressionError("calibration data has values that are not finite: remove or replace them")
    require_finite(weights_of(network))
    return samples


def _converted(network: Network, settings: Quantization, samples: npt.NDArray[np.float32]) -> bytes:
    from compressors.calibration import observed_ranges
    from compressors.conversion import float_file, integer_file, is_quantization_aware
    from compressors.host_file import with_half_weights, with_integer_weights
    from compressors.model_file import ModelFile
    from compressors.quantized_file import with_integer_activations
    from compressors.trained_ranges import trained_ranges

    if (trained := trained_ranges(network)) is not None:
        return _as_trained(network, trained, settings)
    if is_quantization_aware(network):
        if settings.activation_bits == 32:
            raise CompressionError(
                "a quantisation-aware network was trained for integers, activation_bits is 32: "
                "give 8 or 16, or leave out the training"
            )
        file = ModelFile(integer_file(network, samples, settings.granularity))
        return with_integer_activations(file, _layers(network, file, settings), file.stored_ranges(), settings)
    if settings.is_converters:
        return integer_file(network, samples, settings.granularity)
    content = float_file(network)
    file = ModelFile(content)
    if settings.weight_bits == 32:
        return content
    if settings.is_float:
        return with_half_weights(file)
    if settings.activation_bits == 32:
        return with_integer_weights(file, settings)
    ranges = observed_ranges(content, samples, settings)
    return with_integer_activations(file, _layers(network, file, settings), ranges, settings)


def _as_trained(network: Network, trained: Mapping[str, Range], settings: Quantization) -> bytes:
    """The file of a network that was trained for quantisation, with the ranges that it was trained with."""
    from compressors.conversion import float_file
    from compressors.model_file import ModelFile
    from compressors.network import topology_of
    from compressors.quantization_aware_training import require_integers
    from compressors.quantized_file import with_integer_activations
    from compressors.trained_ranges import file_ranges

    require_integers(settings.activation_bits)
    file = ModelFile(float_file(network))
    ranges = file_ranges(topology_of(network), trained, file)
    as_trained = replace(settings, calibration="minmax")  # the training rounded weights with nothing cut off
    return with_integer_activations(file, _layers(network, file, settings), ranges, as_trained)


def _layers(network: Network, file: ModelFile, settings: Quantization) -> list[str]:
    """For every operator of the file the layer whose weights it has; "" where no override asks for it."""
    from compressors.conversion import layers_of

    names = layers_of(network, file) if settings.overrides else [""] * len(file.operators)
    for name, bits in settings.overrides:
        kinds = {file.name(operator) for operator, layer in zip(file.operators, names, strict=True) if layer == name}
        _check_override(name, bits, kinds, names)
    return names


def _check_override(name: str, bits: float, operators: Collection[str], weighted: Iterable[str]) -> None:
    if not operators:
        known = dict.fromkeys(each for each in weighted if each)
        raise CompressionError(f"overrides name {name!r}, which is no layer with weights: {suggestion(name, known)}")
    if bits == 4 and set(operators) == {"DEPTHWISE_CONV_2D"}:
        raise CompressionError(f"overrides give the depthwise layer {name!r} 4 bits: it keeps 8, leave it out")


def _require_integer(graph: Graph) -> None:
    for operator in graph.operators:
        for index in (*operator.inputs, *operator.outputs):
            if index >= 0 and graph.tensors[index].dtype not in _INTEGERS:
                raise CompressionError(
                    f"{operator.name} would work on {graph.tensors[index].dtype}: the file is not integer throughout, "
                    "and TensorFlow Lite Micro refuses hybrid files; replace the layer"
                )
