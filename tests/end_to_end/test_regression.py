"""Values predicted from a table and from images: searched, scored, exported, in the target's unit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.flatbuffer import read_artifact
from search.datasets.load import load
from search.evaluate import available_interpreter, dequantized, predict
from tests.end_to_end.conftest import Tinyfront
from tests.search.rotated import MOST_DEGREES, save_rotated_digits

BOARD = ("--device", "nucleo-l432kc")
# Four anchors and draws with techniques of every stage that a random draw picks with this seed.
ASK = (
    *("search", "--data", "diabetes", *BOARD, "--seed", "1", "--workers", "1", "--trials", "10"),
    *("--set", "epochs=10", "--set", "space=mlp", "--set", "teacher=largest"),
    *("--set", "compressors=distillation,structured_pruning,magnitude_pruning,clustering,quantization_aware_training,"
      "quantization,lookup_tables,huffman_coding"),
)  # fmt: skip


@dataclass(frozen=True)
class Searched:
    """A finished search of the diabetes table and what it printed."""

    runs: Path
    document: dict[str, Any]
    said: str

    @property
    def knee(self) -> dict[str, Any]:
        point: dict[str, Any] = next(each for each in self.document["front"] if each["trial"] == self.document["knee"])
        return point


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, tinyfront: Tinyfront) -> Searched:
    runs = tmp_path_factory.mktemp("runs")
    done = tinyfront(*ASK, "--name", "table", "--runs-dir", str(runs), "--json")
    assert done.returncode == 0, done.stderr
    return Searched(runs=runs, document=json.loads(done.stdout), said=done.stderr)


def test_a_table_ends_with_errors_in_its_unit(searched: Searched) -> None:
    """The task is found and said, every metric stands under its name, and the front beats the mean of the targets."""
    document = searched.document
    assert "task: regression, judged by rmse; the type of the labels says so" in searched.said
    assert document["n_failed"] == 0, searched.said
    assert document["objectives"] == ["rmse", "flash_bytes", "ram_bytes", "latency_ms"]
    assert document["metric"] == "rmse"
    baseline = document["reference_point"]["rmse"]
    data = load("diabetes")
    truth = data.in_units(data.validation.y)
    assert baseline == pytest.approx(np.sqrt(((truth - data.targets[0].mean) ** 2).mean()), rel=1e-5)
    assert "accuracy" not in document["front"][0]
    best = min(document["front"], key=lambda point: point["rmse"])
    assert best["rmse"] < 0.8 * baseline
    assert best["r2"] > 0.35
    assert 0 < best["test_mae_low"] < best["test_mae"] < best["test_rmse"] < best["test_rmse_high"]
    assert best["test_r2_n"] == len(data.test)
    techniques = {name for point in document["front"] for name in point["compression"]}
    assert techniques > {"quantization"}


def test_the_teacher_is_judged_by_r2(searched: Searched) -> None:
    teacher = json.loads((searched.runs / "table" / "teacher.json").read_text())
    assert teacher["metric"] == "r2"
    assert "validation R2 0." in searched.said
    assert teacher["accuracy"] > 0.3


def test_scoring_again_gives_the_recorded_errors(searched: Searched, tinyfront: Tinyfront) -> None:
    """De-quantised, and back in the unit of the data: by ``score``, and by hand from the stored outputs."""
    file = searched.runs / "table" / searched.knee["artifact"]
    done = tinyfront("score", str(file), *BOARD, "--data", "diabetes", "--json")
    assert done.returncode == 0, done.stderr
    scored = json.loads(done.stdout)
    for name in ("rmse", "mae", "r2", "test_rmse", "test_mae", "test_r2"):
        assert scored[name] == searched.knee[name]
    data, artifact = load("diabetes"), read_artifact(file.read_bytes())
    (target,) = data.targets
    stored = predict(artifact, data.test.x, available_interpreter()).reshape(-1, 1)
    real = dequantized(artifact.output, stored) * target.deviation + target.mean
    truth = data.test.y * target.deviation + target.mean
    assert float(np.sqrt(((real - truth) ** 2).mean())) == pytest.approx(searched.knee["test_rmse"], rel=1e-6)


def test_a_run_goes_on_and_prints_the_same(searched: Searched, tinyfront: Tinyfront) -> None:
    again = tinyfront(*ASK, "--name", "table", "--runs-dir", str(searched.runs), "--json")
    assert (again.returncode, json.loads(again.stdout)) == (0, searched.document)


def test_it_is_exported_with_the_scale_of_its_target(searched: Searched, tinyfront: Tinyfront, tmp_path: Path) -> None:
    """The description, the card and the C++ say how an output becomes a value; there are no labels."""
    (target,) = load("diabetes").targets
    run = ("table", "--runs-dir", str(searched.runs))
    for name in ("tflite", "cpp"):
        done = tinyfront("export", *run, "--target", name, "--out", str(tmp_path / name))
        assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "tflite" / "model.json").read_text())
    scale = {"name": "disease progression", "mean": target.mean, "deviation": target.deviation}
    assert (document["targets"], document["labels"]) == ([scale], [])
    best = min(searched.document["front"], key=lambda point: point["rmse"])  # picked by quality, unless asked
    assert {row["name"]: row["value"] for row in document["metrics"]}["rmse"] == best["rmse"]
    assert f"real * {target.deviation!r} + {target.mean!r}" in (tmp_path / "tflite" / "MODEL_CARD.md").read_text()
    assert (
        f"kTargetMeans[kTargetCount] = {{{float(np.float32(target.mean)):.9g}f}}"
        in (tmp_path / "cpp" / "targets.h").read_text()
    )


def test_it_is_shown_and_drawn(searched: Searched, tinyfront: Tinyfront, tmp_path: Path) -> None:
    """Tables, pages, plots and CSV follow the metric's name; picking by accuracy is refused."""
    run = ("table", "--runs-dir", str(searched.runs))
    table = tinyfront("pareto", *run).stdout
    assert "val. RMSE" in table
    assert f"measured from RMSE {searched.document['reference_point']['rmse']:g}" in table
    assert "MAE" in table
    assert "accuracy" not in table
    shown = tinyfront("show", "table", str(searched.knee["trial"]), "--runs-dir", str(searched.runs)).stdout
    assert "test RMSE" in shown
    assert "validation R2" in shown
    page, rows = tmp_path / "front.html", tmp_path / "front.csv"
    assert tinyfront("pareto", *run, "--plot", str(page)).returncode == 0
    assert "val. RMSE (95 %)" in page.read_text()
    assert tinyfront("pareto", *run, "--csv", str(rows)).returncode == 0
    assert rows.read_text().startswith("trial,rmse,rmse_n,rmse_low,rmse_high,mae,")
    refused = tinyfront("export", *run, "--target", "tflite", "--pick", "accuracy", "--out", str(tmp_path / "no"))
    assert refused.returncode == 2
    assert "trials have no accuracy" in refused.stderr


def test_images_end_with_an_error_in_degrees(tmp_path: Path, tinyfront: Tinyfront) -> None:
    """By how much a digit was turned, from -45 to 45 degrees: a network of a few kB explains most of it."""
    save_rotated_digits(tmp_path / "rotated.npz", 700)
    done = tinyfront(
        *("search", "--data", str(tmp_path / "rotated.npz"), *BOARD, "--seed", "1", "--workers", "1", "--trials", "2"),
        *("--set", "epochs=12", "--set", "space=cnn", "--set", "metric=mae", "--name", "angles", "--json"),
        *("--runs-dir", str(tmp_path / "runs")),
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["objectives"][0] == "mae"
    assert document["reference_point"]["mae"] == pytest.approx(MOST_DEGREES / 2, abs=3)  # of a uniform angle
    best = min(document["front"], key=lambda point: point["mae"])
    assert best["test_mae"] < 12
    assert best["test_r2"] > 0.6
