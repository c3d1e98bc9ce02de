"""Turns a ``.tflite`` with known ranges into a quantised one, by rewriting its constants and types.

It gives what TFLiteConverter cannot be asked for: ranges that are cut off,
scales that are powers of two, weights of 4 bits, other bits for single layers,
and 16-bit activations without the QUANTIZE operators that the converter adds
where it finds unequal scales, which nobody could foretell.

Fixed by the kernels, whatever the settings say, are the outputs of SOFTMAX and
LOGISTIC (1/256; 1/32768 with 16 bits) and of TANH (1/128; 1/32768): powers of
two all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from compressors.compressor import CompressionError
from compressors.fusion import FIXED_SCALE, SAME_SCALE, WEIGHTED
from compressors.model_file import BIAS, WEIGHTS, ModelFile, parameters
from compressors.scaling import MOST_BIAS, Range, Scaling, activation_scaling, packed, weight_scales

if TYPE_CHECKING:
    from compressors.quantization import Quantization

Floats = npt.NDArray[np.float64]

# RELU6 is held to one scale here because the kernel of TensorFlow Lite Micro does not rescale.
_EQUAL_SCALE = SAME_SCALE | {"RELU6", "EXPAND_DIMS", "SQUEEZE", "TRANSPOSE"}
_OWN_SCALE = frozenset({"ADD", "MUL", "MEAN", "RELU", "QUANTIZE"})
_KNOWN = WEIGHTED | FIXED_SCALE | _EQUAL_SCALE | _OWN_SCALE | {"CONCATENATION"}
_FIXED = {8: {"SOFTMAX": (256, -128), "LOGISTIC": (256, -128), "TANH": (128, 0)}}
_FIXED[16] = dict.fromkeys(_FIXED[8], (32768, 0))
_ACTIVATION_TYPES = {8: schema.TensorType.INT8, 16: schema.TensorType.INT16}
_BIAS_TYPES = {8: (schema.TensorType.INT32, 32), 16: (schema.TensorType.INT64, 64)}


def with_integer_activations(
    file: ModelFile, layers: Sequence[str], ranges: Mapping[int, Range], settings: Quantization
) -> bytes:
    """The file with weights and activations quantised as `settings` say.

    Parameters
    ----------
    file
        Float, or 8-bit with the scales of its own; it is used up.
    layers
        For every operator the layer whose weights it has; "" for others.
    ranges
        Lowest and highest value of every activation by tensor.

    Raises
    ------
    CompressionError
        When an operator is not among those that can be rewritten.
    """
    for operator in file.operators:
        if file.name(operator) not in _KNOWN:
            raise CompressionError(
                f"{file.name(operator)} can be quantised by the converter only: leave weight_bits and activation_bits "
                "at 8, scales at 'linear' and calibration at 'minmax', or replace the layer"
            )
    _Rewriter(file, dict(ranges), settings).rewrite(layers)
    return file.packed()


class _Rewriter:
    """Gives every activation its scale, then every constant."""

    def __init__(self, file: ModelFile, ranges: dict[int, Range], settings: Quantization) -> None:
        self._file = file
        self._settings = settings
        self._bits = settings.activation_bits
        self._ranges = ranges

    def rewrite(self, layers: Sequence[str]) -> None:
        owners = {id(operator): layer for operator, layer in zip(self._file.operators, layers, strict=True)}
        self._requantize()
        scalings = self._scalings()
        for index, scaling in scalings.items():
            tensor = self._file.tensors[index]
            tensor.type = _ACTIVATION_TYPES[self._bits]
            tensor.quantization = parameters([scaling.scale], scaling.zero_point)
        for operator in self._file.operators:
            if self._file.name(operator) in WEIGHTED:
                self._weighted(operator, owners[id(operator)], scalings[int(operator.inputs[0])].scale)
            else:
                operator.inputs = [self._operand(int(index)) for index in operator.inputs]
            self._file.mark_integer(operator)

    def _requantize(self) -> None:
        """Behind a scale that the kernel sets, a QUANTIZE to the scale that a concatenation asks for."""
        for operator in list(self._file.operators):
            source = int(operator.outputs[0])
            if self._file.name(operator) not in FIXED_SCALE or not self._is_concatenated(source):
                continue
            shape = self._file.tensors[source].shape
            target = self._file.add(schema.TensorT(shape=shape, type=schema.TensorType.FLOAT32))
            for user in self._file.operators:
                user.inputs = [target if int(index) == source else int(index) for index in user.inputs]
            outputs = self._file.subgraph.outputs
            self._file.subgraph.outputs = [target if int(index) == source else int(index) for index in outputs]
            self._ranges[target] = self._ranges[source]
            place = self._file.operators.index(operator) + 1
            self._file.operators.insert(place, self._file.operator("QUANTIZE", source, target))

    def _is_concatenated(self, index: int) -> bool:
        users = (operator for operator in self._file.operators if index in [int(i) for i in operator.inputs])
        return any(
            self._file.name(user) == "CONCATENATION"
            or (self._file.name(user) in SAME_SCALE and self._is_concatenated(int(user.outputs[0])))
            for user in users
        )

    def _scalings(self) -> dict[int, Scaling]:
        """Scaling of every activation; tensors whose operator asks for equal scales get one."""
        scalings: dict[int, Scaling] = {}
        fixed = {
            int(operator.outputs[0]): _FIXED[self._bits][self._file.name(operator)]
            for operator in self._file.operators
            if self._file.name(operator) in FIXED_SCALE
        }
        for group in self._groups():
            given = next((fixed[index] for index in group if index in fixed), None)
            if given is not None:
                scaling = Scaling(scale=1.0 / given[0], zero_point=given[1])
            else:
                reach = min(self._ranges[i][0] for i in group), max(self._ranges[i][1] for i in group)
                scaling = activation_scaling(reach, self._bits, self._settings.scales)
            scalings |= dict.fromkeys(group, scaling)
        return scalings

    def _groups(self) -> list[set[int]]:
        groups = {index: {index} for index in self._ranges}
        for operator in self._file.operators:
            name, output = self._file.name(operator), int(operator.outputs[0])
            if name != "CONCATENATION" and name not in _EQUAL_SCALE:
                continue
            equal = operator.inputs if name == "CONCATENATION" else operator.inputs[:1]
            joined = set.union(groups[output], *(groups[int(index)] for index in equal))
            groups |= dict.fromkeys(joined, joined)
        return list({id(group): group for group in groups.values()}.values())

    def _operand(self, index: int) -> int:
        """A constant that stands for an activation gets a scale of its own; others stay."""
        tensor = self._file.tensors[index]
        is_real = tensor.type == schema.TensorType.FLOAT32 or self._file.is_scaled(index)
        if self._file.is_activation(index) or not is_real:
            return index
        real = self._file.real(index)
        scaling = activation_scaling((float(real.min()), float(real.max())), self._bits, self._settings.scales)
        content = packed(scaling.stored(real, self._bits), self._bits)
        quantization = parameters([scaling.scale], scaling.zero_point)
        return self._file.add_constant(tensor.shape, _ACTIVATION_TYPES[self._bits], content, quantization)

    def _weighted(self, operator: Any, layer: str, source_scale: float) -> None:
        name, inputs = self._file.name(operator), [int(index) for index in operator.inputs]
        bits = self._settings.bits_of(name, layer)
        bias = self._file.real(inputs[BIAS]) if len(inputs) > BIAS and inputs[BIAS] >= 0 else None
        rows = self._file.weight_rows(operator, self._settings, bits)
        scales = weight_scales(
            rows,
            bits,
            self._settings.scales,
            least_error=self._settings.calibration == "mse",
            biases=bias,
            most_bias=MOST_BIAS[self._bits],
            source_scale=source_scale,
            trained_reach=self._file.trained_reach(operator, len(rows)),
        )
        inputs[WEIGHTS] = self._file.add_weights(operator, bits, scales)
        if bias is not None:
            inputs[BIAS] = self._add_bias(bias, source_scale * scales.astype(np.float64))
        operator.inputs = inputs

    def _add_bias(self, real: Floats, scales: Floats) -> int:
        kind, bits = _BIAS_TYPES[self._bits]
        content = packed(np.rint(real / scales).astype(np.int64), bits)
        return self._file.add_constant(real.shape, kind, content, parameters(scales))
