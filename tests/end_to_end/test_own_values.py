"""Networks of a user's own that predict values or give inputs back: compressed, scored, searched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from devices.flatbuffer import read_artifact
from search.datasets.load import load
from search.evaluate import available_interpreter, dequantized, predict
from tests.end_to_end.conftest import Tinyfront

BOARD = ("--device", "nucleo-l432kc")


def trained(path: Path, x: Any, y: Any, layers: tuple[Any, ...], epochs: int) -> Any:
    keras.utils.set_random_seed(1)
    network = keras.Sequential([keras.Input(x.shape[1:]), *layers])
    network.compile(keras.optimizers.Adam(0.01), "mse")
    network.fit(x, y, epochs=epochs, verbose=0)
    network.save(path)
    return network


@pytest.fixture(scope="module")
def progression(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A file of a network that predicts the diabetes table in its unit, and that network."""
    data, path = load("diabetes"), tmp_path_factory.mktemp("own") / "progression.keras"
    hidden = (keras.layers.Dense(32, activation="relu"), keras.layers.Dense(16, activation="relu"))
    y = data.in_units(data.train.y)
    return path, trained(path, data.train.x, y, (*hidden, keras.layers.Dense(1)), epochs=60)


def test_a_network_of_values_is_compressed_and_scored(
    progression: tuple[Path, Any], tmp_path: Path, tinyfront: Tinyfront
) -> None:
    """Pruned down to an R2; its float32 file predicts what Keras does, its small one nearly as well."""
    path, network = progression
    ask = ("compress", str(path), "--data", "diabetes", *BOARD, "--workers", "1", "--set", "epochs=40")
    done = tinyfront(*ask, "--min-accuracy", "0.55", "--out", str(tmp_path / "out"), "--json")
    assert done.returncode == 0, done.stderr
    assert "its last layer was scaled to give them standardised" in done.stderr
    document = json.loads(done.stdout)
    floats, plain, small = document["rows"]
    data = load("diabetes")
    (target,) = data.targets
    for split, prefix in ((data.validation, ""), (data.test, "test_")):
        error = network.predict(split.x, verbose=0) - data.in_units(split.y)
        assert floats[f"{prefix}rmse"] == pytest.approx(float(np.sqrt((error**2).mean())), rel=1e-4)
        assert floats[f"{prefix}mae"] == pytest.approx(float(np.abs(error).mean()), rel=1e-4)
    assert document["float_rmse"] == pytest.approx(floats["rmse"], rel=1e-4)
    assert plain["rmse"] == pytest.approx(floats["rmse"], rel=0.02)
    assert small["r2"] >= 0.55
    assert small["params"] < 0.5 * plain["params"]
    assert small["test_rmse"] < 1.1 * floats["test_rmse"]
    assert document["targets"] == [{"name": target.name, "mean": target.mean, "deviation": target.deviation}]
    artifact = read_artifact((tmp_path / "out" / "model.tflite").read_bytes())
    stored = predict(artifact, data.test.x, available_interpreter()).reshape(-1, 1)
    values = dequantized(artifact.output, stored) * target.deviation + target.mean
    assert float(np.sqrt(((values - data.in_units(data.test.y)) ** 2).mean())) == pytest.approx(small["test_rmse"])
    scored = json.loads(
        tinyfront("score", str(tmp_path / "out" / "model.tflite"), *BOARD, "--data", "diabetes", "--json").stdout
    )
    assert {name: scored[name] for name in ("rmse", "r2", "test_mae")} == {
        name: small[name] for name in ("rmse", "r2", "test_mae")
    }


def test_plans_of_a_network_of_values_are_searched(
    progression: tuple[Path, Any], tmp_path: Path, tinyfront: Tinyfront
) -> None:
    """Judged by RMSE; pruned, trained on and learning from a teacher; a point is exported with the targets' scale."""
    path, _ = progression
    runs = ("--runs-dir", str(tmp_path / "runs"))
    done = tinyfront(
        *("compress", str(path), "--data", "diabetes", *BOARD, "--workers", "1", "--seed", "1", "--trials", "4"),
        *("--set", "epochs=5", "--set", f"teacher={path}", "--name", "own", "--json", *runs),
        *("--set", "compressors=distillation,structured_pruning,quantization_aware_training,quantization"),
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["n_failed"] == 0, done.stderr
    assert document["objectives"][0] == "rmse"
    assert "teacher: " in done.stderr
    assert "validation R2 0." in done.stderr
    best = min(document["front"], key=lambda point: point["rmse"])
    assert best["space"] == "given"
    assert best["rmse"] < 0.7 * document["reference_point"]["rmse"]
    assert tinyfront("export", "own", *runs, "--target", "tflite", "--out", str(tmp_path / "x")).returncode == 0
    (exported,) = json.loads((tmp_path / "x" / "model.json").read_text())["targets"]
    (target,) = load("diabetes").targets
    assert (exported["mean"], exported["deviation"]) == (target.mean, target.deviation)


def test_an_autoencoder_is_compressed_and_scored(tmp_path: Path, tinyfront: Tinyfront) -> None:
    """Threes are normal: the smaller file tells other digits nearly as well, and ``score`` finds the same threshold."""
    data = load("digits", normal="3")
    dense = keras.layers.Dense
    layers = (keras.layers.Flatten(), dense(48, "relu"), dense(12, "relu"), dense(48, "relu"), dense(64, "sigmoid"))
    shaped = (*layers, keras.layers.Reshape((8, 8, 1)))
    trained(tmp_path / "threes.keras", data.train.x, data.train.x, shaped, epochs=80)
    (tmp_path / "plan.yaml").write_text("structured_pruning: {neurons: 0.5, metric: taylor}\n")
    given = ("--data", "digits", "--normal", "3", *BOARD, "--json")
    out = tmp_path / "out"
    done = tinyfront(
        *("compress", str(tmp_path / "threes.keras"), "--plan", str(tmp_path / "plan.yaml"), "--out", str(out)),
        *("--workers", "1", "--set", "epochs=200", *given),
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    floats, plain, small = document["rows"]
    assert floats["test_roc_auc"] > 0.95
    assert plain["test_roc_auc"] == pytest.approx(floats["test_roc_auc"], abs=0.02)
    assert small["params"] < 0.6 * plain["params"]
    assert small["test_roc_auc"] > 0.9
    scored = tinyfront("score", str(out / "model.tflite"), *given)
    assert scored.returncode == 0, scored.stderr
    again = json.loads(scored.stdout)
    for name in ("roc_auc", "partial_auc", "test_roc_auc", "test_partial_auc", "threshold"):
        assert again[name] == small[name], name
    refused = tinyfront("compress", str(tmp_path / "threes.keras"), "--data", "digits", *BOARD, "--max-loss", "0.1")
    assert refused.returncode == 3
    assert "as an autoencoder does, and no class: say which samples are normal, such as --normal ok" in refused.stderr
