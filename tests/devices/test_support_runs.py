"""What `unsupported` says of the portable kernels is what their interpreter does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.boards import load_device
from devices.flatbuffer import read_graph
from devices.support import unsupported
from tests.devices.single import IMAGE, Value, numbers, options, runs_in_wheel, single

BOARD = replace(load_device("nucleo-l4r5zi"), kernels="reference")
POOL = options("Pool2D", filterHeight=1, filterWidth=1, strideH=1, strideW=1, padding=1)
# operator -> builtin options; one input, output of the same shape
UNARY: dict[str, Any] = {
    "ABS": None,
    "AVERAGE_POOL_2D": POOL,
    "CEIL": None,
    "COS": None,
    "ELU": None,
    "EXP": None,
    "FLOOR": None,
    "HARD_SWISH": None,
    "L2_NORMALIZATION": options("L2Norm"),
    "L2_POOL_2D": POOL,
    "LEAKY_RELU": options("LeakyRelu", alpha=0.1),
    "MAX_POOL_2D": POOL,
    "NEG": None,
    "RELU": None,
    "RELU6": None,
    "ROUND": None,
    "SIN": None,
    "SQUARE": None,
    "ZEROS_LIKE": None,
}
BINARY: dict[str, Any] = {
    "ADD": options("Add"),
    "ADD_N": options("AddN"),
    "DIV": options("Div"),
    "FLOOR_MOD": None,
    "MAXIMUM": None,
    "MUL": options("Mul"),
    "PRELU": None,
    "SQUARED_DIFFERENCE": None,
    "SUB": options("Sub"),
}
# operator -> constant second input, shape of the output, builtin options
WITH_NUMBERS: dict[str, tuple[Value, tuple[int, ...], Any]] = {
    "CUMSUM": (numbers(3), IMAGE, options("Cumsum")),
    "GATHER": (numbers(0, 1), (1, 4, 4, 2), options("Gather", axis=3)),
    "MEAN": (numbers(1, 2), (1, 8), options("Reducer")),
    "MIRROR_PAD": (replace(numbers(0, 0, 1, 1, 1, 1, 0, 0), shape=(4, 2)), (1, 6, 6, 8), options("MirrorPad")),
    "PAD": (replace(numbers(0, 0, 1, 1, 1, 1, 0, 0), shape=(4, 2)), (1, 6, 6, 8), options("Pad")),
    "REDUCE_MAX": (numbers(1, 2), (1, 8), options("Reducer")),
    "REDUCE_MIN": (numbers(1, 2), (1, 8), options("Reducer")),
    "RESHAPE": (numbers(1, 128), (1, 128), options("Reshape", newShape=[1, 128])),
    "RESIZE_BILINEAR": (numbers(8, 8), (1, 8, 8, 8), options("ResizeBilinear")),
    "RESIZE_NEAREST_NEIGHBOR": (numbers(8, 8), (1, 8, 8, 8), options("ResizeNearestNeighbor")),
    "REVERSE_V2": (numbers(3), IMAGE, options("ReverseV2")),
    "SUM": (numbers(1, 2), (1, 8), options("Reducer")),
    "TRANSPOSE": (numbers(0, 2, 1, 3), IMAGE, options("Transpose")),
}


def files_by_type() -> dict[str, bytes]:
    """Every operator above with activations of every type."""
    made = {}
    for kind in ("float32", "int8", "int16", "uint8"):
        image = Value(IMAGE, kind)
        for name, given in UNARY.items():
            made[f"{name} {kind}"] = single(name, [image], image, given)
        for name, given in BINARY.items():
            made[f"{name} {kind}"] = single(name, [image, image], image, given)
        for name, (second, shape, given) in WITH_NUMBERS.items():
            made[f"{name} {kind}"] = single(name, [image, second], Value(shape, kind), given)
        for name, shape in (("DEPTH_TO_SPACE", (1, 8, 8, 2)), ("SPACE_TO_DEPTH", (1, 2, 2, 32))):
            given = options("DepthToSpace" if name[0] == "D" else "SpaceToDepth", blockSize=2)
            made[f"{name} {kind}"] = single(name, [image], Value(shape, kind), given)
    return made


def files_by_axes() -> dict[str, bytes]:
    """Operators that copy, at 2 to 8 axes; and joining 10 and 11 tensors."""
    made: dict[str, bytes] = {}
    for n in range(2, 9):
        shape = (*[1] * (n - 1), 4)
        source = Value(shape, "int8")
        zeros, ones, whole = numbers(*[0] * n), numbers(*[1] * n), numbers(*shape)
        pads = replace(numbers(*[0] * 2 * n), shape=(n, 2))
        made |= {
            f"PAD {n}": single("PAD", [source, pads], source, options("Pad")),
            f"RESHAPE {n}": single("RESHAPE", [source, whole], source, options("Reshape", newShape=list(shape))),
            f"SLICE {n}": single("SLICE", [source, zeros, whole], source, options("Slice")),
            f"STRIDED_SLICE {n}": single(
                "STRIDED_SLICE", [source, zeros, whole, ones], source, options("StridedSlice")
            ),
            f"TRANSPOSE {n}": single("TRANSPOSE", [source, numbers(*range(n))], source, options("Transpose")),
            f"BROADCAST_TO {n}": single("BROADCAST_TO", [source, whole], source, options("BroadcastTo")),
            f"CONCATENATION {n}": single(
                "CONCATENATION", [source] * 2, Value((*[1] * (n - 1), 8), "int8"), options("Concatenation", axis=n - 1)
            ),
        }
    for n in (10, 11):
        joined = Value((1, 4, 4, 8 * n), "int8")
        given = options("Concatenation", axis=3)
        made[f"CONCATENATION of {n}"] = single("CONCATENATION", [Value(IMAGE, "int8")] * n, joined, given)
    return made


def dense(kind: str, weights: str, scales: int = 1, data: int = 32) -> bytes:
    """A fully connected layer of 8 inputs and 4 outputs."""
    bias = {"int16": "int64", "float32": "float32"}.get(kind, "int32")
    values = [Value((1, 8), kind), Value((4, 8), weights, bytes(data), scales)]
    zeros = Value((4,), bias, bytes(32 if bias == "int64" else 16))
    # TensorFlow Lite Micro compares the bias's scale with the product of the others, where there is one scale
    inputs = [*values, zeros] if scales > 1 else values
    return single("FULLY_CONNECTED", inputs, Value((1, 4), kind), options("FullyConnected"))


def files_by_weights() -> dict[str, bytes]:
    """Fully connected layers and constants that are expanded."""
    return {
        "int8": dense("int8", "int8"),
        "int8 per channel": dense("int8", "int8", 4),
        "int16": dense("int16", "int8"),
        "int16 per channel": dense("int16", "int8", 4),
        "int4": dense("int8", "int4", data=16),
        "int4 per channel": dense("int8", "int4", 4, data=16),
        "float": dense("float32", "float32", data=128),
        "hybrid": dense("float32", "int8"),
        "int16 with int4": dense("int16", "int4", data=16),
        "float16": single(
            "DEQUANTIZE", [Value((8,), "float16", bytes(16))], Value((8,), "float32"), options("Dequantize")
        ),
        "custom": single("CUSTOM", [Value((8,), "int8")], Value((8,), "int8"), custom="MyOp"),
    }


@pytest.mark.parametrize("make", [files_by_type, files_by_axes, files_by_weights])
def test_says_what_the_interpreter_does(make: Any, tmp_path: Path) -> None:
    """No file that runs is refused, none that does not is let pass."""
    pytest.importorskip("tflite_micro", reason="no wheel of tflite-micro for this machine")
    files = make()
    ran = runs_in_wheel(files, tmp_path)
    assert 0 < sum(ran.values()) < len(files)
    said = {name: not unsupported(read_graph(content), BOARD) for name, content in files.items()}
    assert {name: said[name] for name in files if said[name] != ran[name]} == {}


@pytest.mark.parametrize("scales", [1, 8])
def test_constants_with_a_scale_per_channel_are_expanded_wrong(scales: int) -> None:
    """The kernel takes the first scale for all channels: right where there is one, wrong where there are more."""
    runtime = pytest.importorskip("tflite_micro", reason="no wheel of tflite-micro for this machine").runtime
    stored = np.arange(1, 9, dtype=np.int8)
    given = Value((8,), "int8", stored.tobytes(), scales)
    content = single("DEQUANTIZE", [given], Value((8,), "float32"), options("Dequantize"))
    interpreter = runtime.Interpreter.from_bytes(content)
    interpreter.invoke()
    meant = stored * 0.05 * (np.arange(1, 9) if scales == 8 else 1)
    assert (
        np.allclose(interpreter.get_output(0), meant) == (scales == 1) == (not unsupported(read_graph(content), BOARD))
    )


def test_a_custom_operator_is_named_by_its_code() -> None:
    """The code that stands in the file, on every runtime."""
    graph = read_graph(files_by_weights()["custom"])
    for board in (BOARD, load_device("nucleo-l4r5zi"), replace(BOARD, kernels="xnnpack")):
        assert [reason[:30] for reason in unsupported(graph, board)] == ["Operator 0 (MyOp): Custom oper"]
