"""Rows that an exported encoding of columns is checked with, and the program that does it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from devices.artifact import Normalization
from devices.export.cpp.columns import ColumnSource, column_sources
from devices.export.cpp.literals import double_literal, float_literal, rows
from devices.export.escape import c_string
from devices.export.templates import render

if TYPE_CHECKING:
    from devices.export.bundle import Bundle
    from devices.frontend.table_encoding import Cell, ColumnEncoding, Row, TableEncoding

_PACKAGE = "devices.export.cpp"
_FAR = 1e300  # the largest number that a table may hold
_THIRD = 1 / 3  # of the training rows' range: all bits of the arithmetic count
PREPROCESSING = "tinyfront::Preprocess(raw, input);"
NORMALISING = """for (std::size_t i = 0; i < tinyfront::kInputElements; ++i) {
  input[i] = tinyfront::QuantizeInput(tinyfront::Normalize(raw[i]));
}"""


def columns_golden_h(bundle: Bundle, table: TableEncoding) -> bytes:
    """The golden samples' rows where they are known, other rows of the table, and made ones, each encoded."""
    known, made, columns = _sample_rows(bundle), made_rows(table), column_sources(table)
    golden = (*known, *bundle.rows, *made)
    cells = [[_found(*pair) for pair in zip(columns, row, strict=True)] for row in (*known, *bundle.rows)]
    cells += [[_cell(*pair) for pair in zip(columns, row, strict=True)] for row in made]
    encoded = ([float_literal(float(value)) for value in table.encode_row(row)] for row in golden)
    fields = {
        "count": str(len(golden)),
        "samples": str(len(known)),
        "rows": ",\n".join("    {" + ", ".join(row) + "}" for row in cells),
        "encoded": ",\n".join("    {\n" + rows(literals, " " * 8) + "}" for literals in encoded),
    }
    return render(_PACKAGE, "columns_golden.h", fields)


def columns_test_cc(bundle: Bundle) -> bytes:
    """The program; where raw values go on as they are, the network's input too must have the golden bits."""
    behind = bundle.frontend is not None
    exact = not behind and bundle.normalization == Normalization(offset=0.0, factor=1.0)
    step = "1.0f" if bundle.artifact.input.scale != 0.0 else "1e-4f * (1.0f + std::fabs(golden))"
    fields = {
        "filling": (PREPROCESSING if behind else NORMALISING).replace("\n", "\n  "),
        "tolerance": "0.0f" if exact else step,
        "tolerance_note": "every value must be equal" if exact else "a value may be off by one step",
    }
    return render(_PACKAGE, "columns_test.cc", fields)


def made_rows(table: TableEncoding) -> tuple[Row, ...]:
    """Everything missing; numbers at, inside of and far beyond both ends, with known, unknown and missing texts."""
    return (
        tuple(None for _ in table.columns),
        tuple(_value(column, column.offset, 0) for column in table.columns),
        tuple(_value(column, column.offset + _THIRD / (column.factor or 1.0), -1) for column in table.columns),
        tuple(_value(column, _FAR, None) for column in table.columns),
        tuple(_value(column, -_FAR, 0) for column in table.columns),
        tuple(_value(column, math.inf, None) for column in table.columns),
    )


def _value(column: ColumnEncoding, number: float, place: int | None) -> Cell:
    """The number, or the text at a place; a text that is not known where that is None or there is none."""
    if column.is_number:
        return number
    if place is not None and column.values:
        return column.values[place]
    return "?" * (1 + max(map(len, column.values), default=0))


def _sample_rows(bundle: Bundle) -> tuple[Row, ...]:
    """Of the golden samples from the first on, as long as they are known."""
    known = []
    for golden in bundle.golden:
        if golden.row is None:
            break
        known.append(golden.row)
    return tuple(known)


def _found(column: ColumnSource, cell: Cell) -> str:
    """As a program has it that reads texts, which are searched for; no C string holds a zero byte."""
    searched = isinstance(cell, str) and "\0" not in cell
    return f"{column.finder}({c_string(str(cell))})" if searched else _cell(column, cell)


def _cell(column: ColumnSource, cell: Cell) -> str:
    if isinstance(cell, str):
        return column.enumerator(cell)
    if cell is None or math.isnan(cell):
        return column.missing
    if math.isinf(cell):
        return f"{'-' if cell < 0 else ''}std::numeric_limits<double>::infinity()"
    return double_literal(cell)
