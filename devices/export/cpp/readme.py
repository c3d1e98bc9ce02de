"""``README.md`` of the C++ folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.export.bundle import Bundle
from devices.export.cpp import resolver
from devices.export.cpp.arena import MARGIN_BYTES, arena_size
from devices.export.cpp.columns import column_sources
from devices.export.cpp.literals import double_literal
from devices.export.escape import c_string, markdown
from devices.export.prose import cost_table, interpreters, metric_table, number, port_text
from devices.export.templates import render
from devices.graph import DType

if TYPE_CHECKING:
    from devices.frontend.table_encoding import TableEncoding

_VARIABLES_NOTE = ", and how the network's variables are created, which this network needs"

_PLAIN_ROW = "| `model.h`, `model.cc` | the network as a constant array, aligned to 16 bytes |"
_TARGETS_ROW = "\n| `targets.h` | what the outputs predict, and the way to values in their units |"
_ANOMALY_ROW = "\n| `anomaly.h` | how strange a sample is, and from where on it is an anomaly |"
_CODED_ROWS = (
    "| `model.h`, `model.cc` | the network as a Huffman-coded array, and the RAM it is unpacked into |\n"
    "| `unpack.h`, `unpack.c` | the decoder, in C |"
)

_FILLING = """for (size_t i = 0; i < tinyfront::kInputElements; ++i) {
  input[i] = tinyfront::QuantizeInput(tinyfront::Normalize(raw[i]));
}"""
_PREPROCESSING = "tinyfront::Preprocess(raw, input);"
_RAW_NOTE = "  // raw: tinyfront::kRawElements values, as in the data"
_TABLE_ROWS = (
    "| `columns.h`, `columns.cc` | from a row of the table to the raw values: missing values, texts, scales |\n"
    "| `columns_golden.h`, `columns_test.cc` | rows with what the training makes of them, and a program that checks |\n"
)
_JSON_ROW = "\n| `{file}` | what `columns.cc` does to each column, for other programs |"
_ENCODING = """tinyfront::Row row;  // all values missing yet
{setting}static float raw[tinyfront::kEncodedElements];
tinyfront::EncodeRow(row, raw);
"""
_COLUMNS_CHECK = """
The encoding of the table's columns is checked by itself, and needs no library: `make columns_test && ./columns_test`.
It encodes rows, some with missing values, unknown texts and numbers far outside, and compares every bit with the
training's.
"""
_FRONTEND_CHECK = """
The front-end is checked by itself, and needs no library: `make preprocess_test && ./preprocess_test`. It makes of a raw
sample the very input that the network was trained on.
"""


def readme(bundle: Bundle) -> bytes:
    """How to build, check and use the sources, as UTF-8 Markdown."""
    artifact, device, provenance = bundle.artifact, bundle.device, bundle.provenance
    size = arena_size(bundle.graph, bundle.footprint)
    has_variables = bool(resolver.operators_named(bundle.graph, "VAR_HANDLE"))
    fields = {
        "run": markdown(provenance.run),
        "trial": str(provenance.trial),
        "version": markdown(provenance.tinyfront_version),
        "data": markdown(provenance.data),
        "targets_row": _TARGETS_ROW if bundle.targets else "" if bundle.threshold is None else _ANOMALY_ROW,
        "model_rows": _PLAIN_ROW if artifact.package is None else _CODED_ROWS,
        "sources": _sources(bundle),
        "filling": _filling(bundle),
        "columns_row": _JSON_ROW.format(file=bundle.columns_file) if bundle.columns_file else "",
        "frontend_check": _checks(bundle),
        "frontend_rows": ("" if bundle.table is None else _TABLE_ROWS) + _frontend_rows(bundle),
        "model_bytes": str(artifact.model_bytes),
        "device": markdown(device.name),
        "core": markdown(device.core),
        "clock_mhz": number(device.clock_hz / 1e6),
        "kernels": device.kernels,
        "operator_count": str(len(bundle.operators)),
        "golden_count": str(len(bundle.golden)),
        "interpreters": interpreters(bundle),
        "comparison": _comparison(bundle),
        "input": port_text(artifact.input),
        "output": port_text(artifact.output),
        "costs": cost_table(bundle),
        "metrics": metric_table(bundle),
        "device_arena": str(size.device_bytes),
        "host_arena": str(size.host_bytes),
        "margin": str(MARGIN_BYTES),
        "variables_note": _VARIABLES_NOTE if has_variables else "",
    }
    return render("devices.export.cpp", "README.md", fields)


def _filling(bundle: Bundle) -> str:
    filling = _FILLING if bundle.frontend is None else _PREPROCESSING
    if bundle.table is None:
        return filling + ("" if bundle.frontend is None else _RAW_NOTE)
    return _ENCODING.format(setting=_setting(bundle.table)) + filling


def _setting(table: TableEncoding) -> str:
    """How a number and a text of a row are set, for the first columns that are such."""
    columns = column_sources(table)
    number = next((column for column in columns if not column.enum), None)
    text = next((column for column in columns if column.texts), None)
    lines = [] if number is None else [f"row.{number.member} = {double_literal(number.encoding.filled)};\n"]
    if text is not None:
        value = c_string(text.encoding.values[0])
        lines.append(f"row.{text.member} = tinyfront::{text.enumerator(text.encoding.values[0])};")
        lines.append(f"  // or tinyfront::{text.finder}({value})\n")
    return "".join(lines)


def _checks(bundle: Bundle) -> str:
    has_raw = bundle.frontend is not None and bundle.golden[0].raw is not None
    return ("" if bundle.table is None else _COLUMNS_CHECK) + (_FRONTEND_CHECK if has_raw else "")


def _sources(bundle: Bundle) -> str:
    names = ["`model.cc`"]
    if bundle.artifact.package is not None:
        names.append("`unpack.c`")
    if bundle.table is not None:
        names.append("`columns.cc`")
    if bundle.frontend is not None:
        names.append("`preprocess.cc`")
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _frontend_rows(bundle: Bundle) -> str:
    if bundle.frontend is None:
        return ""
    name = bundle.frontend.frontend.name
    return f"| `preprocess.h`, `preprocess.cc` | the front-end `{name}`: from a raw sample to the network's input |\n"


def _comparison(bundle: Bundle) -> str:
    if bundle.artifact.output.dtype is DType.FLOAT32:
        return "every answer is within 0.0001 of the golden one"
    return "every answer equals the golden one byte for byte"
