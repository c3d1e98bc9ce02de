"""The weights that really are in a ``.tflite``: read with the schema, by none of our own code."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from compressors.layers import Conv2D, Dense, DepthwiseConv2D
from compressors.topology import Topology

_OPERATORS = {
    schema.BuiltinOperator.CONV_2D: "CONV_2D",
    schema.BuiltinOperator.DEPTHWISE_CONV_2D: "DEPTHWISE_CONV_2D",
    schema.BuiltinOperator.FULLY_CONNECTED: "FULLY_CONNECTED",
}


def int8_weights(content: bytes) -> list[tuple[str, npt.NDArray[np.int8]]]:
    """(operator, weights) of a file of 8-bit weights, in the order of execution.

    Convolutions (out, h, w, in), depthwise ones (1, h, w, out), dense layers
    (out, in); every zero point is checked to be 0, so that a stored 0 is a 0.
    """
    model = schema.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    found = []
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        name = _OPERATORS.get(model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode())
        if name:
            found.append((name, _constant(model, graph.Tensors(operator.Inputs(1)))))
    return found


def _constant(model: Any, tensor: Any) -> npt.NDArray[np.int8]:
    assert tensor.Type() == schema.TensorType.INT8
    assert not tensor.Quantization().ZeroPointAsNumpy().any()
    data = model.Buffers(tensor.Buffer()).DataAsNumpy()
    return np.frombuffer(bytes(data), np.int8).reshape(tensor.ShapeAsNumpy())


def weights_by_layer(content: bytes, topology: Topology) -> dict[str, npt.NDArray[np.int8]]:
    """The same by layer of the topology that was converted."""
    layers = [layer.name for layer in topology.layers if isinstance(layer.spec, Conv2D | DepthwiseConv2D | Dense)]
    return dict(zip(layers, (weights for _, weights in int8_weights(content)), strict=True))


def scales_of(content: bytes) -> npt.NDArray[np.float32]:
    """Scales of all quantised tensors of the file, one after the other."""
    graph = schema.Model.GetRootAs(content, 0).Subgraphs(0)
    found = [graph.Tensors(index).Quantization() for index in range(graph.TensorsLength())]
    return np.concatenate([each.ScaleAsNumpy() for each in found if each is not None and each.ScaleLength()])
