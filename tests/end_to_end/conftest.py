"""One small real search, made once, for all tests that read a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# Anchors of all spaces, random draws, and one branch that reuses trained weights; an epoch each.
TRIALS = 12
SMALL = (
    *("--data", "digits", "--device", "nucleo-l432kc", "--seed", "1", "--workers", "1"),
    *("--trials", str(TRIALS), "--set", "epochs=1", "--set", "space=ds_cnn,mlp"),
)

Tinyfront = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Finished:
    """A finished run: where it is, and what ``search --json`` printed."""

    runs: Path
    name: str
    document: dict[str, Any]

    @property
    def folder(self) -> Path:
        return self.runs / self.name


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "search", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run_tinyfront(*arguments: str, cwd: Path = ROOT, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, cwd=cwd, env=environment(), timeout=timeout, check=False
    )


@pytest.fixture(scope="session")
def tinyfront() -> Tinyfront:
    return run_tinyfront


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    runs = tmp_path_factory.mktemp("runs")
    done = run_tinyfront("search", *SMALL, "--name", "small", "--runs-dir", str(runs), "--json")
    assert done.returncode == 0, done.stderr
    return Finished(runs=runs, name="small", document=json.loads(done.stdout))
