"""The networks that quantisation-aware training works with, in ``tf_keras`` and tfmot's wrappers.

Imported only where a network is trained, for it imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tf_keras
from tensorflow_model_optimization.quantization import keras as tfmot

from compressors.compressor import Network, Projections
from compressors.fusion import FIXED_SCALE, fused
from compressors.keras_layers import to_keras
from compressors.layers import Conv2D, Dense, DepthwiseConv2D, Input
from compressors.qat_layers import ActivationQuantizer, ByChannel, ConstantQuantizer, LayerConfig, WeightQuantizer
from compressors.qat_parts import Floats, Folding, Part, Product, Sum, Weighted, reciprocal
from compressors.scaling import Range
from compressors.topology import Layer
from compressors.trained_ranges import range_groups

if TYPE_CHECKING:
    from compressors.program import Step
    from compressors.quantization import Quantization

_PREFIX = "quant_"
_BATCH = 128
_OPERATORS = {Conv2D: "CONV_2D", DepthwiseConv2D: "DEPTHWISE_CONV_2D", Dense: "FULLY_CONNECTED"}
_KERNELS = {Conv2D: "kernel", DepthwiseConv2D: "depthwise_kernel", Dense: "kernel"}
_UNIT = 255 / 256
# What outputs reach whose scale the kernel sets, with 8 bits; with 16 they all reach the same.
_FIXED: Mapping[str, Range] = {"SOFTMAX": (0.0, _UNIT), "LOGISTIC": (0.0, _UNIT), "TANH": (-1.0, 127 / 128)}
_FIXED_16: Range = (-32767 / 32768, 32767 / 32768)


@dataclass(frozen=True, slots=True)
class Emulation:
    """A network that computes as the quantised file will, to be trained.

    Attributes
    ----------
    network
        Layers that are quantised are called ``quant_`` and the name of the part.
    variables
        Weights of every part that has any, in the order of `Part.weights`.
    """

    network: Network
    variables: Mapping[str, tuple[Any, ...]]

    def weights(self) -> dict[str, tuple[Floats, ...]]:
        """Weights by part as they are now."""
        return {name: tuple(v.numpy() for v in variables) for name, variables in self.variables.items()}

    def ranges(self) -> dict[str, Range]:
        """Ranges of activations as they are now, by part."""
        found = {}
        for layer in self.network.layers:
            if ends := getattr(layer, "_output_quantizer_vars", None):
                found[layer.name.removeprefix(_PREFIX)] = float(ends["min_var"]), float(ends["max_var"])
        return found


def emulation(folding: Folding, samples: Floats, quantization: Quantization, momentum: float) -> Emulation:
    """The network that is trained, with the ranges that `samples` (n, *input_shape) give in the float network."""
    parts = folding.parts()
    layers = {part.name: _layer(part) for part in parts}
    plain = _connected(parts, layers)
    for part in parts:
        if part.weights:
            layers[part.name].set_weights(list(part.weights))
    variables = {part.name: tuple(layers[part.name].weights) for part in parts if part.weights}
    wrapping = _Wrapping(folding, quantization, momentum, *_ranges(plain, folding, samples))
    wrapped = {part.name: wrapping.wrapped(part, layers[part.name]) for part in parts}
    return Emulation(_connected(parts, wrapped), variables)


def folded_projections(folding: Folding, projections: Projections) -> Projections:
    """`projections` of the given network's kernels for the kernels that an `Emulation` trains.

    Where a channel's normalisation multiplies by 0, its kernel stays 0.  That
    of a fixed layer stays what it is: tfmot's wrappers train every kernel.
    """
    found: dict[str, Any] = {}
    for part in folding.parts():
        if isinstance(part.spec, DepthwiseConv2D) and part.spec.is_fixed:
            found[f"{_PREFIX}{part.name}"] = _Kept(part.weights[0])
        elif isinstance(part.spec, Weighted):
            factor = folding.factor(part)
            project = projections.get(part.layer)
            if project is not None or not factor.all():
                found[f"{_PREFIX}{part.name}"] = _Projection(project, factor)
    return found


@dataclass(frozen=True, slots=True)
class _Projection:
    project: Any
    factor: Floats

    def __call__(self, kernel: Any) -> Any:
        unfolded = kernel * reciprocal(self.factor)
        return (unfolded if self.project is None else self.project(unfolded)) * self.factor


@dataclass(frozen=True, slots=True)
class _Kept:
    kernel: Floats

    def __call__(self, kernel: Any) -> Any:  # noqa: ARG002  # as every projection
        return self.kernel


def _layer(part: Part) -> Any:
    if isinstance(part.spec, Input):
        return tf_keras.layers.Activation("linear", name=part.name)
    if isinstance(part.spec, Product | Sum):
        return ByChannel(is_product=isinstance(part.spec, Product), name=part.name, trainable=part.is_trained)
    return to_keras(Layer(name=part.name, spec=part.spec, inputs=part.inputs))


def _connected(parts: tuple[Part, ...], layers: Mapping[str, Any]) -> Network:
    """The network of `parts`; what stands for its input reads the input."""
    source = tf_keras.Input(parts[0].spec.shape, name=f"{parts[0].name}/source")  # type: ignore[union-attr]  # the first is an Input
    tensors: dict[str, Any] = {}
    for part in parts:
        reads = [tensors[name] for name in part.inputs] or [source]
        tensors[part.name] = layers[part.name](reads if len(reads) > 1 else reads[0])
    return tf_keras.Model(source, tensors[parts[-1].name])


def _observed(plain: Network, names: Sequence[str], samples: Floats) -> dict[str, Range]:
    """Lowest and highest value of the outputs of layers."""
    probe = tf_keras.Model(plain.inputs, [plain.get_layer(name).output for name in names])
    found: dict[str, Range] = dict.fromkeys(names, (np.inf, -np.inf))
    for start in range(0, len(samples), _BATCH):
        outputs = probe(samples[start : start + _BATCH], training=False)
        for name, output in zip(names, outputs if len(names) > 1 else [outputs], strict=True):
            low, high = found[name]
            found[name] = min(low, float(np.min(output))), max(high, float(np.max(output)))
    return found


def _ranges(plain: Network, folding: Folding, samples: Floats) -> tuple[dict[str, Range], set[str]]:
    """Ranges to start with, and the outputs whose range may move: none that shares it, for all must have the same."""
    groups = range_groups(folding.topology)
    found = _observed(plain, [name for group in groups for name in group], samples)
    for group in groups:
        lows, highs = zip(*(found[name] for name in group), strict=True)
        found |= dict.fromkeys(group, (min(lows), max(highs)))
    return found, {group[0] for group in groups if len(group) == 1}


class _Wrapping:
    """Puts what quantises a layer around it."""

    def __init__(
        self,
        folding: Folding,
        quantization: Quantization,
        momentum: float,
        ranges: Mapping[str, Range],
        moving: Collection[str],
    ) -> None:
        program = fused(folding.topology, is_integer=False)
        self._steps: dict[str, Step] = {step.gives: step for step in program.steps}
        self._result = program.output.gives
        self._quantization = quantization
        self._momentum = momentum
        self._ranges = ranges
        self._moving = moving

    def wrapped(self, part: Part, layer: Any) -> Any:
        """The layer, in tfmot's wrapper where there is something to quantise."""
        weight, output = self._weight(part), self._output(part)
        if weight is None and output is None:
            return layer
        return tfmot.QuantizeWrapperV2(layer, LayerConfig(weight, output))

    def _output(self, part: Part) -> ActivationQuantizer | None:
        bits, scales = self._quantization.activation_bits, self._quantization.scales
        if part.name in self._ranges:
            # The input's values are the data's, which do not change.
            is_moving = part.name in self._moving and not isinstance(part.spec, Input)
            return ActivationQuantizer(self._ranges[part.name], self._momentum if is_moving else 1.0, bits, scales)
        step = self._steps.get(part.name)
        if step is not None and step.name in FIXED_SCALE and part.name != self._result:
            return ActivationQuantizer(_FIXED[step.name] if bits == 8 else _FIXED_16, 1.0, bits, scales)
        return None

    def _weight(self, part: Part) -> tuple[str, WeightQuantizer | ConstantQuantizer] | None:
        settings, kind = self._quantization, type(part.spec)
        if isinstance(part.spec, Weighted):
            operator, is_depthwise = _OPERATORS[kind], kind is DepthwiseConv2D
            bits = settings.bits_of(operator, part.layer)
            shape = part.weights[0].shape
            channels = shape[-1] * (shape[-2] if is_depthwise else 1)
            is_whole = settings.weight_scales(operator, bits, channels) == 1
            axes = 0 if is_whole else 1 + is_depthwise
            return _KERNELS[kind], WeightQuantizer(bits, axes, settings.scales)
        step = self._steps.get(part.name)
        if isinstance(part.spec, Product | Sum) and step is not None and step.scaling is not None:
            return "constant", ConstantQuantizer(settings.activation_bits, settings.scales)
        return None
