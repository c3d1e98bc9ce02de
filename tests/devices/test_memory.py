"""The predicted arena against the arenas measured on emulated cores."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from devices.flatbuffer import ModelFileError, read_graph
from devices.graph import DType, Graph, Operator, Tensor
from devices.kernels import Call, Extension
from devices.memory import plan_arena
from devices.scratch import scratch
from tests.devices.models import mutations

CORES = ("cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
_RECORDER_BYTES = 96  # the recording allocator that measured head and tail apart takes these itself


def test_arenas_equal_the_measured_ones(shared: Path) -> None:
    """15 reference models (int8, int16, float32) on 4 cores: not one byte off, neither in total nor in activations."""
    with (shared / "truth" / "models.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 60
    errors = {}
    for row in rows:
        graph = read_graph((shared / "data" / row["file"]).read_bytes())
        arena = plan_arena(graph, f"cortex-{row['core']}")
        errors[row["model"], row["core"]] = (
            arena.total_bytes - int(row["arena_bytes"]),
            arena.activation_bytes - int(row["arena_head_bytes"]),
        )
        measured_tail = int(row["arena_tail_bytes"]) - _RECORDER_BYTES
        assert abs(arena.bookkeeping_bytes - measured_tail) <= 16, row["model"]
    assert {key: error for key, error in errors.items() if error != (0, 0)} == {}


def test_setup_of_a_dense_network_needs_more_than_it_uses(shared: Path) -> None:
    """The autoencoder of MLPerf Tiny uses 2,580 bytes, but only an arena of 3,024 (in steps of 16) can be set up."""
    path = shared / "data/models_mlperf_tiny/anomaly_detection/ad01_int8.tflite"
    arena = plan_arena(read_graph(path.read_bytes()), "cortex-m4")
    assert arena.total_bytes == 2580
    assert 3024 - 16 < arena.minimal_bytes <= 3024


def activation(*shape: int, dtype: DType = DType.INT8) -> Tensor:
    return Tensor(shape=shape, dtype=dtype, scales=1)


def pool_then_reshape(dtype: DType = DType.INT8) -> Graph:
    """(1, 4, 4, 8) pooled to (1, 2, 2, 8), flattened to (1, 32)."""
    tensors = (
        activation(1, 4, 4, 8, dtype=dtype),
        activation(1, 2, 2, 8, dtype=dtype),
        activation(1, 32, dtype=dtype),
    )
    return Graph(
        tensors=tensors,
        operators=(
            Operator(name="AVERAGE_POOL_2D", inputs=(0,), outputs=(1,)),
            Operator(name="RESHAPE", inputs=(1,), outputs=(2,)),
        ),
        inputs=(0,),
        outputs=(2,),
    )


@pytest.mark.parametrize(
    ("core", "scratch"), [("cortex-m0plus", 0), ("cortex-m4", 32), ("cortex-m7", 32), ("cortex-m55", 0)]
)
def test_activations_add_up_by_hand(core: str, scratch: int) -> None:
    """Input 128 + output 32 bytes are alive in the pool, with 4 bytes of scratch a channel where there is DSP only."""
    arena = plan_arena(pool_then_reshape(), core)
    assert arena.activation_bytes == 128 + 32 + scratch
    # The reshape copies 32 bytes to 32 bytes, after the scratch is gone.
    assert arena.live_bytes == (128 + 32 + scratch, 32 + 32)


def test_int16_takes_twice_the_activations() -> None:
    """Scratch and bookkeeping stay."""
    narrow, wide = (plan_arena(pool_then_reshape(kind), "cortex-m4") for kind in (DType.INT8, DType.INT16))
    assert wide.activation_bytes == 2 * (128 + 32) + 32
    assert wide.bookkeeping_bytes == narrow.bookkeeping_bytes


def test_nothing_works_in_place() -> None:
    """A reshape of 32 bytes holds input and output: the runtime copies."""
    graph = pool_then_reshape()
    alone = Graph(tensors=graph.tensors, operators=graph.operators[1:], inputs=(1,), outputs=(2,))
    unused_input = 128  # tensor 0 is never created and gets a place all the same, which the others may share
    assert plan_arena(alone, "cortex-m4").activation_bytes == max(unused_input, 32 + 32)


def test_a_variable_is_bookkeeping() -> None:
    """State that survives an inference cannot share memory with activations."""
    graph = pool_then_reshape()
    state = Tensor(shape=(1, 100), dtype=DType.INT16, is_variable=True)
    more = Graph(tensors=(*graph.tensors, state), operators=graph.operators, inputs=graph.inputs, outputs=graph.outputs)
    before, after = plan_arena(graph, "cortex-m4"), plan_arena(more, "cortex-m4")
    assert after.activation_bytes == before.activation_bytes
    assert 200 <= after.bookkeeping_bytes - before.bookkeeping_bytes <= 200 + 12 + 32


def test_live_bytes_of_every_operator(tiny_model: bytes) -> None:
    """What is made at or before an operator and read at or after it; the peak holds 4x4x16 in and 4x4x24 out."""
    graph = read_graph(tiny_model)
    live = plan_arena(graph, "cortex-m4").live_bytes
    for step, found in enumerate(live):
        made = {*graph.inputs, *(index for each in graph.operators[: step + 1] for index in each.outputs)}
        read = {index for each in graph.operators[step:] for index in (*each.inputs, *each.outputs)}
        needed = [graph.tensors[index].nbytes for index in made & read]
        needed += scratch(Call(graph, graph.operators[step], Extension.DSP))
        expected = sum(-(-nbytes // 16) * 16 for nbytes in needed)
        assert found == expected, f"operator {step}"
    assert live.index(max(live)) == 4
    assert live[4] == 4 * 4 * 16 + 4 * 4 * 24


def test_live_bytes_and_the_gaps_of_the_planner(shared: Path) -> None:
    """Activations take at least what is alive at the peak, equally much where the planner leaves no gap."""
    folder = shared / "data/models_mlperf_tiny"
    arenas = {
        name: plan_arena(read_graph((folder / name).read_bytes()), "cortex-m4")
        for name in (
            "keyword_spotting/kws_ref_model.tflite",
            "image_classification/pretrainedResnet_quant.tflite",
            "visual_wake_words/vww_96_int8.tflite",
        )
    }
    gaps = [arena.activation_bytes - max(arena.live_bytes) for arena in arenas.values()]
    assert gaps == [0, 0, 96 * 96 * 2]
    # The 48x48x8 input of the third layer and its 48x48x16 output.
    assert arenas["visual_wake_words/vww_96_int8.tflite"].live_bytes[2] == 48 * 48 * (8 + 16)


def test_what_never_lives_is_not_counted() -> None:
    """A tensor that no operator makes or reads has a place in the arena and is alive at none of them."""
    graph = pool_then_reshape()
    alone = Graph(tensors=graph.tensors, operators=graph.operators[1:], inputs=(1,), outputs=(2,))
    assert plan_arena(alone, "cortex-m4").live_bytes == (32 + 32,)
    assert plan_arena(Graph(tensors=(), operators=(), inputs=(), outputs=()), "cortex-m4").live_bytes == ()


def test_an_unknown_core_is_refused() -> None:
    """The error lists the cores."""
    with pytest.raises(ValueError, match=r"must be one of cortex-m0, .*got 'm4'"):
        plan_arena(pool_then_reshape(), "m4")


def test_any_readable_graph_can_be_planned(tiny_model: bytes) -> None:
    """Of 300 damaged files, those that can be read have an arena on every core."""
    planned = 0
    for content in mutations(tiny_model, 300, seed=2):
        try:
            graph = read_graph(content)
        except ModelFileError:
            continue
        planned += 1
        for core in CORES:
            arena = plan_arena(graph, core)
            assert arena.minimal_bytes >= arena.total_bytes > 0
            assert len(arena.live_bytes) == len(graph.operators)
            assert 0 <= min(arena.live_bytes) <= max(arena.live_bytes) <= arena.activation_bytes
    assert planned > 50
