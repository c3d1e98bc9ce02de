"""What is printed goes where it belongs, and comes back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from search.streams import STDERR, STDOUT, redirected

ROOT = Path(__file__).parents[2]


def test_prints_go_to_the_file_and_back(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What any library writes goes to the end of the file inside, to the terminal before and after."""
    file = tmp_path / "log.txt"
    file.write_text("earlier\n")
    os.write(1, b"before\n")
    with redirected((STDOUT, STDERR), file):
        os.write(1, b"system out\n")
        os.write(2, b"system err\n")
    os.write(1, b"after\n")
    os.write(2, b"after\n")
    captured = capfd.readouterr()
    assert captured.out == "before\nafter\n"
    assert captured.err == "after\n"
    assert file.read_text() == "earlier\nsystem out\nsystem err\n"


def test_prints_come_back_after_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A trial that fails does not leave the worker's stdout in its log, nor a descriptor open."""

    def diverging() -> None:
        with redirected((STDOUT, STDERR), tmp_path / "log.txt"):
            os.write(1, b"inside\n")
            raise ValueError("diverged")

    descriptor = os.dup(1)
    os.close(descriptor)
    with pytest.raises(ValueError, match="diverged"):
        diverging()
    os.write(1, b"after\n")
    assert capfd.readouterr().out == "after\n"
    assert (tmp_path / "log.txt").read_text() == "inside\n"
    again = os.dup(1)
    os.close(again)
    assert again == descriptor  # the lowest free number: nothing was left open


def test_what_c_holds_back_goes_to_the_file_too(tmp_path: Path) -> None:
    """C's buffer is written out at the border, in a process of its own whose stdout is a pipe as a worker's may be."""
    code = (
        "import ctypes, sys; from pathlib import Path; from search.streams import redirected\n"
        "c = ctypes.CDLL(None)\n"
        "c.puts(b'before')\n"
        "with redirected((1, 2), Path(sys.argv[1])):\n"
        "    c.puts(b'from C'); print('from Python')\n"
        "print('after')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONUNBUFFERED", None)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "log.txt")],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    assert done.stdout == "before\nafter\n"
    assert sorted((tmp_path / "log.txt").read_text().splitlines()) == ["from C", "from Python"]


def test_stdout_can_go_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    """One descriptor is sent to another one, and back."""
    with redirected((STDOUT,), STDERR):
        os.write(1, b"chatter\n")
    os.write(1, b"data\n")
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("data\n", "chatter\n")


def test_a_file_that_cannot_be_opened_redirects_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The error is raised and the streams are as before."""
    with pytest.raises(FileNotFoundError), redirected((STDOUT,), tmp_path / "absent" / "log.txt"):
        pass
    os.write(1, b"still here\n")
    assert capfd.readouterr().out == "still here\n"
