"""Files with weights compressed by the ``tflite-micro`` package."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from devices.flatbuffer import read_graph
from tests.devices.models import packed


def compressed(content: bytes, least: int) -> bytes:
    """The file with weights of more than `least` elements as 4-bit indexes, by the package itself."""
    compression = pytest.importorskip("tflite_micro.tensorflow.lite.micro.compression", reason="no tflite-micro wheel")
    from tflite_micro.tensorflow.lite.micro.compression import spec

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for code in model.operatorCodes:
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
    wishes = []
    for operator in read_graph(content).operators:
        if operator.name in ("CONV_2D", "FULLY_CONNECTED"):
            tensor = model.subgraphs[0].tensors[operator.inputs[1]]
            weights = model.buffers[tensor.buffer].data.view(np.int8)
            model.buffers[tensor.buffer].data = (weights // 16 * 16).view(np.uint8)
            mode = spec.PerChannel(0) if len(tensor.quantization.scale) > 1 else spec.PerTensor()
            if weights.size > least:
                wishes.append(spec.Tensor(0, operator.inputs[1], [spec.LookUpTableCompression(4, mode)]))
    return bytes(compression.compress(packed(model), wishes))
