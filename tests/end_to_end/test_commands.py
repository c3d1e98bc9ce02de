"""Commands on a finished run, and what they say when something is wrong."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.end_to_end.conftest import ROOT, TRIALS, Finished, Tinyfront

SEARCH = ("search", "--data", "digits", "--device", "nucleo-l432kc")
TOO_SMALL = """\
name = "crumb"
description = "a part with next to nothing"
core = "cortex-m4"
clock_hz = 80_000_000
flash_bytes = 20_000
ram_bytes = 2_000
kernels = "cmsis-nn"
[sources]
core = "made up"
clock_hz = "made up"
flash_bytes = "made up"
ram_bytes = "made up"
kernels = "made up"
"""


def in_run(finished: Finished) -> tuple[str, ...]:
    return finished.name, "--runs-dir", str(finished.runs)


def test_pareto_json_is_the_contract(finished: Finished, tinyfront: Tinyfront) -> None:
    """``pareto --json`` prints what ``search --json`` printed, with the contract's keys; ``--all`` adds the trials."""
    done = tinyfront("pareto", *in_run(finished), "--json", "--all")
    document = json.loads(done.stdout)
    trials = document.pop("trials")
    assert document == finished.document
    assert {
        "run",
        "device",
        "objectives",
        "n_trials",
        "n_trained",
        "n_rejected",
        "hypervolume",
        "reference_point",
    } <= set(document)
    keys = {
        "trial", "accuracy", "test_accuracy", "flash_bytes", "model_bytes", "download_bytes", "ram_bytes",
        "arena_bytes", "macs", "params", "latency_ms", "space", "compression", "artifact",
    }  # fmt: skip
    assert all(keys <= set(point) for point in document["front"])
    assert len(trials) == document["n_trials"]
    assert all({"state", "feasible", "excess", "seconds"} <= set(row) for row in trials)


def test_pareto_on_another_board_costs_anew(finished: Finished, tinyfront: Tinyfront) -> None:
    """Another board gives the same accuracy and bytes, and other milliseconds."""
    other = json.loads(tinyfront("pareto", *in_run(finished), "--device", "nucleo-h743zi", "--json").stdout)
    here = {point["trial"]: point for point in finished.document["front"]}
    shared = [point for point in other["front"] if point["trial"] in here]
    assert other["device"] == "nucleo-h743zi"
    assert shared
    for point in shared:
        assert point["model_bytes"] == here[point["trial"]]["model_bytes"]
        assert point["latency_ms"] < here[point["trial"]]["latency_ms"]


def test_pareto_writes_tables_and_pictures(finished: Finished, tinyfront: Tinyfront, tmp_path: Path) -> None:
    """CSV, PNG, SVG and HTML are written whole; another ending is refused."""
    assert tinyfront("pareto", *in_run(finished), "--csv", str(tmp_path / "front.csv")).returncode == 0
    rows = list(csv.DictReader((tmp_path / "front.csv").open()))
    assert [int(row["trial"]) for row in rows] == [point["trial"] for point in finished.document["front"]]
    for name, start in (("f.png", b"\x89PNG"), ("f.svg", b"<?xml"), ("f.html", b"<!doctype html")):
        assert tinyfront("pareto", *in_run(finished), "--plot", str(tmp_path / name)).returncode == 0
        assert (tmp_path / name).read_bytes()[:20].lower().startswith(start.lower())
    refused = tinyfront("pareto", *in_run(finished), "--plot", str(tmp_path / "f.bmp"))
    assert refused.returncode == 2
    assert ".png" in refused.stderr


def test_show_and_status(finished: Finished, tinyfront: Tinyfront) -> None:
    """A trial is shown with what was drawn; the run says that it is finished."""
    trial = finished.document["front"][0]["trial"]
    shown = json.loads(tinyfront("show", *in_run(finished), str(trial), "--json").stdout)
    assert shown["trial"] == trial
    assert shown["drawn"]["space"] == shown["space"]
    assert "finished" in tinyfront("status", *in_run(finished)).stdout
    assert json.loads(tinyfront("status", *in_run(finished), "--json").stdout)["n_trained"] == TRIALS
    unknown = tinyfront("show", *in_run(finished), "77")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "has no trial 77" in unknown.stderr


@pytest.mark.parametrize("target", ["tflite", "cpp"])
def test_export_writes_a_whole_folder(finished: Finished, tinyfront: Tinyfront, tmp_path: Path, target: str) -> None:
    """The exported model is the trial's model; an occupied folder is not touched."""
    out = tmp_path / "out"
    done = tinyfront("export", *in_run(finished), "--pick", "accuracy", "--target", target, "--out", str(out))
    assert done.returncode == 0, done.stderr
    files = {Path(line) for line in done.stdout.splitlines()}
    assert files == {file for file in out.rglob("*") if file.is_file()}
    best = max(finished.document["front"], key=lambda point: point["accuracy"])
    if target == "tflite":
        assert (out / "model.tflite").read_bytes() == (finished.folder / best["artifact"]).read_bytes()
        assert (out / "labels.txt").read_text().split() == [str(digit) for digit in range(10)]
    again = tinyfront("export", *in_run(finished), "--target", target, "--out", str(out))
    assert again.returncode == 2
    assert "is not empty" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("search", "--data", "digits", "--device", "nucleo-l432k"), 2, "did you mean 'nucleo-l432kc'"),
        ((*SEARCH, "--set", "trails=3"), 2, "did you mean 'trials'?"),
        ((*SEARCH, "--strategy", "tpee"), 2, "did you mean 'tpe'?"),
        ((*SEARCH, "--set", "space=ds_cn"), 2, "'ds_cnn'"),
        ((*SEARCH, "--set", "compressors=structured_pruning"), 2, "quantization"),
        (("search", "--data", "digit", "--device", "nucleo-l432kc"), 3, "'digits'"),
        (("search", "--data", "absent.npz", "--device", "nucleo-l432kc"), 3, "absent.npz"),
        (("search", "absent.yaml"), 2, "absent.yaml"),
        (("pareto", "absent"), 2, "no run 'absent'"),
        (("score", "absent.tflite", "--device", "nucleo-l432kc"), 2, "absent.tflite"),
        (("score", "pyproject.toml", "--device", "nucleo-l432kc"), 3, "pyproject.toml"),
        (("devices", "arduino-nano-33"), 2, "arduino-nano-33-ble"),
        (("export", "absent", "--target", "tflite"), 2, "no run"),
        (("search", "--minutes", "soon"), 2, "invalid float value"),
    ],
)  # fmt: skip
def test_mistakes_end_with_a_sentence(
    tinyfront: Tinyfront, tmp_path: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    """Exit code by kind of mistake, one sentence on stderr, nothing on stdout, nothing left behind."""
    runs = ("--runs-dir", str(tmp_path)) if arguments[0] in ("search", "pareto", "export") else ()
    done = tinyfront(*arguments, *runs)
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def broken_sets(folder: Path) -> dict[str, Path]:
    """One file per way in which data is broken."""
    x, y = np.zeros((40, 8, 8), np.uint8), np.arange(40) % 4
    x[:, 0, 0] = np.arange(40)
    nan = np.linspace(0, 1, 40 * 64, dtype=np.float32).reshape(40, 8, 8)
    nan[3, 2, 1] = np.nan
    arrays: dict[str, tuple[Any, Any]] = {
        "lengths": (x, y[:30]),
        "nan": (nan, y),
        "one class": (x, y * 0),
        "empty": (x[:0], y[:0]),
    }
    files = {}
    for name, (inputs, labels) in arrays.items():
        files[name] = folder / f"{name.replace(' ', '-')}.npz"
        np.savez(files[name], x_train=inputs, y_train=labels)
    return files


@pytest.mark.parametrize("fault", ["lengths", "nan", "one class", "empty"])
def test_broken_data_is_refused(tinyfront: Tinyfront, tmp_path: Path, fault: str) -> None:
    """Exit 3, a sentence with the file's name, no run folder."""
    file = broken_sets(tmp_path)[fault]
    done = tinyfront("search", "--data", str(file), "--device", "nucleo-l432kc", "--runs-dir", str(tmp_path / "runs"))
    assert done.returncode == 3
    assert file.name in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_device_too_small_for_anything(tinyfront: Tinyfront, tmp_path: Path) -> None:
    """Exit 1 before any training, saying which budget the smallest candidate exceeds and by how much."""
    board = tmp_path / "crumb.toml"
    board.write_text(TOO_SMALL)
    done = tinyfront("search", "--data", "digits", "--device", str(board), "--runs-dir", str(tmp_path / "runs"))
    assert done.returncode == 1, done.stderr
    assert "nothing fits crumb: the smallest candidate" in done.stderr
    assert "flash_bytes by" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_reading_a_run_never_imports_tensorflow(finished: Finished) -> None:
    """``pareto``, ``show``, ``status`` and ``--help`` start no framework."""
    code = (
        "import sys; from search.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(sorted({'tensorflow', 'keras', 'tf_keras', 'autokeras', 'optuna'} & set(sys.modules)), file=sys.stderr)"
    )
    runs = in_run(finished)
    for arguments in (("--help",), ("pareto", *runs), ("show", runs[0], "0", *runs[1:]), ("status", *runs)):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=ROOT, check=True
        )
        assert done.stderr.splitlines()[-1] == "[]", arguments


def test_help_shows_what_is_built(tinyfront: Tinyfront) -> None:
    """Commands that are not built yet do not show."""
    text = tinyfront("--help").stdout
    assert all(
        name in text
        for name in ("search", "check", "pareto", "show", "status", "export", "score", "compress", "devices")
    )
    assert not any(name in text for name in ("serve", "watch", "doctor"))
