"""A bundle that contradicts itself is refused at birth, with the rule, the value and the remedy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from devices.artifact import Normalization
from devices.device import Accelerator
from devices.export.bundle import Bundle
from devices.export.records import ExportError, Golden, Metric
from devices.frontend.pipeline import Pipeline
from devices.frontend.standardise import Standardise
from devices.graph import DType
from tests.devices.export.cpp.tables import MIXED, fed_rows, rows_of


def test_operators_are_sorted_and_named_once(bundle: Bundle) -> None:
    doubled = replace(bundle, graph=replace(bundle.graph, operators=bundle.graph.operators * 2))
    assert doubled.operators == ("FULLY_CONNECTED", "SOFTMAX")


def test_refuses_the_footprint_of_another_file(bundle: Bundle) -> None:
    other = replace(bundle.footprint, model_bytes=1)
    with pytest.raises(ExportError, match=f"file of 1 bytes, the artifact has {bundle.artifact.model_bytes}; measure"):
        replace(bundle, footprint=other)


def test_refuses_the_graph_of_another_file(bundle: Bundle) -> None:
    port = replace(bundle.artifact.input, dtype=DType.INT16)
    with pytest.raises(ExportError, match=r"input: the graph says int8 \(1, 12\), the artifact says int16"):
        replace(bundle, artifact=replace(bundle.artifact, input=port))


def test_refuses_several_outputs(bundle: Bundle) -> None:
    with pytest.raises(ExportError, match="2 outputs; only networks with one output"):
        replace(bundle, graph=replace(bundle.graph, outputs=(3, 4)))


def test_refuses_labels_that_do_not_match_the_outputs(bundle: Bundle) -> None:
    with pytest.raises(ExportError, match="1 labels for 5 outputs"):
        replace(bundle, artifact=replace(bundle.artifact, labels=("one",)))


def test_refuses_labels_without_utf8(bundle: Bundle) -> None:
    with pytest.raises(ExportError, match="not valid Unicode"):
        replace(bundle, artifact=replace(bundle.artifact, labels=("\ud800", "b", "c", "d", "e")))


def test_refuses_a_golden_sample_of_real_values(bundle: Bundle) -> None:
    """Real values (float32) in place of stored ones (int8) have four times the bytes."""
    real = Golden.from_arrays(np.zeros((1, 12), np.float32), np.zeros((1, 5), np.int8), interpreter="x")
    with pytest.raises(ExportError, match=r"golden sample 0: input has 48 bytes, int8 \(1, 12\) needs 12"):
        replace(bundle, golden=(real,))


def test_golden_is_little_endian_whatever_the_array_is() -> None:
    x = np.array([1, 258], dtype=">i2")
    assert Golden.from_arrays(x, x, interpreter="x").input == b"\x01\x00\x02\x01"


@pytest.mark.parametrize(
    ("value", "n", "low", "high"),
    [(float("nan"), 9, None, None), (0.5, 0, None, None), (0.5, 9, 0.6, 0.7), (0.5, 9, 0.4, None)],
)
def test_refuses_metrics_that_cannot_be(value: float, n: int, low: float | None, high: float | None) -> None:
    with pytest.raises(ExportError, match="metric 'accuracy'"):
        Metric(name="accuracy", value=value, n=n, low=low, high=high)


def test_refuses_two_metrics_of_one_name(bundle: Bundle) -> None:
    with pytest.raises(ExportError, match="names must be unique"):
        replace(bundle, metrics=bundle.metrics[:1] * 2)


@pytest.mark.parametrize(("offset", "factor"), [(float("inf"), 1.0), (0.0, 0.0), (0.0, float("nan"))])
def test_refuses_a_normalization_that_cannot_be(offset: float, factor: float) -> None:
    with pytest.raises(ValueError, match="both must be finite and the factor not 0"):
        Normalization(offset=offset, factor=factor)


def test_refuses_a_compiled_file_for_a_board_without_an_accelerator(bundle: Bundle) -> None:
    """Only an accelerator executes a compiled file, and it executes nothing else."""
    with pytest.raises(ExportError, match="device 'nucleo-l4r5zi' has no accelerator; give a compiled file"):
        replace(bundle, compiled=b"compiled")
    accelerator = Accelerator(config="ethos-u55-64", system_config="Himax_WE2", memory_mode="Shared_Sram")
    board = replace(bundle.device, accelerator=accelerator)
    with pytest.raises(ExportError, match="has an accelerator; give a compiled file for boards with one"):
        replace(bundle, device=board)
    with pytest.raises(ExportError, match=r"the compiled file has 8; measure the artifact"):
        replace(bundle, device=board, compiled=b"compiled")


def test_the_footprint_on_an_accelerator_is_of_the_compiled_file(bundle: Bundle) -> None:
    """The plain file keeps its own bytes beside it."""
    accelerator = Accelerator(config="ethos-u55-64", system_config="Himax_WE2", memory_mode="Shared_Sram")
    made = replace(
        bundle,
        device=replace(bundle.device, accelerator=accelerator),
        compiled=b"compiled",
        footprint=replace(bundle.footprint, model_bytes=8),
    )
    assert len(made.artifact.content) != 8


def test_the_footprint_of_a_coded_model_is_of_its_package(bundle: Bundle, coded_bundle: Bundle) -> None:
    """Neither is taken without the other."""
    with pytest.raises(ExportError, match=r"footprint is of a package of \d+ bytes, the artifact has none"):
        replace(coded_bundle, artifact=bundle.artifact)
    with pytest.raises(ExportError, match=r"footprint is of a package of None bytes, the artifact has \d+"):
        replace(coded_bundle, footprint=bundle.footprint)


def test_refuses_the_encoding_of_another_network(bundle: Bundle) -> None:
    """Its inputs are the network's, or the front-end's raw sample."""
    with pytest.raises(ExportError, match="columns become 9 values, the network takes 12; give the encoding"):
        replace(bundle, table=MIXED)
    made = fed_rows(bundle, MIXED, rows_of(MIXED, 1))
    pipeline = Pipeline(input_shape=(9,), frontend=Standardise())
    assert replace(made, frontend=pipeline).table == MIXED
    fewer = replace(MIXED, columns=MIXED.columns[1:])
    with pytest.raises(ExportError, match="columns become 8 values, the front-end takes 9"):
        replace(made, frontend=pipeline, table=fewer, golden=())


def test_refuses_rows_of_another_table(bundle: Bundle) -> None:
    made = fed_rows(bundle, MIXED, rows_of(MIXED, 1))
    with pytest.raises(ExportError, match="a row of 1 values does not have the table's 8 columns"):
        replace(made, rows=((1.0,),))
    wrong = replace(made.golden[0], row=(*rows_of(MIXED, 1)[0][:-1], "text"))
    with pytest.raises(ExportError, match="each a number"):
        replace(made, golden=(wrong,))
    with pytest.raises(ExportError, match="2 rows of a table without an encoding"):
        replace(bundle, rows=((1.0,), (2.0,)))


def test_refuses_columns_without_utf8(bundle: Bundle) -> None:
    """Names and texts alike."""
    made = fed_rows(bundle, MIXED, rows_of(MIXED, 1))
    for change in ({"name": "\ud800"}, {"values": ("\ud800", "b", "c")}):
        broken = replace(MIXED, columns=(MIXED.columns[0], replace(MIXED.columns[1], **change), *MIXED.columns[2:]))
        with pytest.raises(ExportError, match="not valid Unicode"):
            replace(made, table=broken)
