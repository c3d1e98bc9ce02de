"""A table of the user's own, from the command line to the folder for the device."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

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
    columns = json.loads((out / "columns.json").read_text())["columns"]
    assert [(column["name"], column["kind"], column["values"]) for column in columns] == [
        ("colour", "one-hot", ["blue", "green", "red"]),
        ("value", "number", []),
    ]
