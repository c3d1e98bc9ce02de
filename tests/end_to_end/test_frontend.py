"""Sound in, features made on the way, and the device's own source of them out: equal in training and in C++."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.conftest import Tinyfront

_RUN = ("--device", "nucleo-l432kc", "--seed", "1", "--workers", "1", "--trials", "2", "--name", "tones")
_SETTINGS = ("--set", "epochs=1", "--set", "space=mlp", "--set", "frontend.mfcc.sample_rate_hz=8000")


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second each of three tones in noise, 16-bit integers."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    phase = 2 * np.pi * np.outer(np.array([300, 900, 1800])[y], np.arange(4000) / 8000)
    x = 8000 * np.sin(phase) + 500 * rng.normal(size=(60, 4000))
    file = tmp_path_factory.mktemp("sound") / "tones.npz"
    np.savez(file, x_train=x.astype(np.int16), y_train=y)
    return file


@pytest.fixture(scope="module")
def runs(tones: Path, tinyfront: Tinyfront) -> Path:
    folder = tones.parent / "runs"
    done = tinyfront("search", "--data", str(tones), *_RUN, *_SETTINGS, "--runs-dir", str(folder))
    assert done.returncode == 0, done.stderr
    assert "flash, RAM and latency hold the front-end (est.)" in done.stdout
    return folder


def test_predicted_and_measured_costs_hold_the_front_end(runs: Path) -> None:
    records = [json.loads(file.read_text()) for file in sorted(runs.glob("tones/trials/*/record.json"))]
    scored = [record for record in records if record["state"] == "complete"]
    assert scored
    for record in scored:
        measured, predicted = record["score"]["footprint"], record["predicted"]
        assert measured["frontend_flash_bytes"] == predicted["frontend_flash_bytes"] > 3000
        assert measured["frontend_ram_bytes"] > 2 * 4000
        assert measured["latency_ms"] > measured["frontend_ms"] > 0


def test_show_and_another_board_count_it_too(runs: Path, tinyfront: Tinyfront) -> None:
    shown = tinyfront("show", "tones", "0", "--runs-dir", str(runs))
    assert shown.stdout.count("  front-end (est.)") == 3
    slow = tinyfront("pareto", "tones", "--runs-dir", str(runs), "--device", "nucleo-g0b1re", "--json")
    assert slow.returncode == 0, slow.stderr
    fast = json.loads(tinyfront("pareto", "tones", "--runs-dir", str(runs), "--json").stdout)["front"][0]["latency_ms"]
    assert json.loads(slow.stdout)["front"][0]["latency_ms"] > 10 * fast


def test_the_exported_source_makes_the_inputs_of_the_training(runs: Path, tinyfront: Tinyfront, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = tinyfront("export", "tones", "--runs-dir", str(runs), "--target", "cpp", "--out", str(out))
    assert done.returncode == 0, done.stderr
    if shutil.which("make") is None or shutil.which("g++") is None:
        pytest.skip("no make or g++ on this machine")
    built = subprocess.run(["make", "preprocess_test"], cwd=out, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    ran = subprocess.run(["./preprocess_test"], cwd=out, capture_output=True, text=True)
    assert ran.stdout == "0 of 240 values differ, 0 by more than one step\nPASS\n"


def test_the_description_holds_its_settings(runs: Path, tinyfront: Tinyfront, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert (
        tinyfront("export", "tones", "--runs-dir", str(runs), "--out", str(out), "--target", "tflite").returncode == 0
    )
    frontend = json.loads((out / "model.json").read_text())["frontend"]
    assert frontend["name"] == "mfcc"
    assert frontend["settings"]["sample_rate_hz"] == 8000
    assert frontend["settings"]["full_scale"] == 32768.0
    assert frontend["input_shape"] == [4000]
    assert len(frontend["mean"]) == len(frontend["factor"]) == 10
    assert "front-end `mfcc`, standardised" in (out / "MODEL_CARD.md").read_text()


def test_another_front_end_is_another_search(tones: Path, runs: Path, tinyfront: Tinyfront) -> None:
    done = tinyfront(
        "search",
        "--data",
        str(tones),
        *_RUN,
        *_SETTINGS,
        "--set",
        "frontend.mfcc.coefficients=8",
        "--runs-dir",
        str(runs),
    )
    assert done.returncode == 2
    assert "exists with another frontend" in done.stderr


def test_settings_that_are_lists_are_searched(tones: Path, tinyfront: Tinyfront, tmp_path: Path) -> None:
    """Each trial has a front-end of its own; the exported one is the trial's, and another board counts that."""
    runs = tmp_path / "runs"
    job = ("--data", str(tones), "--device", "nucleo-l432kc", "--seed", "3", "--workers", "1", "--trials", "8")
    lists = ("--set", "frontend.mfcc.coefficients=[6, 13]", "--set", "frontend.mfcc.hop_ms=[20, 40]")
    done = tinyfront("search", *job, *_SETTINGS, *lists, "--name", "searched", "--runs-dir", str(runs), "--json")
    assert done.returncode == 0, done.stderr
    records = [json.loads(file.read_text()) for file in sorted(runs.glob("searched/trials/*/record.json"))]
    scored = [record for record in records if record["state"] == "complete"]
    drawn = {(record["drawn"]["frontend/coefficients"], record["drawn"]["frontend/hop_ms"]) for record in scored}
    assert len(drawn) > 1
    assert sorted(path.name for path in (runs / "searched").glob("data*.npz")) == [
        "data-001.npz",
        "data-002.npz",
        "data-003.npz",
        "data.npz",
    ]
    last = next(r for r in scored if (r["drawn"]["frontend/coefficients"], r["drawn"]["frontend/hop_ms"]) != (6, 20))
    out = tmp_path / "out"
    trial = ("--trial", str(last["trial"]), "--out", str(out), "--target", "tflite")
    exported = tinyfront("export", "searched", "--runs-dir", str(runs), *trial)
    assert exported.returncode == 0, exported.stderr
    settings = json.loads((out / "model.json").read_text())["frontend"]["settings"]
    assert (settings["coefficients"], settings["hop_ms"]) == (
        last["drawn"]["frontend/coefficients"],
        last["drawn"]["frontend/hop_ms"],
    )
    again = tinyfront("search", *job, *_SETTINGS, *lists, "--name", "searched", "--runs-dir", str(runs), "--json")
    assert json.loads(again.stdout)["front"] == json.loads(done.stdout)["front"]
