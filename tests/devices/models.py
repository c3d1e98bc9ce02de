"""What tests do with models: find the shared ones, change bytes, run them."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from devices.flatbuffer import read_graph
from devices.graph import Graph
from devices.packing import Layout

# LiteRT 2.3.0 aborts on the first and refuses the second, slimmed or not; the runtime of the device runs both
UNREADABLE_BY_LITERT = ("keyword_scrambled_8bit.tflite", "person_detect.tflite")


def shared_models(shared: Path) -> list[Path]:
    """Every reference model beside the checkout."""
    found = sorted(path for folder in (shared / "data").glob("models_*") for path in folder.rglob("*.tflite"))
    assert len(found) > 10
    return found


def packed(model: schema.ModelT) -> bytes:
    """The file of `model`, nothing dropped."""
    layout = Layout()
    return layout.finish(model.Pack(layout), b"TFL3")


def _tensor(
    name: str, shape: list[int], kind: int, buffer: int, scale: float, zero: int, scales: int = 1
) -> schema.TensorT:
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = [scale] * scales, [zero] * scales
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer, tensor.quantization = name, shape, kind, buffer, quantization
    return tensor


def _operator(code: int, inputs: list[int], outputs: list[int], options_type: int, options: object) -> schema.OperatorT:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, inputs, outputs
    operator.builtinOptionsType, operator.builtinOptions = options_type, options
    return operator


def _code(builtin: int) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 4 if builtin == schema.BuiltinOperator.FULLY_CONNECTED else 2
    return code


def _buffer(data: bytes) -> schema.BufferT:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(data, np.uint8) if data else None
    return buffer


def custom_softmax(name: bytes = b"MyOp") -> bytes:
    """`dense_softmax` with a custom operator called `name` in place of its SOFTMAX."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(dense_softmax(), 0))
    softmax = model.operatorCodes[1]
    softmax.builtinCode = softmax.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    softmax.customCode = name
    return packed(model)


def dense_softmax() -> bytes:
    """An int8 network of 12 inputs, FULLY_CONNECTED to 5 and SOFTMAX, with weights from a fixed seed."""
    rng = np.random.default_rng(5)
    weights = rng.integers(-127, 128, (5, 12)).astype(np.int8).tobytes()
    bias = rng.integers(-500, 500, 5).astype("<i4").tobytes()
    int8, int32 = schema.TensorType.INT8, schema.TensorType.INT32
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    subgraph = schema.SubGraphT()
    subgraph.tensors = [
        _tensor("x", [1, 12], int8, 0, 0.05, -3),
        _tensor("w", [5, 12], int8, 1, 0.01, 0),
        _tensor("b", [5], int32, 2, 0.05 * 0.01, 0),
        _tensor("logits", [1, 5], int8, 0, 0.1, 4),
        _tensor("y", [1, 5], int8, 0, 1 / 256, -128),
    ]
    options = schema.BuiltinOptions
    subgraph.operators = [
        _operator(0, [0, 1, 2], [3], options.FullyConnectedOptions, schema.FullyConnectedOptionsT()),
        _operator(1, [3], [4], options.SoftmaxOptions, softmax),
    ]
    subgraph.inputs, subgraph.outputs = [0], [4]
    model = schema.ModelT()
    model.version, model.subgraphs = 3, [subgraph]
    model.operatorCodes = [_code(schema.BuiltinOperator.FULLY_CONNECTED), _code(schema.BuiltinOperator.SOFTMAX)]
    model.buffers = [_buffer(b""), _buffer(weights), _buffer(bias)]
    builder = schema.flatbuffers.Builder(1024)  # the package the schema was generated for
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def mutations(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Seeded truncations and changes of one to four bytes, half of them in the first 3,000 bytes (the structure)."""
    chance = random.Random(seed)
    for turn in range(count):
        if turn % 5 == 0:
            yield content[: chance.randrange(len(content))]
            continue
        changed = bytearray(content)
        for _ in range(chance.randint(1, 4)):
            end = min(3000, len(changed)) if chance.random() < 0.5 else len(changed)
            changed[chance.randrange(end)] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
        yield bytes(changed)


def inputs_of(graph: Graph, seed: int) -> list[np.ndarray]:
    """Random values over the whole range of every input."""
    rng = np.random.default_rng(seed)
    values = []
    for index in graph.inputs:
        tensor = graph.tensors[index]
        kind = np.dtype(str(tensor.dtype))
        if kind.kind == "f":
            values.append(rng.standard_normal(tensor.shape).astype(kind))
        else:
            limits = np.iinfo(kind)
            values.append(rng.integers(limits.min, limits.max, tensor.shape, kind, endpoint=True))
    return values


def outputs_on_device(content: bytes, runs: int = 3) -> bytes:
    """Outputs of the runtime of the device for seeded inputs."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(content)
    graph, seen = read_graph(content), []
    for seed in range(runs):
        for position, value in enumerate(inputs_of(graph, seed)):
            interpreter.set_input(value, position)
        interpreter.invoke()
        seen += [interpreter.get_output(position).tobytes() for position in range(len(graph.outputs))]
    return b"".join(seen)


_LITERT = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
for path in sys.argv[1:]:
    runner = Interpreter(
        model_path=path, num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    runner.allocate_tensors()
    rng = np.random.default_rng(0)
    for _ in range(3):
        for detail in runner.get_input_details():
            kind = np.dtype(detail["dtype"])
            if kind.kind == "f":
                value = rng.standard_normal(detail["shape"]).astype(kind)
            else:
                limits = np.iinfo(kind)
                value = rng.integers(limits.min, limits.max, detail["shape"], kind, endpoint=True)
            runner.set_tensor(detail["index"], value)
        runner.invoke()
        print(*(runner.get_tensor(detail["index"]).tobytes().hex() for detail in runner.get_output_details()))
    print("end of", sys.argv.index(path))
"""


def outputs_in_litert(*paths: Path) -> list[str]:
    """Outputs of LiteRT for seeded inputs, a text per file; in a child process, which a bad file can kill."""
    command = [sys.executable, "-c", _LITERT, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    texts = done.stdout
    return [part.split("\n", 1)[-1] if turn else part for turn, part in enumerate(texts.split("end of"))][: len(paths)]
