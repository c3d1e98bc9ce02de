"""Instructions, cycles and milliseconds."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from devices.boards import load_device
from devices.device import Device
from devices.flatbuffer import read_graph
from devices.footprint import OperatorCost
from devices.graph import DType, Graph, Operator, Options, Tensor
from devices.latency import Estimate, estimate, operator_costs, timing_of

BOARD = load_device("nucleo-l4r5zi")
SAME = Options(padding="SAME")
INT8_MODELS = {
    "kws_ref_model.tflite": "models_mlperf_tiny/keyword_spotting",
    "pretrainedResnet_quant.tflite": "models_mlperf_tiny/image_classification",
    "vww_96_int8.tflite": "models_mlperf_tiny/visual_wake_words",
    "ad01_int8.tflite": "models_mlperf_tiny/anomaly_detection",
    "str_ww_ref_model.tflite": "models_mlperf_tiny/streaming_wakeword",
}
FLOAT_MODELS = {
    "pretrainedResnet.tflite": "models_mlperf_tiny/image_classification",
    "vww_96_float.tflite": "models_mlperf_tiny/visual_wake_words",
    "ad01_fp32.tflite": "models_mlperf_tiny/anomaly_detection",
}
CORES = {"m4": "cortex-m4", "m7": "cortex-m7", "m33": "cortex-m33", "m55": "cortex-m55"}


def convolution(channels: int, dtype: DType = DType.INT8, weights: DType = DType.INT8, size: int = 16) -> Graph:
    """One 3x3 SAME convolution of `channels` in and out."""
    kernel = Tensor(shape=(channels, 3, 3, channels), dtype=weights, scales=channels)
    return Graph(
        tensors=(
            Tensor(shape=(1, size, size, channels), dtype=dtype),
            replace(kernel, constant_bytes=kernel.nbytes),
            Tensor(shape=(1, size, size, channels), dtype=dtype),
        ),
        operators=(Operator(name="CONV_2D", inputs=(0, 1), outputs=(2,), options=SAME),),
        inputs=(0,),
        outputs=(2,),
    )


def single(name: str, dtype: DType = DType.INT8) -> Graph:
    """One elementwise operator on 1 x 8 x 8 x 4."""
    tensor = Tensor(shape=(1, 8, 8, 4), dtype=dtype)
    return Graph(
        tensors=(tensor, tensor),
        operators=(Operator(name=name, inputs=(0,), outputs=(1,), is_custom=name.startswith("My")),),
        inputs=(0,),
        outputs=(1,),
    )


def on(core: str, **changes: object) -> Device:
    """Give the L4R5ZI another core."""
    return replace(BOARD, core=core, timing="", **changes)  # type: ignore[arg-type]  # fields of a test


def whole(graph: Graph, device: Device) -> Estimate:
    return estimate(graph, device, operator_costs(graph, device))


def measured(shared: Path, model: str, core: str) -> int:
    with (shared / "truth" / "models.csv").open(newline="") as lines:
        return next(int(r["insns"]) for r in csv.DictReader(lines) if (r["model"], r["core"]) == (model, core))


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("model", INT8_MODELS)
def test_instructions_of_whole_int8_models(shared: Path, model: str, core: str) -> None:
    """Networks that no convolution was fitted on come out within 1 % of the emulated core."""
    graph = read_graph((shared / "data" / INT8_MODELS[model] / model).read_bytes())
    assert whole(graph, on(CORES[core])).instructions == pytest.approx(measured(shared, model, core), rel=0.01)


@pytest.mark.parametrize("core", ["m4", "m7"])
@pytest.mark.parametrize("model", FLOAT_MODELS)
def test_instructions_of_whole_float_models(shared: Path, model: str, core: str) -> None:
    """Float networks run portable loops, which the formula counts almost exactly."""
    graph = read_graph((shared / "data" / FLOAT_MODELS[model] / model).read_bytes())
    assert whole(graph, on(CORES[core])).instructions == pytest.approx(measured(shared, model, core), rel=0.001)


def test_instructions_operator_by_operator(shared: Path) -> None:
    """Each operator of MLPerf Tiny's visual wake words net is within 6 % of its own measurement on Cortex-M4."""
    model = "vww_96_int8.tflite"
    graph = read_graph((shared / "data" / INT8_MODELS[model] / model).read_bytes())
    with (shared / "truth" / "model_ops.csv").open(newline="") as lines:
        truth = [int(r["insns"]) for r in csv.DictReader(lines) if (r["model"], r["core"]) == (model, "m4")]
    costs = operator_costs(graph, BOARD)
    assert [c.instructions for c in costs] == [pytest.approx(value, rel=0.06) for value in truth]
    assert [c.index for c in costs] == list(range(len(graph.operators)))


# Section 7 of the shared facts: what instruction classes and a flash cache model predict for this runtime.
@pytest.mark.parametrize(
    ("model", "milliseconds"),
    [
        ("kws_ref_model.tflite", 87.5),
        ("pretrainedResnet_quant.tflite", 371.7),
        ("vww_96_int8.tflite", 282.9),
        ("ad01_int8.tflite", 7.9),
    ],
)
def test_milliseconds_agree_with_the_finer_cycle_model(shared: Path, model: str, milliseconds: float) -> None:
    """On the calibrated board one constant and the stalls stay within 6 % of the model with 36 instruction classes."""
    graph = read_graph((shared / "data" / INT8_MODELS[model] / model).read_bytes())
    time = whole(graph, BOARD)
    assert time.latency_ms == pytest.approx(milliseconds, rel=0.06)
    assert time.latency_low_ms < milliseconds < time.latency_high_ms


@pytest.mark.parametrize("core", ["cortex-m0plus", *CORES.values()])
@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16, DType.FLOAT32])
def test_more_channels_take_more_cycles(core: str, dtype: DType) -> None:
    """Cycles rise with width, whatever the core and the type."""
    weights = DType.FLOAT32 if dtype == DType.FLOAT32 else DType.INT8
    cycles = [whole(convolution(c, dtype, weights), on(core)).cycles for c in (4, 8, 16, 32)]
    assert cycles == sorted(set(cycles))


def test_larger_images_take_more_cycles() -> None:
    """Cycles rise with the image, odd sizes included."""
    cycles = [whole(convolution(8, size=size), BOARD).cycles for size in (3, 4, 5, 7, 8, 9)]
    assert cycles == sorted(set(cycles))


@pytest.mark.parametrize("graph", [convolution(8), convolution(8, DType.INT16), single("PAD"), single("SOFTMAX")])
@pytest.mark.parametrize("board", ["nucleo-l4r5zi", "nucleo-h743zi", "nrf5340-dk", "raspberry-pi-pico"])
def test_the_interval_contains_the_estimate(graph: Graph, board: str) -> None:
    """Low < estimate < high everywhere."""
    time = whole(graph, load_device(board))
    assert 0 < time.latency_low_ms < time.latency_ms < time.latency_high_ms


def relative_width(graph: Graph, device: Device) -> float:
    time = whole(graph, device)
    return (time.latency_high_ms - time.latency_low_ms) / time.latency_ms


def test_the_interval_tells_what_was_not_measured() -> None:
    """It is wider for a board that was not calibrated, a core and a type without tables, an assumed operator."""
    calibrated = relative_width(convolution(8), BOARD)
    assert calibrated < relative_width(convolution(8), load_device("nucleo-f446re"))
    assert calibrated < relative_width(convolution(8), on("cortex-m0plus"))
    assert calibrated < relative_width(convolution(8, DType.INT16), BOARD)
    assert relative_width(convolution(8, DType.INT16), on("cortex-m7")) < relative_width(
        convolution(8, DType.INT16), on("cortex-m55")
    )
    assert calibrated < relative_width(single("PAD"), BOARD)


def test_instructions_are_unknown_where_no_kernel_was_measured() -> None:
    """A Cortex-M0+ runs other kernels; a Cortex-M33 has a table for int8 but none for int16."""
    assert whole(convolution(8), on("cortex-m0plus")).instructions is None
    assert whole(convolution(8, DType.INT16), on("cortex-m33")).instructions is None
    assert whole(convolution(8), on("cortex-m33")).instructions is not None
    assert operator_costs(convolution(8), on("cortex-m0plus"))[0].instructions is None


@pytest.mark.parametrize("name", ["PAD", "MyOwnOp", "TRANSPOSE_CONV", "CONCATENATION"])
@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT32, DType.FLOAT32, DType.BOOL])
def test_an_operator_without_measurement_has_a_cost(name: str, dtype: DType) -> None:
    """Any operator, even a custom one, costs something and says how many elements it writes."""
    (cost,) = operator_costs(single(name, dtype), BOARD)
    assert isinstance(cost, OperatorCost)
    assert cost.cycles > 0
    assert cost.output_shape == (1, 8, 8, 4)


def test_four_bit_weights_cost_more_instructions() -> None:
    """They are unpacked on the fly; whole networks took 54 to 77 % more (shared facts, section 5)."""
    eight, four = (
        operator_costs(convolution(16, weights=weights), BOARD)[0].instructions for weights in (DType.INT8, DType.INT4)
    )
    assert eight is not None
    assert four is not None
    assert 1.3 < four / eight < 2.2


def test_portable_kernels_are_several_times_slower() -> None:
    """The reference kernels took 3.3 to 5.6 times the instructions of CMSIS-NN (shared facts, section 7)."""
    plain = whole(convolution(16), replace(BOARD, kernels="reference"))
    assert plain.instructions is None
    assert 3 < plain.cycles / whole(convolution(16), BOARD).cycles < 6


def test_weights_streamed_from_flash_cost_cycles() -> None:
    """A fully connected layer takes more cycles an instruction than a convolution: 1.71 against 1.41 to 1.47."""
    weights = Tensor(shape=(128, 640), dtype=DType.INT8, constant_bytes=81920, scales=1)
    graph = Graph(
        tensors=(Tensor(shape=(1, 640), dtype=DType.INT8), weights, Tensor(shape=(1, 128), dtype=DType.INT8)),
        operators=(Operator(name="FULLY_CONNECTED", inputs=(0, 1), outputs=(2,)),),
        inputs=(0,),
        outputs=(2,),
    )
    (dense,) = operator_costs(graph, BOARD)
    (conv,) = operator_costs(convolution(16), BOARD)
    assert dense.instructions is not None
    assert conv.instructions is not None
    assert dense.cycles / dense.instructions == pytest.approx(1.71, rel=0.02)
    assert conv.cycles / conv.instructions == pytest.approx(1.465, rel=0.05)


def test_milliseconds_are_cycles_over_the_clock() -> None:
    """Twice the clock, half the time, the same cycles."""
    fast, slow = (whole(convolution(8), replace(BOARD, clock_hz=hz)) for hz in (120_000_000, 60_000_000))
    assert slow.cycles == fast.cycles
    assert slow.latency_ms == pytest.approx(2 * fast.latency_ms)
    assert fast.latency_ms == round(fast.cycles / 120_000, 6)


def test_a_core_without_cycle_model_is_refused() -> None:
    """The message names the core and what is known."""
    with pytest.raises(ValueError, match=r"no cycle model for 'z80' with cmsis-nn kernels.*cortex-m4"):
        timing_of(on("z80"))
