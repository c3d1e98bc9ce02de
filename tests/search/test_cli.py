"""The command line itself: what it parses, what it prints where, and with which code it ends."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from search import cli, commands
from search.errors import DataError, JobError, NothingFitsError, StorageError, TinyFrontError, ToolchainError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_handler() -> Iterator[None]:
    """Give back what `main` does to SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def pretend(monkeypatch: pytest.MonkeyPatch, command: commands.Command) -> None:
    """Have ``devices`` do something else."""
    monkeypatch.setattr(commands, "COMMANDS", {**commands.COMMANDS, "devices": command})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("search job.yaml --trials 3 --minutes 1.5 --workers 2 --seed 4 --set a=1 --set b=2 --json",
         {"job": "job.yaml", "trials": 3, "minutes": 1.5, "workers": 2, "seed": 4, "set": ["a=1", "b=2"],
          "json": True}),
        ("search --data digits --device x --task classification --metric log_loss --name n --strategy random "
         "--runs-dir r",
         {"job": None, "data": "digits", "device": "x", "task": "classification", "metric": "log_loss", "name": "n",
          "strategy": "random", "runs_dir": "r", "set": [], "trials": None, "json": False}),
        ("check job.yaml --data digits --device x --minutes 2 --set space=mlp --json",
         {"job": "job.yaml", "data": "digits", "device": "x", "minutes": 2.0, "set": ["space=mlp"], "json": True}),
        ("pareto first --csv f.csv --device x --all",
         {"run": "first", "csv": "f.csv", "device": "x", "all": True, "runs_dir": "runs", "json": False}),
        ("pareto first --plot f.svg", {"plot": "f.svg", "csv": None, "all": False}),
        ("show first 7 --json", {"run": "first", "trial": 7, "json": True}),
        ("status first --runs-dir r", {"run": "first", "runs_dir": "r"}),
        ("export first --trial 7 --target cpp --out o", {"trial": 7, "pick": None, "target": "cpp", "out": "o"}),
        ("export first --pick knee --device x --target tflite", {"trial": None, "pick": "knee", "device": "x"}),
        ("compress m.keras --data digits --device x --plan p.yaml --out o --seed 3 --workers 1 --set a=1 --json",
         {"model": "m.keras", "data": "digits", "device": "x", "plan": "p.yaml", "out": "o", "seed": 3, "workers": 1,
          "min_accuracy": None, "max_loss": None, "trials": None, "set": ["a=1"], "json": True}),
        ("compress folder --data d.npz --device x --min-accuracy 0.97 --max-loss 0.01",
         {"model": "folder", "min_accuracy": 0.97, "max_loss": 0.01, "plan": None, "out": None}),
        ("compress m.h5 --data fan --device x --task anomaly_detection --metric partial_auc --normal ok",
         {"task": "anomaly_detection", "metric": "partial_auc", "normal": "ok"}),
        ("compress m.h5 --data digits --device x --trials 3 --minutes 1.5 --name n --runs-dir r",
         {"trials": 3, "minutes": 1.5, "name": "n", "runs_dir": "r"}),
        ("score m.tflite --device x --data digits --json",
         {"model": "m.tflite", "device": "x", "data": "digits", "all_devices": False}),
        ("score m.tflite --device x --data fan --task anomaly_detection --normal ok",
         {"data": "fan", "task": "anomaly_detection", "normal": "ok"}),
        ("score m.tflite --all-devices", {"device": None, "data": None, "all_devices": True, "json": False}),
        ("devices", {"name": None, "json": False}),
        ("devices x --json", {"name": "x", "json": True}),
    ],
)  # fmt: skip
def test_every_command_parses(line: str, expected: dict[str, object]) -> None:
    """The options of DESIGN.md section 8 stand under the names that the commands read, in their types."""
    options = vars(cli.parser().parse_args(line.split()))
    assert options["command"] == line.split()[0]
    assert {key: options[key] for key in expected} == expected


@pytest.mark.parametrize(
    "line",
    [
        "serch", "pareto", "pareto first --json --csv f.csv", "show first", "show first seven", "export first",
        "export first --trial 1 --pick knee --target cpp", "score m.tflite", "score m.tflite --device x --all-devices",
        "score m.tflite --device x --data digits --task anomalies",
        "compress m.h5 --data digits", "search --minutes soon", "search --bogus",
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Usage and reason go to stderr, stdout stays clean."""
    with pytest.raises(SystemExit) as caught:
        cli.main(line.split())
    captured = capsys.readouterr()
    assert (caught.value.code, captured.out) == (2, "")
    assert captured.err.startswith("usage: tinyfront")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` prints the installed package's version and nothing else."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == version("tinyfront") + "\n"


def test_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Help, and exit 2: nothing was done."""
    assert cli.main([]) == 2
    printed = capsys.readouterr().out
    assert all(name in printed for name in commands.COMMANDS)


@pytest.mark.parametrize(
    ("kind", "code"),
    [(NothingFitsError, 1), (JobError, 2), (DataError, 3), (ToolchainError, 4), (StorageError, 5)],
)
def test_an_error_is_one_sentence_and_a_code(
    kind: type[TinyFrontError], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit codes as documented; one line on stderr, none on stdout."""

    def failing(_options: argparse.Namespace, _began: float) -> int:
        raise kind("the rule, the value, the remedy")

    pretend(monkeypatch, failing)
    assert cli.main(["devices"]) == code
    assert capsys.readouterr() == ("", "tinyfront: the rule, the value, the remedy\n")


def test_a_defect_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that is none of ours keeps its traceback."""

    def broken(_options: argparse.Namespace, _began: float) -> int:
        raise ZeroDivisionError

    pretend(monkeypatch, broken)
    with pytest.raises(ZeroDivisionError):
        cli.main(["devices"])


def test_a_commands_own_code_is_passed_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that ran and found that nothing fits ends with its 1, its data on stdout."""

    def nothing_fits(options: argparse.Namespace, began: float) -> int:
        assert began > 0
        print(f"data of {options.name}")
        return 1

    pretend(monkeypatch, nothing_fits)
    assert cli.main(["devices", "x"]) == 1
    assert capsys.readouterr() == ("data of x\n", "")


@pytest.mark.parametrize(
    ("command", "words"), [("devices", "stopped"), ("search", "stopped; the same command goes on from here")]
)
def test_ctrl_c(command: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """130, and of a search how to go on."""

    def interrupted(_options: argparse.Namespace, _began: float) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "COMMANDS", {command: interrupted})
    assert cli.main([command]) == 130
    assert capsys.readouterr() == ("", f"tinyfront: {words}\n")


def test_sigterm(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """SIGTERM unwinds the command, so that its workers and locks are given back, and ends with 143."""
    unwound = []

    def terminated(_options: argparse.Namespace, _began: float) -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            pytest.fail("the signal did not arrive")
        finally:
            unwound.append(True)

    pretend(monkeypatch, terminated)
    with pytest.raises(SystemExit) as caught:
        cli.main(["devices"])
    assert (caught.value.code, unwound) == (143, [True])
    assert capsys.readouterr() == ("", "tinyfront: terminated\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_left(unbuffered: str) -> None:
    """``tinyfront ... | head`` ends quietly, as by SIGPIPE, whenever it is that Python notices."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "search", "devices", "nucleo-l432kc"],
            stdout=writing,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered, "PYTHONPATH": str(ROOT)},
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def run_into(stdout: str) -> subprocess.CompletedProcess[str]:
    """``tinyfront devices`` with its output sent as a shell would by `stdout`."""
    return subprocess.run(
        ["sh", "-c", f'"$0" -m search devices nucleo-l432kc {stdout}', sys.executable],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_output_that_cannot_be_written() -> None:
    """A full disk is a storage error in a sentence."""
    done = run_into("> /dev/full")
    assert done.returncode == 5
    assert done.stderr.startswith("tinyfront: [Errno 28] No space left on device: free space")
    assert "Traceback" not in done.stderr


def test_a_closed_stdout() -> None:
    """Nobody listens: nothing to complain of."""
    done = run_into(">&-")
    assert (done.returncode, done.stderr) == (0, "")
