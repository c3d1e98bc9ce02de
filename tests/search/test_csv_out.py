"""The CSV says what the JSON says."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from search.csv_out import csv_text, write_csv
from search.document import as_document, front_keys
from search.summary import Summary


def test_columns_are_the_keys(summary: Summary, unopened: Summary, empty: Summary) -> None:
    """Always the same columns, whether the test split was opened, and with an empty front; settings flattened."""
    expected = ["structured_pruning.filters" if key == "compression" else key for key in front_keys(("accuracy",))]
    assert csv_text(summary).splitlines()[0].split(",") == expected
    assert csv_text(unopened).splitlines()[0].split(",") == expected
    assert csv_text(empty).splitlines() == [",".join(key for key in front_keys(("accuracy",)) if key != "compression")]


def test_values_are_those_of_the_document(summary: Summary) -> None:
    """Numbers in full, and empty where JSON has null or a technique was not applied."""
    rows = list(csv.DictReader(io.StringIO(csv_text(summary))))
    for row, point in zip(rows, as_document(summary)["front"], strict=True):
        assert float(row["accuracy"]) == point["accuracy"]
        assert float(row["latency_high_ms"]) == point["latency_high_ms"]
        assert int(row["flash_bytes"]) == point["flash_bytes"]
        assert row["download_bytes"] == ""
    assert [row["structured_pruning.filters"] for row in rows] == ["", "0.5", ""]


def test_all_trials(summary: Summary) -> None:
    """Rejected trials have their state, reason and excess, and no accuracy."""
    rows = list(csv.DictReader(io.StringIO(csv_text(summary, all_trials=True))))
    assert len(rows) == 8
    assert (rows[5]["state"], rows[5]["accuracy"], rows[5]["excess.flash_bytes"]) == ("rejected", "", "20000.0")
    assert float(rows[0]["seconds.train"]) == 4.0


def test_it_is_written_whole(summary: Summary, tmp_path: Path) -> None:
    """The file holds the text and nothing is left beside it."""
    write_csv(summary, tmp_path / "front.csv")
    assert (tmp_path / "front.csv").read_text(encoding="utf-8") == csv_text(summary)
    assert [each.name for each in tmp_path.iterdir()] == ["front.csv"]
