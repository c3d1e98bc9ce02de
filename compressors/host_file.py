"""Quantisation that leaves activations in float32: for computers, as no kernel of TensorFlow Lite Micro takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from compressors.fusion import WEIGHTED
from compressors.model_file import WEIGHTS, ModelFile
from compressors.scaling import weight_scales

if TYPE_CHECKING:
    from compressors.quantization import Quantization


def with_integer_weights(file: ModelFile, settings: Quantization) -> bytes:
    """The float file with 8-bit weights; the runtime finds the ranges of activations (dynamic range).

    Weights are those of convolutions and fully connected operators; biases and
    the constants of sums and products stay float32.  TFLiteConverter does the
    same, but leaves weights of fewer than 1024 elements alone.
    """
    for operator in file.operators:
        name = file.name(operator)
        if name not in WEIGHTED:
            continue
        rows = file.weight_rows(operator, settings)
        least_error = settings.calibration == "mse"
        scales = weight_scales(rows, 8, settings.scales, least_error=least_error)
        inputs = [int(index) for index in operator.inputs]
        inputs[WEIGHTS] = file.add_weights(operator, 8, scales)
        operator.inputs = inputs
    return file.packed()


def with_half_weights(file: ModelFile) -> bytes:
    """The float file with every constant in float16, behind a DEQUANTIZE each; these come first."""
    widened: list[Any] = []
    known: dict[int, int] = {}
    for operator in file.operators:
        inputs = [int(index) for index in operator.inputs]
        for position, index in enumerate(inputs):
            if index < 0 or file.is_activation(index) or file.tensors[index].type != schema.TensorType.FLOAT32:
                continue
            if index not in known:
                known[index] = _widened(file, index, widened)
            inputs[position] = known[index]
        operator.inputs = inputs
    file.subgraph.operators = file.operators = widened + file.operators
    return file.packed()


def _widened(file: ModelFile, index: int, operators: list[Any]) -> int:
    """A float32 tensor that a new DEQUANTIZE computes from a float16 copy of constant `index`."""
    tensor = file.tensors[index]
    content = np.frombuffer(file.real(index).astype("<f2").tobytes(), np.uint8)
    source = file.add_constant(tensor.shape, schema.TensorType.FLOAT16, content, None)
    target = file.add(schema.TensorT(shape=tensor.shape, type=schema.TensorType.FLOAT32))
    operators.append(file.operator("DEQUANTIZE", source, target))
    return target
