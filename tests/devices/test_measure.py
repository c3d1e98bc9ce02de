"""Everything together."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.boards import load_device
from devices.flatbuffer import ModelFileError
from devices.footprint import Budget
from devices.graph import DType, Graph, Operator, Options, Tensor
from devices.latency import INTERPRETER_INSTRUCTIONS
from devices.measure import footprint, measure

BOARD = load_device("nucleo-l432kc")


def network() -> Graph:
    """Build a convolution, a pool, a reshape, a fully connected layer and a softmax, int8."""

    def made(*shape: int) -> Tensor:
        return Tensor(shape=shape, dtype=DType.INT8, scales=1)

    def constant(nbytes: int, *shape: int, dtype: DType = DType.INT8) -> Tensor:
        return Tensor(shape=shape, dtype=dtype, constant_bytes=nbytes, scales=1)

    return Graph(
        tensors=(
            made(1, 8, 8, 1),
            constant(72, 8, 3, 3, 1),
            constant(32, 8, dtype=DType.INT32),
            made(1, 8, 8, 8),
            made(1, 4, 4, 8),
            made(1, 128),
            constant(1280, 10, 128),
            constant(40, 10, dtype=DType.INT32),
            made(1, 10),
            made(1, 10),
        ),
        operators=(
            Operator(name="CONV_2D", inputs=(0, 1, 2), outputs=(3,), options=Options(padding="SAME")),
            Operator(
                name="MAX_POOL_2D",
                inputs=(3,),
                outputs=(4,),
                options=Options(filter_height=2, filter_width=2, stride_height=2, stride_width=2),
            ),
            Operator(name="RESHAPE", inputs=(4,), outputs=(5,)),
            Operator(name="FULLY_CONNECTED", inputs=(5, 6, 7), outputs=(8,)),
            Operator(name="SOFTMAX", inputs=(8,), outputs=(9,)),
        ),
        inputs=(0,),
        outputs=(9,),
    )


def test_the_parts_add_up() -> None:
    """Flash, RAM and MACs are the sums that their names promise."""
    print_ = footprint(network(), BOARD, 5000)
    assert print_.flash_bytes == 5000 + print_.runtime_flash_bytes
    assert print_.ram_bytes == print_.activation_bytes + print_.bookkeeping_bytes + print_.static_ram_bytes
    assert print_.macs == 8 * 8 * 8 * 9 + 1280
    assert print_.latency_low_ms < print_.latency_ms < print_.latency_high_ms


def test_scoring_again_gives_exactly_the_same() -> None:
    """No figure depends on order, time or chance."""
    assert footprint(network(), BOARD, 5000) == footprint(network(), BOARD, 5000)


def test_a_file_is_the_sum_of_its_operators(shared: Path) -> None:
    """Instructions and cycles of the whole are those of the operators and the interpreter's own."""
    content = (shared / "data/models_mlperf_tiny/keyword_spotting/kws_ref_model.tflite").read_bytes()
    whole, costs = measure(content, BOARD)
    start, each = INTERPRETER_INSTRUCTIONS
    assert whole.model_bytes == len(content) == 53936
    assert whole.macs == sum(cost.macs for cost in costs) == pytest.approx(2.66e6, rel=0.01)
    assert whole.instructions == sum(cost.instructions or 0 for cost in costs) + start + each * len(costs)
    assert whole.cycles == pytest.approx(sum(cost.cycles for cost in costs), rel=0.001)
    assert [cost.op for cost in costs[:3]] == ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D"]


def test_excess_is_positive_only_where_a_limit_is_broken() -> None:
    """The budget is compared figure by figure; exactly at the limit fits."""
    print_ = footprint(network(), BOARD, 5000)
    exact = Budget(flash_bytes=print_.flash_bytes, ram_bytes=print_.ram_bytes, latency_ms=print_.latency_ms)
    assert dict(print_.excess_over(exact)) == {"flash_bytes": 0, "ram_bytes": 0, "latency_ms": 0}
    tight = Budget(flash_bytes=print_.flash_bytes - 1, ram_bytes=print_.ram_bytes + 1)
    assert print_.excess_over(tight) == (("flash_bytes", 1.0), ("ram_bytes", -1.0))


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(ModelFileError):
        measure(b"not a model", BOARD)
