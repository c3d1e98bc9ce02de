"""Files of one operator, and whether the portable kernels of TensorFlow Lite Micro run them."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

IMAGE = (1, 4, 4, 8)
KINDS = {
    "float32": schema.TensorType.FLOAT32,
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
    "uint8": schema.TensorType.UINT8,
    "int4": schema.TensorType.INT4,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "float16": schema.TensorType.FLOAT16,
}
_QUANTIZED = ("int8", "int16", "uint8", "int4")


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor; with `data` a constant.  `scales` is the number of its quantisation scales, along `axis`."""

    shape: tuple[int, ...]
    kind: str
    data: bytes | None = None
    scales: int = 1
    axis: int = 0


def numbers(*values: int) -> Value:
    """A constant vector of int32."""
    return Value((len(values),), "int32", struct.pack(f"<{len(values)}i", *values))


def options(name: str, **fields: object) -> Any:
    """Builtin options of the schema, such as ``options("Pool2D", strideH=1)``."""
    made = getattr(schema, f"{name}OptionsT")()
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def single(name: str, inputs: Sequence[Value], output: Value, made: Any = None, custom: str = "") -> bytes:
    """The file of one operator."""
    subgraph, buffers = schema.SubGraphT(), [schema.BufferT()]
    subgraph.tensors = [_tensor(value, index, buffers) for index, value in enumerate((*inputs, output))]
    operator, code, model = schema.OperatorT(), schema.OperatorCodeT(), schema.ModelT()
    operator.inputs, operator.outputs = list(range(len(inputs))), [len(inputs)]
    operator.builtinOptions = made
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(made).__name__[:-1]) if made else 0
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode, code.version, code.customCode = min(code.builtinCode, 127), 2, custom or None
    subgraph.operators, subgraph.outputs = [operator], [len(inputs)]
    subgraph.inputs = [index for index, value in enumerate(inputs) if value.data is None]
    model.version, model.subgraphs, model.operatorCodes, model.buffers = 3, [subgraph], [code], buffers
    builder = schema.flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(value: Value, index: int, buffers: list[Any]) -> Any:
    tensor, quantization = schema.TensorT(), schema.QuantizationParametersT()
    if value.kind in _QUANTIZED:
        quantization.scale = [0.05 * (1 + channel) for channel in range(value.scales)]
        quantization.zeroPoint, quantization.quantizedDimension = [0] * value.scales, value.axis
    tensor.name, tensor.shape, tensor.type, tensor.buffer = f"t{index}", list(value.shape), KINDS[value.kind], 0
    tensor.quantization = quantization
    if value.data is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(value.data, np.uint8)
        buffers.append(buffer)
        tensor.buffer = len(buffers) - 1
    return tensor


# every file in a child of its own: some end the process
_RUN = """
import os, sys
from tflite_micro import runtime
for path in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            runtime.Interpreter.from_file(path, arena_size=1 << 20).invoke()
        except BaseException:
            os._exit(1)
        os._exit(0)
    print(int(os.waitpid(child, 0)[1] == 0))
"""


def runs_in_wheel(files: Mapping[str, bytes], folder: Path) -> dict[str, bool]:
    """Whether each file can be set up and run once."""
    paths = [folder / f"{index}.tflite" for index in range(len(files))]
    for path, content in zip(paths, files.values(), strict=True):
        path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *map(str, paths)], capture_output=True, text=True, check=True, timeout=300
    )
    return {name: word == "1" for name, word in zip(files, done.stdout.split(), strict=True)}
