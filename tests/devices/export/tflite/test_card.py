"""The model card says what is known, how well, and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.export.bundle import Bundle
from devices.export.tflite.card import card
from devices.graph import DType
from tests.devices.export.cpp.tables import MIXED, fed_rows, rows_of


@pytest.mark.parametrize(
    "words",
    [
        "Model card: first\\\\nrun \\| \\`x\\`, trial 7",  # a newline and live punctuation of the run's name
        "measured on **digits**",
        "| test\\_accuracy | 0.95 | 360 | 0.922 to 0.968 |",
        "On nucleo-l4r5zi (evaluation board): cortex-m4 at 120 MHz",
        "Both totals are estimated.",
        "`x = (raw - 127.5) * 0.00784313725490196`",
        "- 3`, limited to the range of int8",
        "| width | 8\\|16 |",
        "No figure here was measured on a board.",
        "| 2 | new\\\\nline\\\\r |",
    ],
)
def test_says(bundle: Bundle, words: str) -> None:
    assert words in card(bundle).decode()


def test_a_row_of_a_table_is_encoded_first(bundle: Bundle) -> None:
    text = card(replace(bundle, columns_file="columns.json")).decode()
    assert "1. Encode the row of the table as `columns.json` says, column by column: that makes the raw values." in text
    assert "columns.json" not in card(bundle).decode()
    source = "makes the raw values. C++ source that does it is in target `cpp`. From raw values to network input"
    assert source in card(fed_rows(bundle, MIXED, rows_of(MIXED, 1))).decode()
    assert source not in text


def test_flash_share_is_of_the_whole_program(bundle: Bundle) -> None:
    flash = bundle.artifact.model_bytes + 30_000
    assert f"Flash: {flash} of 2097152 bytes ({flash / 2097152:.1%})" in card(bundle).decode()


def test_without_labels_and_hyperparameters(bundle: Bundle) -> None:
    bare = replace(
        bundle,
        artifact=replace(bundle.artifact, labels=()),
        provenance=replace(bundle.provenance, hyperparameters=()),
        metrics=(),
    )
    text = card(bare).decode()
    assert "The largest one" not in text
    assert "None were handed over" in text
    assert "No figure of merit" in text


def test_a_float_network_is_fed_as_it_is(bundle: Bundle) -> None:
    tensors = tuple(replace(tensor, dtype=DType.FLOAT32) for tensor in bundle.graph.tensors)
    ports = {
        side: replace(getattr(bundle.artifact, side), dtype=DType.FLOAT32, scale=0.0, zero_point=0)
        for side in ("input", "output")
    }
    floats = replace(
        bundle,
        golden=(),
        graph=replace(bundle.graph, tensors=tensors),
        artifact=replace(bundle.artifact, input=ports["input"], output=ports["output"]),
    )
    text = card(floats).decode()
    assert "Store `x` as float32: the input is not quantised." in text
    assert "real value = `stored`" in text


def test_names_the_runtime_of_the_board(bundle: Bundle) -> None:
    """A Linux board runs LiteRT, and the card claims nothing of TensorFlow Lite Micro."""
    assert "runtime TensorFlow Lite Micro with cmsis-nn kernels" in card(bundle).decode()
    board = replace(bundle.device, core="cortex-a72", kernels="xnnpack")
    text = card(replace(bundle, device=board)).decode()
    assert "runtime LiteRT with xnnpack kernels" in text
    assert "runtime TensorFlow Lite Micro" not in text


def test_a_coded_model_says_what_is_flashed(bundle: Bundle, coded_bundle: Bundle) -> None:
    """Package, its bytes and the flash of the whole; nothing of it in other cards."""
    text, package = card(coded_bundle).decode(), coded_bundle.artifact.package
    assert package is not None
    flash = len(package) + coded_bundle.footprint.runtime_flash_bytes
    assert f"Flash `model.tfh` ({len(package)} bytes): it is `model.tflite` Huffman-coded" in text
    assert f"Flash: {flash} of 2097152 bytes" in text
    assert "model.tfh" not in card(bundle).decode()
