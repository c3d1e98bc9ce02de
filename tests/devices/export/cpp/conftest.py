"""A C++ compiler, and TensorFlow Lite Micro where it is at hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

_STRICT = ("-std=c++17", "-trigraphs", "-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-Werror")
_SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def _built_and_run(folder: Path, sources: tuple[str, ...], stdin: str, flags: tuple[str, ...]) -> bytes:
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler (c++, g++, clang++) on this machine")
    command = [compiler, *_STRICT, *flags, "-I.", *sources, "-o", "program"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return subprocess.run([str(folder / "program")], input=stdin.encode(), capture_output=True, check=True).stdout


@pytest.fixture(scope="session")
def run_sanitized() -> Callable[[Path, tuple[str, ...]], bytes]:
    """As `run_cpp`, without stdin, and ended by the first wrong address or undefined operation."""
    return lambda folder, sources: _built_and_run(folder, sources, "", _SANITIZED)


@pytest.fixture(scope="session")
def run_cpp() -> Callable[[Path, tuple[str, ...], str], bytes]:
    """Compile sources of a folder, warnings being errors and trigraphs alive, and run the program.

    Called with the folder, the names of the sources and the text of stdin;
    gives what the program prints to stdout.  Skips without a C++ compiler.
    """
    return lambda folder, sources, stdin: _built_and_run(folder, sources, stdin, ())


@pytest.fixture(scope="session")
def tflm() -> Path:
    """A folder of TensorFlow Lite Micro sources with a built library below ``gen``; skips without one."""
    if "TFLM_DIR" not in os.environ:
        pytest.skip("TFLM_DIR, a folder of TensorFlow Lite Micro sources with a built library, is not set")
    if shutil.which("make") is None:
        pytest.skip("no make on this machine")
    return Path(os.environ["TFLM_DIR"]).absolute()
