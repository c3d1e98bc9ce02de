"""The exported encoding is compiled and gives the very bits that Python made of rows, whatever columns are called."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from devices.export.bundle import Bundle
from devices.export.cpp.columns import ColumnSource, column_sources
from devices.export.cpp.cpp import CppTarget
from devices.export.write import export
from devices.frontend.table_encoding import Cell, ColumnEncoding, Row, TableEncoding
from tests.devices.export.cpp.tables import HOSTILE, MIXED, fed_rows, number, rows_of

RunCpp = Callable[[Path, tuple[str, ...], str], bytes]

_DUMP = """
#include <cstdio>
#include "columns.h"
using namespace tinyfront;
int main() {
  const Row rows[] = {
$rows
  };
  static float raw[kEncodedElements];
  std::printf("%zu ", sizeof(Row));
  for (const Row& row : rows) {
    EncodeRow(row, raw);
    std::fwrite(raw, sizeof(raw), 1, stdout);
  }
}
"""


def _literal(column: ColumnSource, cell: Cell) -> str:
    """Exact, and by another way than the exporter's own rows."""
    if isinstance(cell, str):
        return column.enumerator(cell)
    return column.missing if cell is None else cell.hex()


def _printed(bundle: Bundle, rows: tuple[Row, ...], run_cpp: RunCpp, folder: Path) -> tuple[int, np.ndarray]:
    """Size of a row and what the compiled program makes of each."""
    assert bundle.table is not None
    export(bundle, CppTarget(), folder)
    columns = column_sources(bundle.table)
    lines = ["{" + ", ".join(map(_literal, columns, row)) + "}" for row in rows]
    (folder / "dump.cc").write_text(_DUMP.replace("$rows", ",\n".join(lines)))
    size, _, encoded = run_cpp(folder, ("dump.cc", "columns.cc"), "").partition(b" ")
    return int(size), np.frombuffer(encoded, "<u4").reshape(len(rows), -1)


def _encoded(table: TableEncoding, rows: tuple[Row, ...]) -> np.ndarray:
    return np.stack([table.encode_row(row) for row in rows]).view(np.uint32)


def test_rows_are_encoded_to_the_bit(bundle: Bundle, run_cpp: RunCpp, tmp_path: Path) -> None:
    """400 rows of all kinds of columns: missing values, unknown texts, numbers of every magnitude; no tolerance."""
    rows = rows_of(MIXED, 400)
    size, printed = _printed(fed_rows(bundle, MIXED, rows[:3]), rows, run_cpp, tmp_path / "out")
    expected = _encoded(MIXED, rows)
    assert np.array_equal(printed, expected)
    assert size == MIXED.row_bytes
    values = expected.view(np.float32)
    largest = np.finfo(np.float32).max
    assert np.isfinite(values).all()
    for name in ("Temperature °C", "tiny range"):  # cut off at both ends, and everything between
        assert {-largest, largest} <= set(values[:, MIXED.input_names.index(name)].tolist())
        assert len(set(values[:, MIXED.input_names.index(name)].tolist())) > 100


@pytest.mark.parametrize("kind", ["number", "one-hot", "ordinal"])
def test_columns_of_one_kind_alone(bundle: Bundle, run_cpp: RunCpp, tmp_path: Path, kind: str) -> None:
    """No helper is left over and none is missing: a warning would be an error."""
    table = TableEncoding(columns=tuple(column for column in MIXED.columns if column.kind == kind))
    rows = rows_of(table, 20)
    size, printed = _printed(fed_rows(bundle, table, rows[:1]), rows, run_cpp, tmp_path / "out")
    assert np.array_equal(printed, _encoded(table, rows))
    assert size == table.row_bytes


def test_many_texts_and_odd_layouts(bundle: Bundle, run_cpp: RunCpp, tmp_path: Path) -> None:
    """More than a byte can count, after one byte and before a double."""
    many = ColumnEncoding(name="many", kind="ordinal", values=tuple(f"text {index:03}" for index in range(300)))
    few = ColumnEncoding(name="few", kind="one-hot", values=("a", "b"))
    table = TableEncoding(columns=(few, many, number("n"), few, few))
    rows = (*rows_of(table, 5), ("b", "text 299", 1.0, "a", None), ("a", "text 255", 2.0, "b", "b"))
    size, printed = _printed(fed_rows(bundle, table, rows[:1]), rows, run_cpp, tmp_path / "out")
    assert np.array_equal(printed, _encoded(table, rows))
    assert size == table.row_bytes == 24


_FIND = """
#include <cstdio>
#include "columns.h"
int main() {
$calls
}
"""


def test_hostile_names_and_texts(bundle: Bundle, run_cpp: RunCpp, tmp_path: Path) -> None:
    """Everything compiles with trigraphs alive, each text is found as itself, and not one enumerator is given twice."""
    texts = tuple(sorted({text for text in HOSTILE if text}))
    table = TableEncoding(
        columns=(
            *(ColumnEncoding(name=name, kind="one-hot", values=texts) for name in HOSTILE),
            *(number(name) for name in HOSTILE),
        )
    )
    made = fed_rows(bundle, table, rows_of(table, 1))
    folder = tmp_path / "out"
    export(made, CppTarget(), folder)
    columns = column_sources(table)
    assert len({column.member for column in columns}) == len(columns)
    assert len({column.enum for column in columns if column.enum}) == len(HOSTILE)
    findable = [text for text in texts if "\0" not in text]
    call = '  std::printf("%d ", static_cast<int>(tinyfront::{}({})));'
    octal = ['"' + "".join(f"\\{byte:03o}" for byte in text.encode()) + '"' for text in (*findable, "zerobyte", "")]
    calls = [call.format(columns[7].finder, text) for text in (*octal, "nullptr")]
    (folder / "find.cc").write_text(_FIND.replace("$calls", "\n".join(calls)))
    found = [int(text) for text in run_cpp(folder, ("find.cc", "columns.cc"), "").split()]
    assert found == [*(texts.index(text) for text in findable), *[len(texts)] * 3]
    printed = run_cpp(folder, ("columns_test.cc", "columns.cc"), "").decode()
    assert printed.endswith("PASS\n")


def test_sources_are_ascii_and_no_text_leaves_its_line(bundle: Bundle) -> None:
    """Each comment with a user's text ends in the quote that ends the text."""
    table = TableEncoding(
        columns=tuple(ColumnEncoding(name=name, kind="ordinal", values=(name or "-",)) for name in HOSTILE)
    )
    files = CppTarget().files(fed_rows(bundle, table, rows_of(table, 1)))
    for name in ("columns.h", "columns.cc", "columns_golden.h"):
        text = files[name].decode("ascii")
        assert "??" not in text
        assert not [line for line in text.splitlines() if line.endswith("\\")]
        assert not re.search(r'// "(?!.*"$)', text, re.MULTILINE)
        assert all(letter >= " " or letter == "\n" for letter in text)


def test_a_search_for_texts_costs_nothing_where_it_is_not_called(bundle: Bundle, tmp_path: Path) -> None:
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("no C++ compiler on this machine")
    export(fed_rows(bundle, MIXED, rows_of(MIXED, 1)), CppTarget(), tmp_path / "out")
    subprocess.run([compiler, "-std=c++17", "-O1", "-c", "columns.cc"], cwd=tmp_path / "out", check=True)
    compiled = (tmp_path / "out" / "columns.o").read_bytes()
    assert b"EncodeRow" in compiled
    assert b"light blue" not in compiled
    assert b"FindColourText" not in compiled


_README = """
#include "columns.h"
int main() {
  static tinyfront::InputType input[tinyfront::kInputElements];
$snippet
  return input[0] == tinyfront::QuantizeInput(tinyfront::Normalize(raw[0])) ? 0 : 1;
}
"""


def test_the_read_me_shows_what_compiles(bundle: Bundle, run_cpp: RunCpp, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(fed_rows(bundle, MIXED, rows_of(MIXED, 1)), CppTarget(), folder)
    readme = (folder / "README.md").read_text()
    (snippet,) = re.findall(r"^tinyfront::Row row;.*?^}$", readme, re.MULTILINE | re.DOTALL)
    assert "row.temperature_c = 20.7;" in snippet
    assert 'row.colour = tinyfront::ColourText::kBlue;  // or tinyfront::FindColourText("blue")' in snippet
    (folder / "readme.cc").write_text(_README.replace("$snippet", snippet))
    run_cpp(folder, ("readme.cc", "columns.cc"), "")
    assert "Add `model.cc` and `columns.cc` to the sources" in readme
    assert "make columns_test && ./columns_test" in readme


def test_other_data_have_no_columns(bundle: Bundle) -> None:
    files = CppTarget().files(bundle)
    assert not any(name.startswith("columns") for name in files)
    assert b"olumns" not in files["README.md"]
