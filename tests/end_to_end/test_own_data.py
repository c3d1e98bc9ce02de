"""A table of the user's own, from the command line to the folder for the device."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.end_to_end.conftest import Tinyfront
from tests.search.datasets.made import write_rows

_RUN = ("--device", "nucleo-l432kc", "--seed", "1", "--workers", "1", "--trials", "2")
_SMALL = ("--set", "space=mlp", "--set", "compressors=quantization", "--set", "epochs=3")


def test_a_table(tmp_path: Path, tinyfront: Tinyfront) -> None:
    """Texts, missing values and persons: split by person, said on stderr, scored alike by `score`, exported."""
    rng = np.random.default_rng(0)
    rows = []
    for index in range(300):
        kind = index % 2
        value = "" if index % 50 == 0 else f"{rng.normal(3 * kind, 1):.3f}"
        rows.append([f"person {index // 20}", ["red", "blue", "green"][index % 3], kind, value])
    table = str(write_rows(tmp_path / "made.csv", rows, ("who", "colour", "kind", "value")))
    data = ("--data", table, "--label", "kind", "--group-by", "who")
    runs = ("--runs-dir", str(tmp_path))
    searched = tinyfront("search", *data, *_RUN, *_SMALL, "--name", "made", *runs, "--json")
    assert searched.returncode == 0, searched.stderr
    assert "data: split by group: train 180 (9 groups, 90 to 90 a class)" in searched.stderr
    assert "data: missing numbers of the training rows are their column's median: value (" in searched.stderr
    point = json.loads(searched.stdout)["front"][-1]
    assert point["test_accuracy_n"] == 60
    assert point["test_accuracy"] > 0.7

    model = str(tmp_path / "made" / point["artifact"])
    scored = tinyfront("score", model, "--device", "nucleo-l432kc", *data, "--json")
    assert scored.returncode == 0, scored.stderr
    assert json.loads(scored.stdout)["test_accuracy"] == point["test_accuracy"]
    out = tmp_path / "out"
    exported = tinyfront("export", "made", "--trial", str(point["trial"]), "--target", "cpp", "--out", str(out), *runs)
    assert exported.returncode == 0, exported.stderr
    _check_costs(tmp_path / "made", point, tinyfront, runs)
    _check_program(out)
    columns = json.loads((out / "columns.json").read_text())["columns"]
    assert [(column["name"], column["kind"], column["values"]) for column in columns] == [
        ("colour", "one-hot", ["blue", "green", "red"]),
        ("value", "number", []),
    ]


def _check_costs(run: Path, point: dict[str, Any], tinyfront: Tinyfront, runs: tuple[str, str]) -> None:
    """Predicted before training, measured, and on another board: all hold the encoding of the columns."""
    trial, model = point["trial"], str(run / point["artifact"])
    record = json.loads((run / "trials" / f"{trial:04}" / "record.json").read_text())
    measured, predicted = record["score"]["footprint"], record["predicted"]
    for name in ("frontend_flash_bytes", "frontend_ram_bytes", "frontend_ms"):
        assert measured[name] == predicted[name] > 0
    assert measured["frontend_ram_bytes"] == 16 + 4 * 4  # a text and a number, and what they become
    shown = tinyfront("show", run.name, str(trial), *runs)
    assert shown.stdout.count("  front-end (est.)") == 3
    slow = tinyfront("pareto", run.name, *runs, "--device", "nucleo-g0b1re", "--json", "--all")
    other = next(each for each in json.loads(slow.stdout)["trials"] if each["trial"] == trial)
    network = json.loads(tinyfront("score", model, "--device", "nucleo-g0b1re", "--json").stdout)
    assert other["ram_bytes"] == network["ram_bytes"] + 32
    assert other["flash_bytes"] > network["flash_bytes"] + 2000


def _check_program(folder: Path) -> None:
    """The exported folder encodes the rows of its golden samples, and others, to the bits of the training."""
    if shutil.which("make") is None or shutil.which("g++") is None:
        pytest.skip("no make or g++ on this machine")
    built = subprocess.run(["make", "columns_test"], cwd=folder, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    ran = subprocess.run(["./columns_test"], cwd=folder, capture_output=True, text=True)
    assert "rows: 0 values differ; inputs of 3 golden samples: 0 values differ\nPASS\n" in ran.stdout
    assert '"), kMissingNumber}' in (folder / "columns_golden.h").read_text()  # of a row of the table
