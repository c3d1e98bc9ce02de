"""What the runtime cannot run is named, and what it can run is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated as schema

from devices.boards import load_device
from devices.device import Accelerator
from devices.flatbuffer import ModelFileError, read_graph
from devices.graph import DType, Graph, Operator, Tensor
from devices.measure import measure_graph
from devices.operators import FLOAT_ONLY, MOST_AXES, NO_INT16, NOT_IN_LITERT, OPERATORS, UINT8
from devices.support import CONSTRAINTS, ETHOS_U, unsupported
from tests.devices.models import mutations, shared_models
from tests.devices.single import Value, single

CMSIS_NN = load_device("nucleo-l4r5zi")
PORTABLE, ESP_NN, LITERT = (replace(CMSIS_NN, kernels=kernels) for kernels in ("reference", "esp-nn", "xnnpack"))
ETHOS = replace(
    CMSIS_NN, accelerator=Accelerator(config="ethos-u55-128", system_config="any", memory_mode="Shared_Sram")
)


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
        (graph("MyOp", I8, I8, is_custom=True), "custom operators are not scored"),
        (graph("ELU", I16, I16), "not int16"),
        (graph("COS", I8, I8), "takes float32 only"),
        (graph("MAX_POOL_2D", DType.UINT8, DType.UINT8), "uint8 are refused"),
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
        (graph("FULLY_CONNECTED", I16, I8, 8), "one scale, not one per channel"),
    ],
)
def test_names_operator_index_and_remedy(given: Graph, words: str) -> None:
    """The reason begins with index and name of the operator and holds the message of the constraint."""
    reasons = unsupported(given, CMSIS_NN)
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
    assert unsupported(given, CMSIS_NN) == ()


def grouped(source: DType, weights: DType) -> Graph:
    """A convolution of two groups of four channels."""
    plain = graph("CONV_2D", source, weights)
    halved = replace(plain.tensors[1], shape=(8, 1, 1, 4))
    return replace(plain, tensors=(plain.tensors[0], halved, plain.tensors[2]))


def of_five_axes(name: str) -> Graph:
    """An int8 operator on five axes."""
    plain = graph(name, I8, I8)
    return replace(plain, tensors=tuple(replace(tensor, shape=(1, *tensor.shape)) for tensor in plain.tensors))


@pytest.mark.parametrize(
    ("given", "refused_by"),
    [
        (graph("FULLY_CONNECTED", I16, I8, 8), (CMSIS_NN, ESP_NN)),
        (grouped(I8, I8), ()),
        (grouped(I16, I8), (CMSIS_NN, ETHOS)),
        (grouped(I8, I4), (CMSIS_NN, ETHOS)),
        (of_five_axes("TRANSPOSE"), (CMSIS_NN, ETHOS)),
        (of_five_axes("BATCH_MATMUL"), (CMSIS_NN, ETHOS)),
        (of_five_axes("STRIDED_SLICE"), (CMSIS_NN, ETHOS, PORTABLE, ESP_NN)),
        (graph("CONV_2D", F32, I8), (CMSIS_NN, ETHOS, PORTABLE, ESP_NN)),
        (dequantize(F16), (CMSIS_NN, ETHOS, PORTABLE, ESP_NN)),
        (dequantize(I8), (CMSIS_NN, ETHOS, PORTABLE, ESP_NN)),
        (graph("LSTM", F32, F32), (CMSIS_NN, ETHOS, PORTABLE, ESP_NN)),
        (graph("CONV_2D", DType.UINT8, DType.UINT8), (CMSIS_NN, ETHOS, PORTABLE, ESP_NN)),
        (graph("STABLEHLO_TANH", F32, F32), (CMSIS_NN, ETHOS, PORTABLE, ESP_NN, LITERT)),
        (graph("MyOp", I8, I8, is_custom=True), (CMSIS_NN, ETHOS, PORTABLE, ESP_NN, LITERT)),
        (graph("ethos-u", I8, I8, is_custom=True), (CMSIS_NN, PORTABLE, ESP_NN, LITERT)),
    ],
)
def test_runtimes_differ(given: Graph, refused_by: tuple[object, ...]) -> None:
    """Each kernel library has limits of its own, and LiteRT on a Linux board the fewest."""
    for board in (CMSIS_NN, ETHOS, PORTABLE, ESP_NN, LITERT):
        assert bool(unsupported(given, board)) == (board in refused_by), board


@pytest.mark.parametrize(("absent", "given", "runs"), [((), (), True), ((1,), (), False), ((), (9,), False)])
def test_only_the_plain_lstm_runs(absent: tuple[int, ...], given: tuple[int, ...], *, runs: bool) -> None:
    """All four gates, and no peephole."""
    needed = {0, *range(1, 9), *range(12, 16), 18, 19} - set(absent) | set(given)
    operator = Operator(
        name="UNIDIRECTIONAL_SEQUENCE_LSTM", inputs=tuple(0 if i in needed else -1 for i in range(24)), outputs=(0,)
    )
    lstm = Graph(tensors=(Tensor(shape=(1, 4, 8), dtype=I8),), operators=(operator,), inputs=(0,), outputs=(0,))
    assert (unsupported(lstm, PORTABLE) == ()) == runs
    assert unsupported(lstm, LITERT) == ()


def test_operators_are_names_of_the_schema() -> None:
    """A typing error in a list would refuse an operator that runs, or let one pass that does not."""
    names = {name for name in vars(schema.BuiltinOperator) if not name.startswith("_")} - {"CUSTOM"}
    assert names >= OPERATORS | NOT_IN_LITERT
    assert FLOAT_ONLY | NO_INT16 | UINT8 | MOST_AXES.keys() <= OPERATORS


def test_every_constraint_has_a_message() -> None:
    """One sentence that a user reads."""
    for constraint in {*ETHOS_U, *(each for chosen in CONSTRAINTS.values() for each in chosen)}:
        assert constraint.__doc__ is not None
        assert constraint.__doc__.endswith(".")
        assert "\n" not in constraint.__doc__


def test_the_tiny_models_are_supported(tiny_model: bytes, tiny_int16_model: bytes) -> None:
    """int8 and 16x8 as the converter makes them."""
    assert all(
        unsupported(read_graph(content), board) == ()
        for content in (tiny_model, tiny_int16_model)
        for board in (CMSIS_NN, PORTABLE, ESP_NN, LITERT, ETHOS)
    )


def test_shared_models_that_run_are_supported(shared: Path) -> None:
    """All were run on the emulated cores or in the interpreter; one is dynamic range, two have custom operators."""
    refused = {path.name for path in shared_models(shared) if unsupported(read_graph(path.read_bytes()), CMSIS_NN)}
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
        for board in (CMSIS_NN, PORTABLE, ESP_NN, LITERT, ETHOS):
            assert all(reason.startswith("Operator ") for reason in unsupported(damaged, board))
    assert checked > 50


@pytest.mark.parametrize(
    "name", ["CONV_2D", "FULLY_CONNECTED", "SVDF", "TRANSPOSE_CONV", "UNIDIRECTIONAL_SEQUENCE_LSTM"]
)
@pytest.mark.parametrize("board", ["nucleo-l432kc", "esp32-s3-devkitc-1", "raspberry-pi-4b"])
def test_a_custom_operator_named_as_a_builtin_one(name: str, board: str) -> None:
    """It is refused by its name and costed like any custom operator, whatever its shapes are."""
    content = single("CUSTOM", [Value((), "int8"), Value((), "int8", b"\0")], Value((), "int8"), custom=name)
    device, read = load_device(board), read_graph(content)
    assert [reason.split(":")[0] for reason in unsupported(read, device)] == [f"Operator 0 ({name})"]
    footprint, _ = measure_graph(read, content, device)
    assert footprint.macs == 0


@pytest.mark.parametrize("name", ["TRANSPOSE_CONV", "UNIDIRECTIONAL_SEQUENCE_LSTM"])
def test_operators_without_axes_have_a_cost(name: str) -> None:
    """What reading a file does not ask the shapes of is costed with any."""
    content = single(name, [Value((), "int8"), Value((), "int8", b"\0"), Value((), "int8")], Value((), "int8"))
    footprint, _ = measure_graph(read_graph(content), content, load_device("raspberry-pi-4b"))
    assert footprint.macs >= 0
