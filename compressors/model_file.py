"""A ``.tflite`` taken apart, to be changed and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from compressors.scaling import Range, Scaling, packed
from devices.slim import slim_model

if TYPE_CHECKING:
    from compressors.quantization import Quantization

Floats = npt.NDArray[np.float64]

_CODES = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
# version of an operator with integer activations, by the schema's history; 2 where none is given
_VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "RESHAPE": 1, "QUANTIZE": 1, "DEQUANTIZE": 3}
_TYPES: dict[int, type[np.generic]] = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT32: np.int32,
}
WEIGHTS, BIAS = 1, 2  # inputs of an operator with weights


class ModelFile:
    """A ``.tflite`` of one subgraph taken apart, to be changed and put together again."""

    def __init__(self, content: bytes) -> None:
        self.model = schema.ModelT.InitFromPackedBuf(bytes(content), 0)
        self.subgraph = self.model.subgraphs[0]
        self.tensors: list[Any] = self.subgraph.tensors
        self.operators: list[Any] = self.subgraph.operators
        self._weights: dict[tuple[int, int, bytes], int] = {}

    def name(self, operator: Any) -> str:
        """Builtin name of an operator."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        return str(_CODES[max(code.builtinCode, code.deprecatedBuiltinCode)])

    def content(self, index: int) -> npt.NDArray[np.uint8]:
        """Bytes of a tensor's constant; empty where it is computed."""
        data = self.model.buffers[self.tensors[index].buffer].data
        return np.zeros(0, np.uint8) if data is None else np.asarray(data, np.uint8)

    def is_activation(self, index: int) -> bool:
        """True for what is computed at run time, the input included."""
        return index >= 0 and not len(self.content(index))

    def is_scaled(self, index: int) -> bool:
        """True for a tensor with a scale."""
        quantization = self.tensors[index].quantization
        return quantization is not None and quantization.scale is not None and len(quantization.scale) > 0

    def real(self, index: int) -> Floats:
        """Values of a constant, dequantised where it is quantised."""
        tensor = self.tensors[index]
        values = np.frombuffer(self.content(index).tobytes(), _TYPES[tensor.type]).astype(np.float64)
        values = values.reshape(tensor.shape)
        if tensor.type == schema.TensorType.FLOAT32:
            return values
        scales, zero_points = tensor.quantization.scale, tensor.quantization.zeroPoint
        along = [1] * values.ndim
        along[tensor.quantization.quantizedDimension if len(scales) > 1 else 0] = len(scales)
        factors: Floats = np.reshape(np.asarray(scales, np.float64), along)
        real: Floats = (values - np.reshape(zero_points, along)) * factors
        return real

    def add_constant(self, shape: Sequence[int], kind: int, content: npt.NDArray[np.uint8], quantization: Any) -> int:
        """Index of a new constant tensor."""
        self.model.buffers.append(schema.BufferT(data=content))
        buffer = len(self.model.buffers) - 1
        return self.add(schema.TensorT(shape=list(shape), type=kind, buffer=buffer, quantization=quantization))

    def add(self, tensor: Any) -> int:
        """Index of a new tensor."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def channel_axis(self, operator: Any) -> int:
        """Axis of an operator's weights that its output channels lie along."""
        return 3 if self.name(operator) == "DEPTHWISE_CONV_2D" else 0

    def weight_rows(self, operator: Any, settings: Quantization, bits: int = 8) -> Floats:
        """Weights of an operator (n, k), n being the number of scales that they get."""
        real, axis = self.real(int(operator.inputs[WEIGHTS])), self.channel_axis(operator)
        n_scales = settings.weight_scales(self.name(operator), bits, real.shape[axis])
        return np.moveaxis(real, axis, 0).reshape(n_scales, -1)

    def trained_reach(self, operator: Any, n_scales: int) -> Floats | None:
        """What quantised weights of an operator reach (n_scales,); None where they are float."""
        index = int(operator.inputs[WEIGHTS])
        if not self.is_scaled(index):
            return None
        reach = 127.0 * np.asarray(self.tensors[index].quantization.scale, np.float64)
        return reach.max(keepdims=True) if n_scales == 1 else np.broadcast_to(reach, n_scales).copy()

    def add_weights(self, operator: Any, bits: int, scales: npt.NDArray[np.float32]) -> int:
        """Index of new weights for an operator: its own with `bits` bits and one scale or one for each channel.

        Operators that share weights share the new ones where scales are equal.
        """
        index, axis = int(operator.inputs[WEIGHTS]), self.channel_axis(operator)
        key = (index, bits, scales.tobytes())
        if key not in self._weights:
            real, most = self.real(index), (1 << (bits - 1)) - 1
            along = [1] * real.ndim
            along[axis] = len(scales)
            stored = np.clip(np.rint(real / scales.astype(np.float64).reshape(along)), -most, most).astype(np.int64)
            kind = schema.TensorType.INT4 if bits == 4 else schema.TensorType.INT8
            quantization = parameters(scales, axis=axis)
            self._weights[key] = self.add_constant(real.shape, kind, packed(stored, bits), quantization)
        return self._weights[key]

    def mark_integer(self, operator: Any) -> None:
        """Say that an operator works on integers, of 16 bits with any scale."""
        if hasattr(operator.builtinOptions, "potScaleInt16"):
            operator.builtinOptions.potScaleInt16 = False
        self.model.operatorCodes[operator.opcodeIndex].version = _VERSIONS.get(self.name(operator), 2)

    def operator(self, name: str, source: int, target: int) -> Any:
        """A new operator, which stands nowhere yet."""
        code = getattr(schema.BuiltinOperator, name)
        self.model.operatorCodes.append(schema.OperatorCodeT(builtinCode=code, version=_VERSIONS.get(name, 2)))
        return schema.OperatorT(opcodeIndex=len(self.model.operatorCodes) - 1, inputs=[source], outputs=[target])

    def stored_ranges(self) -> dict[int, Range]:
        """What the scales of 8-bit activations reach, by tensor."""
        reach = {}
        for index, tensor in enumerate(self.tensors):
            if self.is_activation(index) and self.is_scaled(index):
                scale, zero_point = float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])
                reach[index] = Scaling(scale=scale, zero_point=zero_point).span
        return reach

    def packed(self) -> bytes:
        """The slim file, without tensors that nobody uses."""
        self._drop_unused()
        return slim_model(self.model)

    def _drop_unused(self) -> None:
        ends = [*self.subgraph.inputs, *self.subgraph.outputs]
        used = {int(i) for o in self.operators for i in (*o.inputs, *o.outputs)} | {int(i) for i in ends}
        kept = [index for index in range(len(self.tensors)) if index in used]
        number = {old: new for new, old in enumerate(kept)} | {-1: -1}
        for operator in self.operators:
            operator.inputs = [number[int(index)] for index in operator.inputs]
            operator.outputs = [number[int(index)] for index in operator.outputs]
        self.subgraph.inputs = [number[int(index)] for index in self.subgraph.inputs]
        self.subgraph.outputs = [number[int(index)] for index in self.subgraph.outputs]
        self.subgraph.tensors = [self.tensors[index] for index in kept]


def parameters(scales: npt.ArrayLike, zero_point: int = 0, axis: int = 0) -> Any:
    """What a tensor says of its scales (n,); `axis` is the one they belong to where there are several."""
    scales = np.asarray(scales, np.float32)
    return schema.QuantizationParametersT(
        scale=scales,
        zeroPoint=np.full(len(scales), zero_point, np.int64),
        quantizedDimension=axis if len(scales) > 1 else 0,
    )
