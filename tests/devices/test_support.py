"""What the runtime cannot run is named, and what it can run is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated as schema

from devices.flatbuffer import ModelFileError, read_graph
from devices.graph import DType, Graph, Operator, Tensor
from devices.support import CONSTRAINTS, OPERATORS, unsupported
from tests.devices.models import mutations, shared_models


def graph(name: str, source: DType, weights: DType, scales: int = 1, *, is_custom: bool = False) -> Graph:
    """One operator with constant weights."""
    operator = Operator(name=name, inputs=(0, 1), outputs=(2,), is_custom=is_custom)
    if name == "TRANSPOSE_CONV":
        operator = Operator(name=name, inputs=(2, 1, 0), outputs=(2,))
    return Graph(
        tensors=(
            Tensor(shape=(1, 4, 4, 8), dtype=source),
            Tensor(shape=(8, 1, 1, 8), dtype=weights, constant_bytes=64, scales=scales),
            Tensor(shape=(1, 4, 4, 8), dtype=source),
        ),
        operators=(operator,),
        inputs=(0,),
        outputs=(2,),
    )


def dequantize(kind: DType) -> Graph:
    """A constant that is expanded to float32 at run time."""
    return Graph(
        tensors=(
            Tensor(shape=(8,), dtype=kind, constant_bytes=8, scales=8),
            Tensor(shape=(8,), dtype=DType.FLOAT32),
        ),
        operators=(Operator(name="DEQUANTIZE", inputs=(0,), outputs=(1,)),),
        inputs=(),
        outputs=(1,),
    )


F32, F16, I16, I8, I4 = DType.FLOAT32, DType.FLOAT16, DType.INT16, DType.INT8, DType.INT4


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (graph("MyOp", I8, I8, is_custom=True), "custom operators are not part"),
        (graph("LSTM", I8, I8), "does not have this operator"),
        (graph("CONV_2D", F32, I8), "dynamic range"),
        (graph("DEPTHWISE_CONV_2D", F32, I8), "dynamic range"),
        (graph("FULLY_CONNECTED", F32, I4), "dynamic range"),
        (graph("UNIDIRECTIONAL_SEQUENCE_LSTM", F32, I8), "dynamic range"),
        (graph("CONV_2D", DType.UINT8, DType.UINT8), "must be float32, int8 or int16"),
        (graph("CONV_2D", F32, F16), "float16 tensors are refused"),
        (dequantize(F16), "float16 tensors are refused"),
        (dequantize(I8), "give wrong results"),
        (graph("CONV_2D", I8, DType.INT2), "below 4 bits"),
        (graph("TRANSPOSE_CONV", I8, I4), "no int4 kernel"),
        (graph("FULLY_CONNECTED", I8, I4, 8), "must have one scale"),
        (graph("CONV_2D", I16, I4), "need int8 activations"),
        (graph("FULLY_CONNECTED", I16, I8, 8), "with int16 activations"),
        (graph("REDUCE_MAX", I16, I8), "no int16 kernel for the greatest"),
    ],
)
def test_names_operator_index_and_remedy(given: Graph, words: str) -> None:
    """The reason begins with index and name of the operator and holds the message of the constraint."""
    reasons = unsupported(given)
    operator = given.operators[0]
    assert any(words.lower() in reason.lower() for reason in reasons), reasons
    assert all(reason.startswith(f"Operator 0 ({operator.name}): ") for reason in reasons)


@pytest.mark.parametrize(
    "given",
    [
        graph("CONV_2D", I8, I8, 8),
        graph("CONV_2D", I8, I4, 8),
        graph("DEPTHWISE_CONV_2D", I8, I4, 8),
        graph("FULLY_CONNECTED", I8, I4, 1),
        graph("FULLY_CONNECTED", I8, I8, 8),
        graph("CONV_2D", I16, I8, 8),
        graph("FULLY_CONNECTED", I16, I8, 1),
        graph("CONV_2D", F32, F32),
        graph("REDUCE_MAX", I8, I8),
        graph("REDUCE_MAX", F32, F32),
        graph("TRANSPOSE_CONV", I8, I8, 8),
    ],
)
def test_lets_pass_what_runs(given: Graph) -> None:
    """Every combination that the kernels have."""
    assert unsupported(given) == ()


def test_operators_are_names_of_the_schema() -> None:
    """A typing error in the list would refuse an operator that runs."""
    names = {name for name in vars(schema.BuiltinOperator) if not name.startswith("_")}
    assert names - {"CUSTOM"} >= OPERATORS


def test_every_constraint_has_a_message() -> None:
    """One sentence that a user reads."""
    for constraint in CONSTRAINTS:
        assert constraint.__doc__ is not None
        assert constraint.__doc__.endswith(".")
        assert "\n" not in constraint.__doc__


def test_the_tiny_models_are_supported(tiny_model: bytes, tiny_int16_model: bytes) -> None:
    """int8 and 16x8 as the converter makes them."""
    assert unsupported(read_graph(tiny_model)) == unsupported(read_graph(tiny_int16_model)) == ()


def test_shared_models_that_run_are_supported(shared: Path) -> None:
    """All were run on the emulated cores or in the interpreter; one is dynamic range, two have custom operators."""
    refused = {path.name for path in shared_models(shared) if unsupported(read_graph(path.read_bytes()))}
    assert refused == {
        "kws_ref_model_float32.tflite",
        "audio_preprocessor_int8.tflite",
        "audio_preprocessor_float.tflite",
    }


def test_any_readable_graph_can_be_checked(tiny_model: bytes) -> None:
    """Damaged files that can be read give reasons or none, never an error."""
    checked = 0
    for content in mutations(tiny_model, 300, seed=4):
        try:
            damaged = read_graph(content)
        except ModelFileError:
            continue
        checked += 1
        assert all(reason.startswith("Operator ") for reason in unsupported(damaged))
    assert checked > 50
