"""Flash of the runtime and RAM beside the arena."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from devices.boards import load_device
from devices.flatbuffer import read_graph
from devices.graph import DType, Graph, Operator, Tensor
from devices.storage import runtime_flash_bytes, static_ram_bytes

BOARD = load_device("nucleo-l4r5zi")
MODELS = {
    "kws_ref_model.tflite": "models_mlperf_tiny/keyword_spotting",
    "pretrainedResnet_quant.tflite": "models_mlperf_tiny/image_classification",
    "vww_96_int8.tflite": "models_mlperf_tiny/visual_wake_words",
    "ad01_int8.tflite": "models_mlperf_tiny/anomaly_detection",
    "ad01_fp32.tflite": "models_mlperf_tiny/anomaly_detection",
    "pretrainedResnet.tflite": "models_mlperf_tiny/image_classification",
    "str_ww_ref_model.tflite": "models_mlperf_tiny/streaming_wakeword",
    "micro_speech_quantized.tflite": "models_tflm/micro_speech",
    "person_detect.tflite": "models_tflm/models",
    "keyword_scrambled.tflite": "models_tflm/models",
    "hello_world_int8.tflite": "models_tflm/hello_world",
    "trained_lstm.tflite": "models_tflm/mnist_lstm",
}


def dense(dtype: DType, *, weights: DType | None = None, copies: int = 1) -> Graph:
    """Build `copies` fully connected layers of 16 x 16 in a row."""
    kernel = Tensor(shape=(16, 16), dtype=weights or dtype, constant_bytes=256, scales=1)
    return Graph(
        tensors=(kernel, *(Tensor(shape=(1, 16), dtype=dtype) for _ in range(copies + 1))),
        operators=tuple(Operator(name="FULLY_CONNECTED", inputs=(i + 1, 0), outputs=(i + 2,)) for i in range(copies)),
        inputs=(1,),
        outputs=(copies + 1,),
    )


@pytest.mark.parametrize("model", MODELS)
def test_measured_firmwares(shared: Path, model: str) -> None:
    """Runtime code and static RAM of real firmwares: flash within 4 %, data + stack at most 350 bytes above."""
    graph = read_graph((shared / "data" / MODELS[model] / model).read_bytes())
    with (shared / "truth" / "models.csv").open(newline="") as lines:
        row = next(r for r in csv.DictReader(lines) if (r["model"], r["core"]) == (model, "m4"))
    assert runtime_flash_bytes(graph, BOARD) == pytest.approx(int(row["firmware_bytes_typed"]), rel=0.04)
    ram = int(row["static_ram_bytes"]) + int(row["stack_invoke_bytes"])
    assert ram - 50 <= static_ram_bytes(graph, BOARD) <= ram + 350


def test_code_is_linked_once() -> None:
    """A hundred fully connected layers need the code of one."""
    assert runtime_flash_bytes(dense(DType.INT8), BOARD) == runtime_flash_bytes(dense(DType.INT8, copies=100), BOARD)


def test_a_typed_registration_is_smaller() -> None:
    """int8 alone: 11656 + 17104; float needs the registration of all types; int16 and int4 have their own."""
    assert runtime_flash_bytes(dense(DType.INT8), BOARD) == 28760
    assert runtime_flash_bytes(dense(DType.FLOAT32), BOARD) == 11656 + 20848
    assert runtime_flash_bytes(dense(DType.INT16, weights=DType.INT8), BOARD) == 11656 + 7472
    assert runtime_flash_bytes(dense(DType.INT8, weights=DType.INT4), BOARD) == 11656 + 8464


def test_mixed_types_need_the_registration_of_all_types() -> None:
    """One operator has one registration: 8-bit and 4-bit layers together take the general one."""
    eight, four = dense(DType.INT8), dense(DType.INT8, weights=DType.INT4)
    mixed = Graph(
        tensors=(*eight.tensors, *four.tensors),
        operators=(*eight.operators, Operator(name="FULLY_CONNECTED", inputs=(4, 3), outputs=(5,))),
        inputs=(1,),
        outputs=(5,),
    )
    assert runtime_flash_bytes(mixed, BOARD) == 11656 + 20848


def test_an_operator_without_measurement_is_not_free() -> None:
    """It costs the stated 6272 bytes."""
    graph = dense(DType.INT8)
    more = replace(graph, operators=(*graph.operators, Operator(name="CUMSUM", inputs=(1,), outputs=(2,))))
    assert runtime_flash_bytes(more, BOARD) - runtime_flash_bytes(graph, BOARD) == 6272
    assert static_ram_bytes(more, BOARD) > static_ram_bytes(graph, BOARD)


def test_other_cores_by_the_stated_ratio() -> None:
    """15 % more on a Cortex-M0+, the same on a Cortex-M7; a core without a ratio is refused."""
    graph = dense(DType.INT8)
    assert runtime_flash_bytes(graph, replace(BOARD, core="cortex-m0plus")) == round(1.15 * 28760)
    assert runtime_flash_bytes(graph, replace(BOARD, core="cortex-m7")) == 28760
    with pytest.raises(ValueError, match=r"no code size for core 'avr'; known cores: .*cortex-m4"):
        runtime_flash_bytes(graph, replace(BOARD, core="avr"))


def test_helium_kernels_need_more_stack() -> None:
    """Measured up to 1548 bytes on a Cortex-M55, against 760 of this network on a Cortex-M4."""
    graph = dense(DType.INT8)
    assert static_ram_bytes(graph, replace(BOARD, core="cortex-m55")) - static_ram_bytes(graph, BOARD) == 1548 - 780
