"""``model.json`` holds what its schema says."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace

from devices.export.bundle import Bundle
from devices.export.tflite import description as module
from devices.export.tflite.description import SCHEMA, description


def test_every_key_is_documented_and_there_even_where_empty(bundle: Bundle) -> None:
    bare = replace(bundle, golden=(), metrics=(), artifact=replace(bundle.artifact, labels=()))
    documented = set(re.findall(r"^(\w+(?:, \w+)?)  +\S", module.__doc__ or "", re.MULTILINE)) - {"key"}
    keys = {key for row in documented for key in row.split(", ")}
    for each in (bundle, bare):
        assert set(json.loads(description(each))) == keys


def test_holds_what_a_program_needs(bundle: Bundle) -> None:
    document = json.loads(description(bundle))
    assert document["schema"] == SCHEMA
    assert document["model"]["sha256"] == hashlib.sha256(bundle.artifact.content).hexdigest()
    assert document["model"]["bytes"] == len(bundle.artifact.content)
    assert document["input"]["shape"] == [1, 12]
    assert document["input"]["dtype"] == "int8"
    assert abs(document["input"]["scale"] - 0.05) < 1e-8
    assert document["input"]["zero_point"] == -3
    assert document["output"]["zero_point"] == -128
    assert document["normalization"] == {"offset": 127.5, "factor": 1 / 127.5}
    assert tuple(document["labels"]) == bundle.artifact.labels
    assert document["operators"] == ["FULLY_CONNECTED", "SOFTMAX"]
    assert document["provenance"]["run"] == bundle.provenance.run


def test_names_the_file_that_encodes_the_rows_of_a_table(bundle: Bundle) -> None:
    assert json.loads(description(replace(bundle, columns_file="columns.json")))["columns"] == "columns.json"
    assert json.loads(description(bundle))["columns"] is None


def test_values_keep_their_scale(bundle: Bundle, values_bundle: Bundle) -> None:
    """Name, mean and deviation of each output, in order; none where classes are told apart."""
    document = json.loads(description(values_bundle))
    assert document["labels"] == []
    assert document["targets"] == [
        {"name": each.name, "mean": each.mean, "deviation": each.deviation} for each in values_bundle.targets
    ]
    assert json.loads(description(bundle))["targets"] == []
    assert json.loads(description(bundle))["anomaly"] is None


def test_metrics_keep_n_and_interval(bundle: Bundle) -> None:
    rows = {row["name"]: row for row in json.loads(description(bundle))["metrics"]}
    assert rows["accuracy"] == {"name": "accuracy", "value": 0.97, "n": 300, "low": 0.944, "high": 0.984}
    assert rows["rmse"]["low"] is None


def test_footprint_says_how_certain_it_is(bundle: Bundle) -> None:
    document = json.loads(description(bundle))
    assert document["footprint"]["model_bytes"]["certainty"] == "exact"
    assert document["footprint"]["latency_ms"] == {
        "value": 1.5,
        "certainty": "estimated",
        "meaning": "one inference",
    }
    assert {cost["certainty"] for cost in document["footprint"].values()} == set(document["certainty"])


def test_a_coded_model_names_its_package(bundle: Bundle, coded_bundle: Bundle) -> None:
    """Name, bytes and digest of the package, and where its bytes and the model's count; null for other models."""
    document, package = json.loads(description(coded_bundle)), coded_bundle.artifact.package
    assert package is not None
    digest = hashlib.sha256(package).hexdigest()
    assert document["package"] == {"file": "model.tfh", "bytes": len(package), "sha256": digest}
    figures = {name: figure["value"] for name, figure in document["footprint"].items()}
    assert figures["flash_bytes"] == figures["stored_bytes"] + figures["runtime_flash_bytes"]
    assert figures["stored_bytes"] == len(package)
    arena = max(figures["arena_bytes"], figures["setup_bytes"])
    assert figures["ram_bytes"] == arena + figures["static_ram_bytes"] + figures["unpacked_bytes"]
    assert json.loads(description(bundle))["package"] is None
