"""The program that goes with an exported encoding passes, and notices what is wrong."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from devices.artifact import Normalization
from devices.export.bundle import Bundle
from devices.export.cpp.columns_golden import made_rows
from devices.export.cpp.cpp import CppTarget
from devices.export.write import export
from devices.frontend.pipeline import Pipeline
from devices.frontend.standardise import Standardisation, Standardise
from devices.frontend.table_encoding import TableEncoding
from devices.graph import DType
from tests.devices.export.cpp.tables import MIXED, fed_rows, number, rows_of

RunCpp = Callable[[Path, tuple[str, ...], str], bytes]
RunSanitized = Callable[[Path, tuple[str, ...]], bytes]

_SOURCES = ("columns_test.cc", "columns.cc")


def _exported(bundle: Bundle, folder: Path) -> Path:
    export(bundle, CppTarget(), folder)
    return folder


@pytest.mark.parametrize("dtype", [DType.INT8, DType.FLOAT32])
def test_passes_with_sanitisers(bundle: Bundle, run_sanitized: RunSanitized, tmp_path: Path, dtype: DType) -> None:
    """Rows of the table, of golden samples and made ones, up to the stored inputs; nothing out of bounds."""
    rows = rows_of(MIXED, 9)
    made = replace(fed_rows(bundle, MIXED, rows[:3], dtype=dtype), rows=rows[3:])
    printed = run_sanitized(_exported(made, tmp_path / "out"), _SOURCES).decode()
    assert printed == "15 rows: 0 values differ; inputs of 3 golden samples: 0 values differ\nPASS\n"


def test_rows_go_on_through_a_front_end(bundle: Bundle, run_sanitized: RunSanitized, tmp_path: Path) -> None:
    """Encoded, standardised and stored as in the training; the front-end's own check stands beside it."""
    table = TableEncoding(columns=MIXED.columns[:6])
    rows = rows_of(table, 6)
    encoded = np.stack([table.encode_row(row) for row in rows]).clip(-100, 100)
    fitted = Standardisation.fitted(encoded, table.n_inputs)
    pipeline = Pipeline(input_shape=(table.n_inputs,), frontend=Standardise(), standardisation=fitted)
    made = replace(fed_rows(bundle, table, rows[:2], pipeline=pipeline), rows=rows[2:])
    folder = _exported(made, tmp_path / "out")
    printed = run_sanitized(folder, (*_SOURCES, "preprocess.cc")).decode()
    assert printed == "12 rows: 0 values differ; inputs of 2 golden samples: 0 values differ\nPASS\n"
    assert run_sanitized(folder, ("preprocess_test.cc", "preprocess.cc")).endswith(b"PASS\n")
    readme = (folder / "README.md").read_text()
    assert "tinyfront::EncodeRow(row, raw);\ntinyfront::Preprocess(raw, input);\ninterpreter.Invoke();" in readme
    assert "Add `model.cc`, `columns.cc` and `preprocess.cc` to the sources" in readme


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("columns.cc", "- column.offset", "+ column.offset"),
        ("columns.cc", ") * column.factor", ") * static_cast<double>(static_cast<float>(column.factor))"),
        ("columns.cc", "column.filled)", "0.0)"),
        ("columns.cc", "scaled > kLargest ? kLargest", "scaled > 1e30 ? 1e30"),
        ("columns.cc", "scaled < -kLargest ? -kLargest", "scaled < -1e30 ? -1e30"),
        ("columns.cc", "!= 0x7FF", "!= 0"),
        ("columns.cc", "i == place", "i == place + 1"),
        ("columns.cc", "place < count ? place", "place + 1 < count ? place"),
        ("columns.cc", "(count > 0 ? count : 1)", "(count + 1)"),
        ("columns.cc", "static_cast<std::size_t>(row.colour), 3", "static_cast<std::size_t>(row.size), 3"),
        ("columns.h", '"blue",', '"bleu",'),
        ("columns.h", "  kL,", "  kFirst,\n  kL,"),
        ("quantization.h", "kNormalizationFactor = 1.0f", "kNormalizationFactor = 1.01f"),
    ],
)
def test_a_change_of_the_arithmetic_is_noticed(
    bundle: Bundle, run_cpp: RunCpp, tmp_path: Path, file: str, old: str, new: str
) -> None:
    """Every step has a row that depends on it, up to a factor rounded to single precision."""
    rows = (
        (21.3, "red", "xl", 5.0, None, None, 1e-301, 3.0),
        (-3.3, "blue", "l", 5.0, None, None, None, 1e299),
        (7.9, "purple", "unknown", 4.0, "?", "?", -1e-301, -1e299),
    )
    folder = _exported(fed_rows(bundle, MIXED, rows), tmp_path / "out")
    source = folder / file
    assert old in source.read_text()
    source.write_text(source.read_text().replace(old, new))
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run_cpp(folder, _SOURCES, "")
    assert failed.value.returncode == 1
    assert failed.value.stdout.endswith(b"FAIL\n")


def test_the_makefile_builds_the_check_without_a_library(bundle: Bundle, tmp_path: Path) -> None:
    """Twice, without a word about circles; clean takes it away."""
    if shutil.which("make") is None or shutil.which("g++") is None:
        pytest.skip("no make or g++ on this machine")
    folder = _exported(fed_rows(bundle, MIXED, rows_of(MIXED, 3)), tmp_path / "out")
    for _ in range(2):
        built = subprocess.run(["make", "columns_test"], cwd=folder, capture_output=True, text=True)
        assert (built.returncode, built.stderr) == (0, "")
    assert subprocess.run(["./columns_test"], cwd=folder, capture_output=True).returncode == 0
    assert subprocess.run(["make", "clean"], cwd=folder, capture_output=True).returncode == 0
    assert not (folder / "columns_test").exists()


def test_without_known_rows_made_ones_do(bundle: Bundle, run_cpp: RunCpp, tmp_path: Path) -> None:
    """Runs of earlier versions kept no rows."""
    made = fed_rows(bundle, MIXED, rows_of(MIXED, 2))
    old = replace(made, golden=tuple(replace(golden, row=None) for golden in made.golden))
    printed = run_cpp(_exported(old, tmp_path / "out"), _SOURCES, "").decode()
    assert printed == "6 rows: 0 values differ; inputs of 0 golden samples: 0 values differ\nPASS\n"


def test_another_scale_may_be_off_by_one_step(bundle: Bundle, run_cpp: RunCpp, tmp_path: Path) -> None:
    """It was applied in double precision; two steps are too many all the same."""
    table = TableEncoding(columns=(number("x", offset=0.0, factor=1.0),))
    made = replace(fed_rows(bundle, table, ((0.5,),)), normalization=Normalization(offset=0.0, factor=1.004))
    assert run_cpp(_exported(made, tmp_path / "near"), _SOURCES, "").endswith(b"PASS\n")
    far = replace(made, normalization=Normalization(offset=0.0, factor=1.03))
    with pytest.raises(subprocess.CalledProcessError):
        run_cpp(_exported(far, tmp_path / "far"), _SOURCES, "")


def test_made_rows_cover_what_can_happen() -> None:
    """All missing, every end, both infinities' worth of distance, unknown texts that are in no column."""
    rows = made_rows(MIXED)
    assert all(MIXED.takes(row) for row in rows)
    assert rows[0] == (None,) * len(MIXED.columns)
    numbers = [cell for row in rows for cell in row if isinstance(cell, float)]
    assert {1e300, -1e300, math.inf} <= set(numbers)
    texts = [cell for row in rows for cell in row if isinstance(cell, str)]
    assert {"blue", "red", "l", "xxl"} <= set(texts)
    assert any(re.fullmatch(r"\?+", text) for text in texts)
    tricky = replace(MIXED.columns[1], values=("?", "??"))
    assert made_rows(TableEncoding(columns=(tricky,)))[3] == ("???",)
