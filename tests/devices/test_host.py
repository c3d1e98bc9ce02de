"""The cost of a network on a Linux board with LiteRT."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from devices.boards import load_device
from devices.device import Device
from devices.flatbuffer import read_graph
from devices.graph import DType, Graph, Operator, Options, Tensor
from devices.host import LIBRARY_BYTES, host_footprint
from devices.latency import host_timing
from devices.measure import footprint, measure
from tests.devices.models import UNREADABLE_BY_LITERT, mutations, shared_models

_RUNTIME_BYTES = 55_000  # what LiteRT takes for a network of three tiny layers
# networks of MLPerf Tiny: large enough that what the C library rounds up does not count
_COMPARED = 9


@pytest.fixture(scope="module")
def board() -> Device:
    """The board of the catalogue."""
    return load_device("raspberry-pi-4b")


def convolution(dtype: DType = DType.INT8, weights: DType = DType.INT8) -> Graph:
    """3x3 on (1, 8, 8, 4) to 16 channels, stride 1."""
    return Graph(
        tensors=(
            Tensor(shape=(1, 8, 8, 4), dtype=dtype),
            Tensor(shape=(16, 3, 3, 4), dtype=weights, constant_bytes=16 * 36 * weights.bits // 8),
            Tensor(shape=(1, 8, 8, 16), dtype=dtype),
        ),
        operators=(Operator(name="CONV_2D", inputs=(0, 1), outputs=(2,), options=Options(padding="SAME")),),
        inputs=(0,),
        outputs=(2,),
    )


def test_memory_by_hand(board: Device) -> None:
    """Input and output; weights of 36 taps in 40, a bias and a scale; a pointer for every tap of every pixel."""
    cost, (operator,) = host_footprint(convolution(), board, 1000)
    assert cost.activation_bytes == operator.live_bytes == 8 * 8 * 4 + 8 * 8 * 16
    assert cost.bookkeeping_bytes == 5000 + 16 * (40 + 8) + 8 * 9 * 64
    assert cost.setup_bytes == cost.arena_bytes
    assert cost.flash_bytes == 1000 + LIBRARY_BYTES
    assert cost.ram_bytes > cost.arena_bytes + LIBRARY_BYTES
    assert cost.instructions is None


def test_activations_are_aligned_to_64() -> None:
    """LiteRT rounds every tensor up to a cache line."""
    one = Tensor(shape=(1, 1), dtype=DType.INT8)
    graph = Graph(
        tensors=(one, one),
        operators=(Operator(name="RELU", inputs=(0,), outputs=(1,)),),
        inputs=(0,),
        outputs=(1,),
    )
    cost, _ = host_footprint(graph, load_device("raspberry-pi-4b"), 1)
    assert cost.activation_bytes == 128


def test_time_is_by_type(board: Device) -> None:
    """int8 is fastest, also under float activations; int16, which XNNPACK does not have, is slowest."""
    graphs = {
        "int8": convolution(),
        "hybrid": convolution(DType.FLOAT32),
        "float": convolution(DType.FLOAT32, DType.FLOAT32),
        "int16": convolution(DType.INT16),
    }
    cost = {name: host_footprint(graph, board, 1)[0] for name, graph in graphs.items()}
    assert cost["int8"].cycles == cost["hybrid"].cycles < cost["float"].cycles < cost["int16"].cycles / 10
    macs = 8 * 8 * 16 * 36
    timing = host_timing(board)
    assert {each.macs for each in cost.values()} == {macs}
    assert cost["int8"].cycles == 1000 + round(macs * timing.cycles_per_mac_int8)
    for each in cost.values():
        assert 0 < each.latency_low_ms < each.latency_ms < each.latency_high_ms
        assert each.latency_ms == pytest.approx(1000 * each.cycles / board.clock_hz)


def test_measure_and_footprint_come_here(board: Device, tiny_model: bytes) -> None:
    """One cost, whether of a file or of its graph; one entry an operator, whose times add up."""
    graph = read_graph(tiny_model)
    cost, operators = measure(tiny_model, board)
    assert cost == footprint(graph, board, len(tiny_model)) == host_footprint(graph, board, len(tiny_model))[0]
    assert [each.op for each in operators] == [each.name for each in graph.operators]
    assert sum(each.cycles for each in operators) == cost.cycles
    assert sum(each.macs for each in operators) == cost.macs > 0
    assert 0 < max(each.live_bytes or 0 for each in operators) <= cost.activation_bytes


def test_a_faster_clock_takes_less_time(board: Device, tiny_model: bytes) -> None:
    """Cycles stay."""
    slow, fast = (measure(tiny_model, replace(board, clock_hz=hertz))[0] for hertz in (10**9, 2 * 10**9))
    assert slow.cycles == fast.cycles
    assert slow.latency_ms == pytest.approx(2 * fast.latency_ms, rel=1e-4)


_RESIDENT = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter

def anonymous():
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("RssAnon"))

before = anonymous()
runner = Interpreter(model_path=sys.argv[1], num_threads=1)
runner.allocate_tensors()
for detail in runner.get_input_details():
    runner.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
runner.invoke()
print(anonymous() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads resident memory from /proc")
def test_memory_is_what_litert_takes(board: Device, shared: Path) -> None:
    """Resident memory of the networks of MLPerf Tiny on this machine is 0.8 to 1.4 times what is counted."""
    ratios = {}
    for path in shared_models(shared):
        if "mlperf" not in str(path) or path.name in UNREADABLE_BY_LITERT:
            continue
        done = subprocess.run(
            [sys.executable, "-c", _RESIDENT, str(path)], capture_output=True, text=True, check=True, timeout=120
        )
        counted = host_footprint(read_graph(path.read_bytes()), board, path.stat().st_size)[0].arena_bytes
        ratios[path.name] = (int(done.stdout) - _RUNTIME_BYTES) / counted
    assert len(ratios) == _COMPARED
    assert {name: ratio for name, ratio in ratios.items() if not 0.8 < ratio < 1.4} == {}


def test_any_readable_graph_has_a_cost(board: Device, tiny_model: bytes) -> None:
    """Damaged files that can be read cost something, never an error."""
    costed = 0
    for content in mutations(tiny_model, 120, seed=9):
        try:
            graph = read_graph(content)
        except ValueError:
            continue
        costed += 1
        assert host_footprint(graph, board, len(content))[0].ram_bytes > 0
    assert costed > 20
