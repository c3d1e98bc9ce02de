"""The main job: data in, Pareto front of real models out, the same again however often it is killed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from search.evaluate import available_interpreter
from tests.end_to_end.conftest import SMALL, TRIALS, Finished, Tinyfront, command, environment


def artifacts(folder: Path) -> dict[str, str]:
    """SHA-256 of every model of a run by trial."""
    return {
        file.parent.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.glob("trials/*/model.tflite")
    }


def told(folder: Path) -> list[int]:
    """Trials in the order they were told."""
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return [event["trial"] for event in events if event["event"] == "told"]


def test_the_front_is_real(finished: Finished) -> None:
    """Every front point's file is there, is the recorded one, fits, and was tested."""
    front = finished.document["front"]
    assert front
    assert finished.document["n_trained"] == TRIALS
    assert [point["flash_bytes"] for point in front] == sorted(point["flash_bytes"] for point in front)
    for point in front:
        content = (finished.folder / point["artifact"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == point["sha256"]
        assert len(content) == point["model_bytes"]
        assert point["flash_bytes"] <= 256 * 1024
        assert point["ram_bytes"] <= 64 * 1024
        assert point["test_accuracy_n"] == 359
        assert point["interpreter"] == available_interpreter()
    assert 0 < finished.document["hypervolume"] < 1
    assert finished.document["seconds"]["from_cache"] >= 1


def test_scoring_again_gives_the_recorded_figures(finished: Finished, tinyfront: Tinyfront) -> None:
    """``tinyfront score`` of a front point equals its record in every figure, to the last digit."""
    point = finished.document["front"][-1]
    file = finished.folder / point["artifact"]
    done = tinyfront("score", str(file), "--device", "nucleo-l432kc", "--data", "digits", "--json")
    assert done.returncode == 0, done.stderr
    scored = json.loads(done.stdout)
    names = (
        "accuracy",
        "test_accuracy",
        "flash_bytes",
        "model_bytes",
        "ram_bytes",
        "arena_bytes",
        "macs",
        "latency_ms",
    )
    assert {name: scored[name] for name in names} == {name: point[name] for name in names}
    if scored["interpreter"] == "tflm":
        assert scored["litert_test_accuracy"] == pytest.approx(scored["test_accuracy"], abs=0.02)
    assert sum(operator["macs"] for operator in scored["operators"]) == scored["macs"]


def test_every_metric_of_the_task_is_recorded(finished: Finished, tinyfront: Tinyfront) -> None:
    """Beside the objective; and of what was tested, the classes and the matrix, which count the same answers."""
    point = finished.document["front"][-1]
    names = {"accuracy", "balanced_accuracy", "macro_f1", "log_loss"}
    assert names | {f"test_{name}" for name in names} < set(point)
    asked = ("show", finished.name, str(point["trial"]), "--runs-dir", str(finished.runs))
    document = json.loads(tinyfront(*asked, "--json").stdout)
    counts = document["test_confusion"]["counts"]
    assert sum(map(sum, counts)) == 359
    assert sum(counts[k][k] for k in range(10)) / 359 == pytest.approx(point["test_accuracy"])
    recalls = [each["recall"] for each in document["test_classes"]]
    assert sum(recalls) / 10 == pytest.approx(point["test_balanced_accuracy"])
    shown = tinyfront(*asked).stdout
    assert "test balanced accuracy" in shown
    assert "true class" in shown


def complete(folder: Path) -> list[dict[str, Any]]:
    """Records of the trials that were trained and scored."""
    records = [json.loads(file.read_text()) for file in sorted(folder.glob("trials/*/record.json"))]
    found = [record for record in records if record["state"] == "complete"]
    assert len(found) == TRIALS
    return found


def test_prediction_before_training_was_right(finished: Finished) -> None:
    """The untrained, lowered candidate had the artifact's MACs and arena, and its bytes within 3 % or 200 bytes."""
    for record in complete(finished.folder):
        predicted, measured = record["predicted"], record["score"]["footprint"]
        for name in ("macs", "activation_bytes", "bookkeeping_bytes", "setup_bytes", "runtime_flash_bytes"):
            assert predicted[name] == measured[name]
        assert predicted["model_bytes"] == pytest.approx(measured["model_bytes"], rel=0.03, abs=200)


def test_seconds_are_split(finished: Finished) -> None:
    """Every trained trial says where its time went; one whose weights were in the cache trained for no time."""
    records = [record["seconds"] for record in complete(finished.folder)]
    for phase in ("draw", "screen", "build", "convert", "score"):
        assert all(seconds[phase] > 0 for seconds in records)
    assert any(seconds["train"] > 0 for seconds in records)
    assert any(seconds["train"] == 0 for seconds in records)


def test_the_same_seed_gives_the_same_files(finished: Finished, tinyfront: Tinyfront, tmp_path: Path) -> None:
    """One worker, the same seed: the same trials, the same front, byte for byte the same models."""
    done = tinyfront("search", *SMALL, "--name", "small", "--runs-dir", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    assert artifacts(tmp_path / "small") == artifacts(finished.folder)
    for key in ("front", "hypervolume", "n_trials", "n_rejected"):
        assert json.loads(done.stdout)[key] == finished.document[key]


def test_a_finished_run_answers_at_once(finished: Finished, tinyfront: Tinyfront) -> None:
    """The same command on a finished run repeats nothing and prints the same front."""
    before = artifacts(finished.folder)
    done = tinyfront("search", *SMALL, "--name", "small", "--runs-dir", str(finished.runs), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["front"] == finished.document["front"]
    assert artifacts(finished.folder) == before
    assert sorted(told(finished.folder)) == sorted(set(told(finished.folder)))


def hears_ctrl_c() -> None:
    """A shell starts what it puts in the background deaf to SIGINT, and pytest may run there; undone in the child."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


EXIT_CODES = {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize("signal_", EXIT_CODES)
def test_a_killed_run_goes_on(
    finished: Finished, tinyfront: Tinyfront, tmp_path: Path, signal_: signal.Signals
) -> None:
    """Killed after its second trial, the same command ends with the undisturbed front, no trial told twice."""
    arguments = ("search", *SMALL, "--name", "small", "--runs-dir", str(tmp_path), "--json")
    events = tmp_path / "small" / "events.jsonl"
    with subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
        preexec_fn=hears_ctrl_c,  # noqa: PLW1509 - one call of the system, no lock taken
    ) as process:
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline and not (events.exists() and events.read_text().count('"told"') >= 2):
            time.sleep(0.05)
        os.kill(process.pid, signal_)
        process.wait(60)
        assert process.stdout is not None
        assert process.stdout.read() == b""
        assert process.returncode == EXIT_CODES[signal_]
    assert 2 <= len(told(tmp_path / "small")) < TRIALS
    done = tinyfront(*arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["front"] == finished.document["front"]
    assert artifacts(tmp_path / "small") == artifacts(finished.folder)
    assert sorted(told(tmp_path / "small")) == sorted(set(told(tmp_path / "small")))
    assert sorted(int(file.parent.name) for file in tmp_path.glob("small/trials/*/record.json")) == list(
        range(finished.document["n_trials"])
    )
