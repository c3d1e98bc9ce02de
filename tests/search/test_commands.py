"""Every command that is parsed is there, and what each prints of a run goes to stdout alone."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devices.boards import device_names
from search import cli, commands, scoring
from search.errors import JobError
from search.job import Limits
from search.store import RunFolder, create_run
from tests.devices.models import custom_softmax, dense_softmax
from tests.search.runs import JOB, board_file, real_run


def run_command(line: str) -> int:
    """What the command line does once it has parsed `line`."""
    options = cli.parser().parse_args(line.split())
    return commands.COMMANDS[options.command](options, 0.0)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return real_run(tmp_path)


def test_every_parsed_command_is_there() -> None:
    """The parser and the table of commands name the same ones, in the same order."""
    (subcommands,) = (action for action in cli.parser()._actions if isinstance(action, argparse._SubParsersAction))
    assert list(commands.COMMANDS) == list(subcommands.choices)


@pytest.mark.parametrize("line", ["pareto first", "show first 0", "status first"])
def test_json_is_one_document(run: RunFolder, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """``--json`` prints one JSON document and nothing else; without it a text about the same run."""
    assert run_command(f"{line} --runs-dir {run.path.parent} --json") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    document = json.loads(captured.out)
    assert isinstance(document, dict)
    assert document.get("run", "first") == "first"
    assert run_command(f"{line} --runs-dir {run.path.parent}") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "nucleo-l432kc" in captured.out
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(captured.out)


def test_status_counts(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """The counts of a run, its state and how much of what was asked for is done."""
    run_command(f"status first --runs-dir {run.path.parent} --json")
    document = json.loads(capsys.readouterr().out)
    assert document.pop("hypervolume") > 0
    assert document == {
        "run": "first", "state": "interrupted", "trials": 3, "minutes": None, "elapsed_seconds": 0.0,
        "n_trials": 2, "n_trained": 1, "n_feasible": 1, "n_rejected": 1, "n_failed": 0,
    }  # fmt: skip


def test_nothing_on_the_front_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table is printed all the same; scripts see by the code that nothing fits."""
    run = real_run(tmp_path, replace(JOB, budget=Limits(flash_bytes=30_000)))
    assert run_command(f"pareto first --runs-dir {run.path.parent}") == 1
    assert "Nothing fits" in capsys.readouterr().out
    assert run_command(f"pareto first --runs-dir {run.path.parent} --json --all") == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["front"], len(document["trials"])) == ([], 2)


def test_pareto_on_another_board(run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--device`` costs the models on that board, ``--csv`` writes what is shown and prints nothing."""
    own = board_file(tmp_path, clock_hz=1_000_000)
    run_command(f"pareto first --runs-dir {run.path.parent} --device {own} --json")
    document = json.loads(capsys.readouterr().out)
    assert document["device"] == "own-board"
    table = tmp_path / "front.csv"
    assert run_command(f"pareto first --runs-dir {run.path.parent} --device {own} --csv {table}") == 0
    assert capsys.readouterr() == ("", "")
    (point,) = document["front"]
    heading, row = (line.split(",") for line in table.read_text().splitlines())
    assert row[heading.index("latency_ms")] == str(point["latency_ms"])


def test_show_says_whether_a_trial_is_on_the_front(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole record, parameters as drawn; a rejected trial is shown too."""
    shown: list[dict[str, Any]] = []
    for trial in (0, 1):
        assert run_command(f"show first {trial} --runs-dir {run.path.parent} --json") == 0
        shown.append(json.loads(capsys.readouterr().out))
    assert [(each["trial"], each["state"], each["on_front"]) for each in shown] == [
        (0, "complete", True),
        (1, "rejected", False),
    ]
    assert shown[0]["drawn"] == {"ds_cnn/width": 16, "recipe/learning_rate": 0.001}


def test_a_trial_that_is_none(run: RunFolder, tmp_path: Path) -> None:
    """An unknown number is refused with those there are, in an empty run too."""
    with pytest.raises(JobError, match=r"run 'first' has no trial 7: known: 0, 1"):
        run_command(f"show first 7 --runs-dir {run.path.parent}")
    create_run(tmp_path, replace(JOB, name="bare"))
    with pytest.raises(JobError, match="run 'bare' has no trial 0"):
        run_command(f"show bare 0 --runs-dir {tmp_path}")


def test_score_ends_with_1_where_it_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 and 1 say whether the file fits, and the document says the same."""
    file = tmp_path / "m.tflite"
    file.write_bytes(dense_softmax())
    for flash, code in ((1 << 20, 0), (20_000, 1)):
        board = board_file(tmp_path, flash_bytes=flash)
        assert run_command(f"score {file} --device {board} --json") == code
        assert json.loads(capsys.readouterr().out)["fits"] is (code == 0)
        assert run_command(f"score {file} --device {board}") == code
        assert ("does not fit" in capsys.readouterr().out) is (code == 1)


def test_score_on_all_boards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line or an entry a board; 0 where one fits, 1 where none can run it."""
    monkeypatch.setattr(scoring, "device_names", lambda: ("nucleo-l432kc", board_file(tmp_path, flash_bytes=20_000)))
    file = tmp_path / "m.tflite"
    file.write_bytes(dense_softmax())
    assert run_command(f"score {file} --all-devices --json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [(board["device"], board["fits"]) for board in document["boards"]] == [
        ("nucleo-l432kc", True),
        ("own-board", False),
    ]
    assert run_command(f"score {file} --all-devices") == 0
    assert f"{file}: fits 1 of 2 boards" in capsys.readouterr().out
    file.write_bytes(custom_softmax())
    assert run_command(f"score {file} --all-devices") == 1
    assert "fits 0 of 2 boards" in capsys.readouterr().out


def test_data_goes_with_one_board(tmp_path: Path) -> None:
    """Refused before the file is looked at, with what to do."""
    with pytest.raises(JobError, match="--data goes with one board: give --device NAME"):
        run_command(f"score {tmp_path / 'absent.tflite'} --all-devices --data digits")


@pytest.mark.parametrize(
    "flags", ["--label kind", "--group-by who", "--task regression", "--normal ok", "--set data_options.window=8"]
)
def test_what_says_how_data_are_read_goes_with_data(tmp_path: Path, flags: str) -> None:
    with pytest.raises(JobError, match=f"{flags.split()[0]} goes with --data: name the data, or leave it out"):
        run_command(f"score {tmp_path / 'absent.tflite'} --device nucleo-l432kc {flags}")


def test_devices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All boards a line each, or as one list; one board with the source of its numbers."""
    assert run_command("devices") == 0
    first_words = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")}
    assert first_words == {"board", *device_names()}
    assert run_command("devices --json") == 0
    assert [board["name"] for board in json.loads(capsys.readouterr().out)] == list(device_names())
    own = board_file(tmp_path)
    assert run_command(f"devices {own}") == 0
    shown = capsys.readouterr().out
    assert "clock       40 MHz\n                made up\n" in shown
    assert run_command(f"devices {own} --json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["name"], document["sources"]["clock_hz"]) == ("own-board", "made up")
    assert document["latency"]["timing"] == "cortex-m4"


def test_export_prints_the_files(run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One path a line: what a script goes on with."""
    out = tmp_path / "out"
    assert run_command(f"export first --runs-dir {run.path.parent} --target tflite --out {out}") == 0
    printed = capsys.readouterr().out.splitlines()
    assert set(map(Path, printed)) == {file for file in out.rglob("*") if file.is_file()}
