"""Anomalies: trained on normal samples alone, found by what a network cannot give back, exported with a threshold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from devices.flatbuffer import read_artifact
from search.datasets.load import load
from search.evaluate import available_interpreter, dequantized, predict
from search.metrics.measure import strangeness
from tests.end_to_end.conftest import Tinyfront

# Threes are normal, all other digits are not: some nines and eights are hard to tell.
ASK = (
    *("search", "--data", "digits", "--device", "nucleo-l432kc", "--seed", "1", "--workers", "1", "--trials", "5"),
    *("--normal", "3", "--set", "epochs=40", "--name", "threes", "--json"),
)


def test_other_digits_are_found(tmp_path: Path, tinyfront: Tinyfront) -> None:
    """The recorded area is that of the file's de-quantised answers; the exported threshold tells most of them."""
    runs = ("--runs-dir", str(tmp_path))
    done = tinyfront(*ASK, *runs)
    assert done.returncode == 0, done.stderr
    assert "task: anomaly_detection, judged by roc_auc\n" in done.stderr
    document = json.loads(done.stdout)
    assert document["n_failed"] == 0, done.stderr
    assert document["reference_point"]["roc_auc"] == 0.5
    best = max(document["front"], key=lambda point: point["roc_auc"])
    assert best["space"] == "autoencoder"
    assert best["test_roc_auc"] > 0.9
    assert 0.5 < best["test_partial_auc"] <= 1.0

    data, file = load("digits", normal="3"), tmp_path / "threes" / best["artifact"]
    artifact = read_artifact(file.read_bytes())
    outputs = predict(artifact, data.test.x, available_interpreter()).reshape(len(data.test), -1)
    scores = strangeness(data.test, dequantized(artifact.output, outputs))
    assert roc_auc_score(data.test.y, scores) == pytest.approx(best["test_roc_auc"])

    for target in ("tflite", "cpp"):
        chosen = ("--trial", str(best["trial"]), "--target", target, "--out", str(tmp_path / target))
        out = tinyfront("export", "threes", *runs, *chosen)
        assert out.returncode == 0, out.stderr
    description = json.loads((tmp_path / "tflite" / "model.json").read_text())
    threshold = description["anomaly"]["threshold"]
    assert (description["labels"], description["targets"]) == ([], [])
    called = scores > threshold
    assert called[data.test.y == 1].mean() > 0.8
    assert called[data.test.y == 0].mean() < 0.3
    source = (tmp_path / "cpp" / "anomaly.h").read_text()
    written = float(source.split("kAnomalyThreshold = ")[1].split("f;")[0])
    assert written == pytest.approx(threshold, rel=1e-6)
    assert np.isfinite(written)
