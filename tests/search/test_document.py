"""The JSON is the contract of DESIGN section 8."""

from __future__ import annotations

import json

import pytest

from search.document import as_document, front_keys, show_document
from search.metrics.measurement import Measurement
from search.record import TrialRecord
from search.summary import Summary

# Written out by hand from the design, so that a renamed key is noticed.
CONTRACT = {
    "run",
    "device",
    "objectives",
    "n_trials",
    "n_trained",
    "n_rejected",
    "hypervolume",
    "reference_point",
    "front",
}
POINT_CONTRACT = {
    *("trial", "accuracy", "flash_bytes", "model_bytes", "download_bytes", "ram_bytes", "arena_bytes", "macs"),
    *("params", "latency_ms", "space", "compression", "artifact"),
}


def test_the_document_keeps_the_contract(summary: Summary) -> None:
    """Every key of the design is there, in JSON that reads back the same; costs are the record's own."""
    document = as_document(summary)
    assert set(document) >= CONTRACT
    assert "trials" not in document
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    point = document["front"][1]
    assert set(point) >= POINT_CONTRACT
    assert (point["flash_bytes"], point["model_bytes"]) == (50_000, 20_000)
    assert (point["ram_bytes"], point["arena_bytes"]) == (10_000, 7_000)
    assert point["compression"] == {"structured_pruning": {"filters": 0.5}}
    assert point["artifact"] == "trials/0001/model.tflite"
    assert point["download_bytes"] is None
    assert point["accuracy"] == 340 / 360
    assert point["accuracy_low"] < point["accuracy"] < point["accuracy_high"]
    assert point["accuracy_n"] == 360
    assert [each["flash_bytes"] for each in document["front"]] == sorted(
        each["flash_bytes"] for each in document["front"]
    )


def test_test_accuracy_is_absent_until_the_split_is_opened(summary: Summary, unopened: Summary) -> None:
    """Absent, not null: a script that asks for it fails loudly instead of reading nothing."""
    opened, closed = as_document(summary)["front"][0], as_document(unopened)["front"][0]
    assert opened["test_accuracy"] == 0.8
    assert (opened["test_accuracy_n"], tuple(opened)) == (350, front_keys(("accuracy",)))
    assert tuple(closed) == tuple(key for key in front_keys(("accuracy",)) if not key.startswith("test_"))


def test_all_trials_have_the_same_keys(unopened: Summary) -> None:
    """A rejected trial has null where a scored one has a figure, the costs predicted, and its reason."""
    trials = as_document(unopened, all_trials=True)["trials"]
    assert [tuple(each) for each in trials] == [tuple(trials[0])] * 8
    assert set(trials[0]) >= POINT_CONTRACT | {"state", "feasible", "excess", "seconds"}
    rejected = trials[5]
    assert (rejected["accuracy"], rejected["artifact"], rejected["params"]) == (None, None, None)
    assert rejected["flash_bytes"] == 120_000
    assert rejected["excess"]["flash_bytes"] == 20_000
    assert rejected["reason"].startswith("flash 120000 B")
    assert (trials[4]["state"], trials[4]["feasible"], trials[4]["on_front"]) == ("complete", False, False)
    assert trials[0]["seconds"]["total"] == pytest.approx(5.0)
    assert trials[0]["seconds"]["train"] == 4.0


def test_show_is_the_whole_record(run: list[TrialRecord]) -> None:
    """Parameters as drawn, the prediction beside the score, and the figures of the front's entry."""
    document = show_document(run[1], on_front=True, test={"accuracy": Measurement.share(331, 350)})
    assert document["drawn"] == {"ds_cnn/width": 16, "recipe/learning_rate": 0.001}
    assert document["predicted"]["model_bytes"] == document["score"]["footprint"]["model_bytes"] == 20_000
    assert document["key"] == "key1"
    assert document["test_accuracy"] == 331 / 350
    assert json.loads(json.dumps(document)) == document


def test_a_run_without_trials(empty: Summary) -> None:
    """A run that has just begun is a document too."""
    document = as_document(empty, all_trials=True)
    assert (document["front"], document["trials"], document["knee"], document["seconds"]) == ([], [], None, None)
    assert document["hypervolume"] == 0.0
