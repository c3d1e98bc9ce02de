"""Boards with an Ethos-U: Vela's figures, the core's share, and what is known before there is a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from devices import vela
from devices.boards import device_names, load_device
from devices.device import Device
from devices.ethos_u import NPU_INTERVAL
from devices.flatbuffer import read_graph
from devices.graph import DType
from devices.measure import footprint, measure
from devices.vela import NPU_OPERATOR, VelaError
from tests.devices.models import dense_softmax, shared_models
from tests.devices.vela_installed import needs_vela

BOARD = load_device("alif-ensemble-e7")
_LEAST = ("model_bytes", "runtime_flash_bytes", "activation_bytes", "bookkeeping_bytes", "static_ram_bytes")
_SUMS = ("flash_bytes", "arena_bytes", "ram_bytes", "cycles", "latency_ms", "latency_low_ms")


def boards() -> list[Device]:
    """Every board of the catalogue with an accelerator."""
    found = [load_device(name) for name in device_names()]
    return [board for board in found if board.accelerator is not None]


def test_the_catalogue_says_where_each_accelerator_was_read() -> None:
    """Each board with an Ethos-U runs TensorFlow Lite Micro, and names the source of its accelerator."""
    assert {board.name for board in boards()} >= {"alif-ensemble-e7", "grove-vision-ai-v2", "mps3-corstone-300"}
    for board in boards():
        assert board.runtime == "tflm"
        assert len(dict(board.sources)["accelerator"]) > 20


@needs_vela
def test_every_accelerator_of_the_catalogue_compiles() -> None:
    """Configuration, system and memory mode of each board are such that Vela knows."""
    for board in boards():
        assert board.accelerator is not None
        made = vela.compile(dense_softmax(), board.accelerator)
        assert made.summary.clock_hz == vela.system_clock_hz(board.accelerator.system_config)


@needs_vela
def test_a_network_on_the_ethos_u_alone(shared: Path) -> None:
    """Cost is Vela's: its cycles and memory, the bytes of the compiled file, an interval as wide as stated."""
    content = (shared / "data/models_mlperf_tiny/keyword_spotting/kws_ref_model.tflite").read_bytes()
    assert BOARD.accelerator is not None
    made = vela.compile(content, BOARD.accelerator)
    cost, operators = measure(content, BOARD)
    assert cost.model_bytes == len(made.content) < len(content)
    assert cost.macs == operators[0].macs == measure(content, load_device("nucleo-l432kc"))[0].macs
    assert [operator.op for operator in operators] == [NPU_OPERATOR]
    assert operators[0].cycles == made.summary.cycles  # core and Ethos-U have one clock here
    assert operators[0].live_bytes == made.summary.sram_bytes
    assert cost.cycles == pytest.approx(made.summary.cycles, rel=0.01)
    assert cost.latency_ms == pytest.approx(1000 * made.summary.cycles / 400e6, rel=0.01)
    assert cost.latency_low_ms == pytest.approx(NPU_INTERVAL[0] * cost.latency_ms, rel=0.01)
    assert cost.latency_high_ms == pytest.approx(NPU_INTERVAL[1] * cost.latency_ms, rel=0.01)
    assert made.summary.sram_bytes < cost.activation_bytes <= made.summary.sram_bytes + 128
    assert 200 < cost.bookkeeping_bytes < 600  # one operator: thousands with the core's kernels
    assert cost.instructions is None
    assert cost.runtime_flash_bytes < measure(content, load_device("nucleo-l432kc"))[0].runtime_flash_bytes


@needs_vela
def test_operators_that_vela_leaves_are_the_cores(shared: Path) -> None:
    """SVDF stays on the core: its cost is added, by the operator, and its code counts."""
    content = (shared / "data/models_tflm/models/keyword_scrambled_8bit.tflite").read_bytes()
    assert BOARD.accelerator is not None
    made = vela.compile(content, BOARD.accelerator)
    cost, operators = measure(content, BOARD)
    assert set(made.on_cpu) == {"SVDF", "QUANTIZE"}
    assert [operator.op for operator in operators] == [operator.name for operator in made.graph.operators]
    assert [operator.index for operator in operators] == list(range(len(operators)))
    on_npu = [operator for operator in operators if operator.op == NPU_OPERATOR]
    on_core = [operator for operator in operators if operator.op != NPU_OPERATOR]
    assert sum(operator.cycles for operator in on_npu) == pytest.approx(made.summary.cycles, abs=len(on_npu))
    assert min(operator.cycles for operator in on_core) > 0
    assert cost.cycles > made.summary.cycles + sum(operator.cycles for operator in on_core)
    assert sum(operator.macs for operator in operators) == pytest.approx(cost.macs, abs=len(on_npu))
    assert cost.runtime_flash_bytes > measure(dense_softmax(), BOARD)[0].runtime_flash_bytes + 10_000


@needs_vela
def test_a_float_network_costs_what_it_costs_without_the_ethos_u(shared: Path) -> None:
    """Nothing of it can be moved: arena, code, instructions and time are those of the core alone."""
    content = (shared / "data/models_mlperf_tiny/keyword_spotting/kws_ref_model_float32.tflite").read_bytes()
    beside, alone = measure(content, BOARD), measure(content, replace(BOARD, accelerator=None))
    assert replace(beside[0], model_bytes=0, bookkeeping_bytes=0, setup_bytes=0) == replace(
        alone[0], model_bytes=0, bookkeeping_bytes=0, setup_bytes=0
    )
    assert [operator.cycles for operator in beside[1]] == [operator.cycles for operator in alone[1]]


@needs_vela
def test_the_screen_rejects_nothing_that_fits(shared: Path) -> None:
    """What is predicted without weights is never above what the compiled file costs, figure by figure."""
    compared = 0
    for path in shared_models(shared):
        content = path.read_bytes()
        try:
            cost, _ = measure(content, BOARD)
        except VelaError:  # a float LSTM that Vela cannot read
            continue
        least = footprint(read_graph(content), BOARD, len(content))
        for name in (*_LEAST, *_SUMS):
            assert getattr(least, name) <= getattr(cost, name), (path.name, name)
        compared += 1
    assert compared >= 15


@needs_vela
def test_the_screen_is_not_empty_words(shared: Path) -> None:
    """Of the networks of MLPerf Tiny it finds most of the memory, and a third of the cycles of convolutions."""
    content = (shared / "data/models_mlperf_tiny/image_classification/pretrainedResnet_quant.tflite").read_bytes()
    least, cost = footprint(read_graph(content), BOARD, len(content)), measure(content, BOARD)[0]
    assert least.activation_bytes > 0.6 * cost.activation_bytes
    assert least.cycles > 0.3 * cost.cycles
    assert least.macs == cost.macs


@needs_vela
def test_networks_that_vela_cannot_take_are_refused_before_training() -> None:
    """Weights of 4 bits are refused while there is no file yet."""
    graph = read_graph(dense_softmax())
    narrow = replace(graph.tensors[1], dtype=DType.INT4)
    with pytest.raises(VelaError, match="type int4"):
        footprint(replace(graph, tensors=(graph.tensors[0], narrow, *graph.tensors[2:])), BOARD, 1000)
