"""The read-me of the C++ folder says what is in it and how sure its figures are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.export.bundle import Bundle
from devices.export.cpp.arena import MARGIN_BYTES, arena_size
from devices.export.cpp.readme import readme
from devices.graph import DType, Operator
from tests.devices.export.cpp.tables import MIXED, fed_rows, rows_of


@pytest.mark.parametrize(
    "words",
    [
        "# first\\\\nrun \\| \\`x\\`, trial 7",
        "the 2 operators it uses",
        "3 real samples with the answers of tflite-micro",
        "every answer equals the golden one byte for byte",
        "`-DNDEBUG -DTF_LITE_STRIP_ERROR_STRINGS`",
        "| `arena_bytes` | 1356 | calculated |",
        "| `latency_ms` | 1.5 | estimated |",
        "| test\\_accuracy | 0.95 | 360 | 0.922 to 0.968 |",
    ],
)
def test_says(bundle: Bundle, words: str) -> None:
    assert words in readme(bundle).decode()


def test_a_table_is_fed_encoded_rows(bundle: Bundle) -> None:
    """The sources that encode a row are named, and the file for other programs; of other data nothing is said."""
    text = readme(fed_rows(bundle, MIXED, rows_of(MIXED, 1))).decode()
    assert "| `columns.h`, `columns.cc` | from a row of the table to the raw values" in text
    assert "| `columns.json` | what `columns.cc` does to each column, for other programs |" in text
    assert "tinyfront::EncodeRow(row, raw);\nfor (size_t i = 0" in text
    assert "columns" not in readme(bundle).decode()


def test_tells_the_arena_that_is_set_aside(bundle: Bundle) -> None:
    size = arena_size(bundle.graph, bundle.footprint)
    text = readme(bundle).decode()
    assert f"sets aside {size.device_bytes} bytes on the device" in text
    assert f"and {MARGIN_BYTES} bytes of margin" in text
    assert f"On a 64-bit host it sets aside {size.host_bytes}" in text


def test_a_float_network_is_compared_within_a_tolerance(bundle: Bundle) -> None:
    tensors = tuple(replace(tensor, dtype=DType.FLOAT32) for tensor in bundle.graph.tensors)
    artifact = replace(
        bundle.artifact,
        input=replace(bundle.artifact.input, dtype=DType.FLOAT32, scale=0.0),
        output=replace(bundle.artifact.output, dtype=DType.FLOAT32, scale=0.0),
    )
    floats = replace(bundle, golden=(), graph=replace(bundle.graph, tensors=tensors), artifact=artifact)
    assert "within 0.0001 of the golden one" in readme(floats).decode()


def test_a_network_with_variables_is_told_to_create_them(bundle: Bundle) -> None:
    handle = Operator(name="VAR_HANDLE", inputs=(), outputs=(3,))
    stateful = replace(bundle, graph=replace(bundle.graph, operators=(handle, *bundle.graph.operators)))
    assert "how the network's variables are created" in readme(stateful).decode()
    assert "how the network's variables are created" not in readme(bundle).decode()


def test_a_coded_network_needs_its_decoder(bundle: Bundle, coded_bundle: Bundle) -> None:
    """The decoder is named as a file and as a source to add, for a coded network alone."""
    text = readme(coded_bundle).decode()
    assert "| `unpack.h`, `unpack.c` | the decoder, in C |" in text
    assert "1. Add `model.cc` and `unpack.c` to the sources" in text
    assert "unpack.c" not in readme(bundle).decode()
