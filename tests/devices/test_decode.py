"""What TensorFlow Lite Micro's compressed weights cost: arena, code, cycles; and who runs them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from devices.boards import load_device
from devices.device import Accelerator
from devices.flatbuffer import read_graph
from devices.graph import DType, Graph, Operator, Tensor
from devices.latency import estimate, operator_costs
from devices.memory import plan_arena
from devices.storage import runtime_flash_bytes
from devices.support import unsupported
from devices.weight_traffic import flash_weight_bytes
from devices.workload import workload
from tests.devices.compressed import compressed

M4 = load_device("nucleo-l4r5zi")
MLPERF = Path("data/models_mlperf_tiny")
RESNET = MLPERF / "image_classification/pretrainedResnet_quant.tflite"
AUTOENCODER = MLPERF / "anomaly_detection/ad01_int8.tflite"


def _layer(*, is_decoded: bool, name: str = "TFLM_DECODE", bits: int = 4) -> Graph:
    """A fully connected layer of 256 x 64 weights, which lie in the file or come from a DECODE."""
    weights = Tensor(shape=(64, 256), dtype=DType.INT8, scales=1, constant_bytes=None if is_decoded else 64 * 256)
    layer = Operator(name="FULLY_CONNECTED", inputs=(0, 1), outputs=(2,))
    tensors = [
        Tensor(shape=(1, 256), dtype=DType.INT8, scales=1),
        weights,
        Tensor(shape=(1, 64), dtype=DType.INT8, scales=1),
    ]
    if not is_decoded:
        return Graph(tensors=tuple(tensors), operators=(layer,), inputs=(0,), outputs=(2,))
    indexes = 64 * 256 * bits // 8
    tensors += (Tensor(shape=(n,), dtype=DType.UINT8, constant_bytes=n) for n in (indexes, 32))
    decode = Operator(name=name, inputs=(3, 4), outputs=(1,), is_custom=True)
    return Graph(tensors=tuple(tensors), operators=(decode, layer), inputs=(0,), outputs=(2,))


def test_arena_of_a_compressed_resnet_is_the_measured_one(shared: Path) -> None:
    """facts/scoring.md section 6: 54,996 bytes become 61,540 on a Cortex-M4."""
    content = (shared / RESNET).read_bytes()
    assert plan_arena(read_graph(content), "cortex-m4").total_bytes == 54_996
    assert plan_arena(read_graph(compressed(content, 2048)), "cortex-m4").total_bytes == 61_540


def test_decoded_weights_live_in_the_arena(shared: Path) -> None:
    """The autoencoder's activations of 768 bytes become 82,688 with a layer's weights: measured in the wheel."""
    assert (
        plan_arena(read_graph(compressed((shared / AUTOENCODER).read_bytes(), 0)), "cortex-m4").activation_bytes
        == 82_688
    )


def test_decode_adds_its_cycles(shared: Path) -> None:
    """facts/scoring.md section 6: 0.9 % of ResNet-8's instructions on a Cortex-M4; the interval widens."""
    content = (shared / RESNET).read_bytes()
    board = load_device("nucleo-l4r5zi")
    plain, decoded = (
        estimate(graph, board, operator_costs(graph, board))
        for graph in (read_graph(content), read_graph(compressed(content, 2048)))
    )
    assert plain.instructions is not None
    assert decoded.instructions is not None
    assert 1.007 < decoded.instructions / plain.instructions < 1.011


def test_other_widths_take_the_slow_way() -> None:
    """The runtime unpacks 2, 3 and 4 bits by a loop of their own and others one by one."""
    fast, slow = (operator_costs(_layer(is_decoded=True, bits=bits), M4)[0] for bits in (4, 6))
    assert slow.cycles > 3 * fast.cycles


def test_a_layer_with_decoded_weights_keeps_its_shape() -> None:
    """Multiply-accumulates stay; its weights are no longer read from flash, the indexes are."""
    plain, decoded = _layer(is_decoded=False), _layer(is_decoded=True)
    assert decoded.macs(decoded.operators[1]) == plain.macs(plain.operators[0]) == 256 * 64
    assert flash_weight_bytes(workload(plain, plain.operators[0]), 0) == 256 * 64
    assert flash_weight_bytes(workload(decoded, decoded.operators[1]), 0) == 0
    assert flash_weight_bytes(workload(decoded, decoded.operators[0]), 0) == 256 * 64 // 2 + 32
    assert workload(decoded, decoded.operators[0]).weight_bits == 4


def test_code_of_decode_is_counted_once() -> None:
    plain, decoded = (runtime_flash_bytes(_layer(is_decoded=is_decoded), M4) for is_decoded in (False, True))
    assert decoded - plain == 18_996


def test_who_runs_it() -> None:
    """TensorFlow Lite Micro; not Espressif's copy, not LiteRT, not the Ethos-U's compiler, and no other custom code."""
    graph = _layer(is_decoded=True)
    runs = {
        kernels: not unsupported(graph, _with(kernels)) for kernels in ("cmsis-nn", "reference", "esp-nn", "xnnpack")
    }
    assert runs == {"cmsis-nn": True, "reference": True, "esp-nn": False, "xnnpack": False}
    npu = Accelerator(config="ethos-u55-128", system_config="any", memory_mode="Shared_Sram")
    assert unsupported(graph, replace(M4, accelerator=npu))
    assert "not scored" in unsupported(_layer(is_decoded=True, name="MY_DECODE"), M4)[0]


def test_a_decode_without_constant_tables_is_refused() -> None:
    graph = _layer(is_decoded=True)
    computed = replace(graph.tensors[4], constant_bytes=None)
    assert unsupported(replace(graph, tensors=(*graph.tensors[:4], computed)), M4)
    alone = replace(graph.operators[0], inputs=(3,))
    assert unsupported(replace(graph, operators=(alone, graph.operators[1])), M4)


def _with(kernels: Any) -> Any:
    return replace(M4, kernels=kernels)
