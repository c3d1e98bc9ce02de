"""Instruction counts of operators and the interval they carry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from devices.counting_error import UNJUDGED, Errors, TypeErrors, counting_interval, factors, int4_interval
from devices.device import Kernels
from devices.graph import DType
from devices.instructions import ASSUMED_DOUBT, INT4_UNPACKING, PORTABLE_INT8, instructions_of
from devices.workload import Workload
from tests.benchmarks import fit_cycles, instruction_errors, whole_models

CONV = Workload(
    op="CONV_2D", dtype=DType.INT8, height=8, width=8, in_channels=16, out_channels=16, kernel_height=3,
    kernel_width=3, same=True, out_height=8, out_width=8, weight_bits=8,
)  # fmt: skip
DENSE = Workload(op="FULLY_CONNECTED", dtype=DType.INT8, in_channels=16, out_channels=16, weight_bits=8)


def count(work: Workload, core: str = "m4", kernels: Kernels = "cmsis-nn") -> float:
    return instructions_of(work, core, kernels).count


@pytest.mark.parametrize("core", ["m4", "m7", "m33", "m55"])
@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16, DType.FLOAT32])
def test_every_core_and_type_has_an_interval_around_its_count(core: str, dtype: DType) -> None:
    """An estimate never lacks its doubt, and without a table of its own it carries more of it."""
    counted = instructions_of(replace(CONV, dtype=dtype), core, "cmsis-nn")
    assert counted.count > 0
    assert counted.low < 1 < counted.high
    own = instructions_of(replace(CONV, dtype=dtype), "m4", "cmsis-nn")
    if not counted.measured:
        assert counted.high / counted.low > own.high / own.low


def test_fewer_columns_and_outputs_never_cost_more() -> None:
    """A fully connected layer grows with its inputs and outputs, down to one of each (odd and tiny sizes)."""
    by_outputs = [count(replace(DENSE, out_channels=n)) for n in range(1, 20)]
    by_columns = [count(replace(DENSE, in_channels=n)) for n in (1, 4, 8, 16, 32)]
    assert by_outputs == sorted(by_outputs)
    assert by_columns == sorted(by_columns)
    assert by_outputs[0] > 300


def test_an_output_is_not_free_of_channels_in_the_generic_depthwise_kernel() -> None:
    """A dilated depthwise layer of 64 channels takes about 8 times one of 8, though the sweep has one channel count."""
    dilated = replace(CONV, op="DEPTHWISE_CONV_2D", in_channels=8, out_channels=8, dilation_height=2)
    wide = replace(dilated, in_channels=64, out_channels=64)
    assert count(wide) / count(dilated) == pytest.approx(8, rel=0.15)


def test_four_bit_weights_add_their_unpacking() -> None:
    """About 1.8 instructions a multiply-accumulate for a convolution, the stated 4 for a kernel not measured."""
    four = replace(CONV, weight_bits=4)
    assert (count(four) - count(CONV)) / CONV.multiplies == pytest.approx(1.77, abs=0.05)
    depthwise = replace(CONV, op="DEPTHWISE_CONV_2D", kernel_width=5, kernel_height=5)
    extra = count(replace(depthwise, weight_bits=4)) - count(depthwise)
    assert extra == pytest.approx(INT4_UNPACKING["multiplies"] * depthwise.multiplies)
    assert int4_interval("conv", "m4")[0] > int4_interval("conv", "m55")[0]


def test_portable_kernels_follow_the_float_loops() -> None:
    """int8 by the portable kernels is the float count times one ratio, and not called measured."""
    portable = instructions_of(CONV, "m4", "reference")
    assert portable.count == pytest.approx(PORTABLE_INT8 * count(replace(CONV, dtype=DType.FLOAT32)))
    assert not portable.measured


def test_an_unmeasured_operator_says_so_by_its_interval() -> None:
    """PAD is in no sweep: a stated cost, doubted by a factor of two."""
    counted = instructions_of(Workload(op="PAD", dtype=DType.INT8, in_elements=100, out_elements=120), "m4", "cmsis-nn")
    assert (counted.low, counted.high) == ASSUMED_DOUBT


def test_a_recurrent_layer_grows_with_its_steps_and_units() -> None:
    """Twice the steps are twice the work; the one measured network did not become a constant."""
    lstm = Workload(
        op="UNIDIRECTIONAL_SEQUENCE_LSTM", dtype=DType.INT8, in_channels=28, out_channels=20, out_elements=560
    )
    assert count(replace(lstm, out_elements=1120)) == pytest.approx(2 * count(lstm))
    assert count(replace(lstm, out_channels=40, out_elements=1120)) > 2 * count(lstm)


def test_a_bound_never_falls_below_what_a_network_showed() -> None:
    """Kinds, the whole sweep and the worst model all hold; a handful of errors counts double."""
    many = Errors(n=100, median=0.1, p90=0.8, p95=1.0, worst=9.0)
    few = Errors(n=5, median=0.5, p90=2.0, p95=2.4, worst=2.5)
    judged = TypeErrors(operators=many, kinds={"add": few, "conv 3x3": many}, worst_model=1.5)
    assert judged.width("add") == 5.0
    assert judged.width("conv 3x3") == 1.5
    assert judged.width("tanh") is None
    assert counting_interval(Workload(op="TANH", dtype=DType.INT8), "m4", "int8") == UNJUDGED
    assert factors(25.0) == pytest.approx((0.8, 4 / 3))


@pytest.mark.parametrize(("core", "dtype"), fit_cycles.TABLES)
def test_the_interval_covers_nine_of_ten_operators_left_out(shared: Path, core: str, dtype: str) -> None:
    """The 90 % interval, made of the errors of four folds, holds at least 90 % of the fifth.

    Formulas and interval are both blind to the shape family that is judged.
    """
    kernels = fit_cycles.TABLES[core, dtype]
    judged = instruction_errors.judge_all(fit_cycles.samples(shared / "truth", core, dtype, kernels))
    assert len(judged) > 900
    assert instruction_errors.covered(judged) >= 0.9


def test_the_interval_covers_whole_models(shared: Path) -> None:
    """Every unseen model of the truth lies in the sum of its operators' intervals, none wider than 6 % either way.

    Also leaving out what the model itself told the interval: nine of ten.
    """
    rows = [row for row in whole_models.model_errors(shared / "truth", shared / "data") if row.unseen]
    assert {(row.core, row.dtype) for row in rows} >= {(core, "int8") for core in ("m4", "m7", "m33", "m55")}
    for row in rows:
        assert row.low <= row.measured <= row.high, row.model
        assert row.low > 0.94 * row.estimated, row.model
        assert row.high < 1.06 * row.estimated, row.model
    blind = whole_models.covered_models(shared / "truth", rows)
    assert blind >= 0.9
