"""Every row of a table read from a file: the compiled encoding gives the very arrays that networks learn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from devices.export.bundle import Bundle
from devices.export.cpp.columns import ColumnSource, column_sources
from devices.export.cpp.cpp import CppTarget
from devices.export.write import export
from search.datasets.options import DataOptions
from search.datasets.prepare import prepare
from search.datasets.raw import Place, RawData
from search.datasets.table import Table
from tests.devices.export.cpp.tables import fed_rows
from tests.search.datasets.made import random, write_rows

RunCpp = Callable[[Path, tuple[str, ...], str], bytes]

_PROGRAM = """
#include <cstdio>
#include <cstdlib>
#include "columns.h"
using namespace tinyfront;
static char word[2000];
static bool IsThere() { return std::scanf("%1999s", word) == 1 && word[0] != '-'; }
// Texts come in hexadecimal digits, after an x.
[[maybe_unused]] static const char* Text() {
  static char text[1000];
  std::size_t length = 0;
  for (const char* at = word + 1; *at != 0; at += 2) {
    const char digits[] = {at[0], at[1], 0};
    text[length++] = static_cast<char>(std::strtol(digits, nullptr, 16));
  }
  text[length] = 0;
  return text;
}
int main() {
  static float raw[kEncodedElements];
  for (;;) {
    Row row;
$fields
    if (std::feof(stdin)) break;
    EncodeRow(row, raw);
    std::fwrite(raw, sizeof(raw), 1, stdout);
  }
}
"""


def _field(column: ColumnSource) -> str:
    given = f"{column.finder}(Text())" if column.enum else "std::strtod(word + 1, nullptr)"
    return f"    if (IsThere()) row.{column.member} = {given};"


def _words(raw: RawData) -> str:
    """All training rows, a line each; every value after an x, missing ones are a minus."""
    return "".join(
        " ".join(
            "-" if np.isnan(value) else f"x{column.values[int(value)].encode().hex() if column.values else value.hex()}"
            for value, column in zip(row.tolist(), raw.columns, strict=True)
        )
        + "\n"
        for row in raw.train.x
    )


def _check_all_rows(path: Path, options: DataOptions, bundle: Bundle, run_cpp: RunCpp, folder: Path) -> int:
    raw = Table().read_file(Place(path=path, files=None, options=options))
    data = prepare(raw, options)
    assert data.table is not None
    export(fed_rows(bundle, data.table, data.rows[:3]), CppTarget(), folder)
    fields = "\n".join(map(_field, column_sources(data.table)))
    (folder / "all.cc").write_text(_PROGRAM.replace("$fields", fields))
    printed = run_cpp(folder, ("all.cc", "columns.cc"), _words(raw))
    made = np.frombuffer(printed, "<f4").reshape(len(raw.train.x), -1)
    trained = {row.tobytes() for part in (data.train, data.validation, data.test) for row in part.x}
    assert {row.tobytes() for row in made} == trained
    return len(made)


@pytest.mark.parametrize("categories", ["one-hot", "ordinal"])
def test_a_table_of_everything(bundle: Bundle, run_cpp: RunCpp, tmp_path: Path, categories: str) -> None:
    """Missing and rare texts, numbers from 1e-300 to 1e9, missing ones; all three parts of the data."""
    rng = random(3)
    columns = [
        [rng.choice(["", "0", repr(float(rng.normal() * 1e9)), repr(float(rng.random()))]) for _ in range(1500)],
        [rng.choice(["x", "y*/", "ö??/", "", "q\\", *(["rare"] if index % 500 == 0 else [])]) for index in range(1500)],
        [rng.choice(["1st", "2nd", "漢"]) for _ in range(1500)],
        [float(rng.random()) * 1e-300 for _ in range(1500)],
        [index % 11 - 5 for index in range(1500)],
        ["uv"[index % 2] for index in range(1500)],
    ]
    rows = list(zip(*columns, strict=True))
    path = write_rows(tmp_path / "made.csv", rows, ("Größe", "class", "a b", "a_b", "n", "kind"))
    options = DataOptions(categories=categories)  # type: ignore[arg-type]
    assert _check_all_rows(path, options, bundle, run_cpp, tmp_path / "out") == 1500


def test_occupancy(bundle: Bundle, run_cpp: RunCpp, tmp_path: Path, shared: Path) -> None:
    path = shared / "data/occupancy/datatraining.txt"
    assert _check_all_rows(path, DataOptions(ignore=("date",)), bundle, run_cpp, tmp_path / "out") == 8143
