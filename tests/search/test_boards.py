"""A job's board and limits: found by name or file, the device's own where the job sets none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from search.boards import budget_of, find_device
from search.errors import JobError
from search.job import Limits
from tests.search.runs import JOB, board_file


def test_a_board_by_name_and_by_file(tmp_path: Path) -> None:
    """The catalogue's board has its published memory; a file's board has the file's."""
    assert find_device("nucleo-l432kc").flash_bytes == 256 * 1024
    own = find_device(board_file(tmp_path, ram_bytes=12_345))
    assert (own.name, own.ram_bytes) == ("own-board", 12_345)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("nucleo-l432k", "did you mean 'nucleo-l432kc'"), ("absent.toml", "no device file 'absent.toml'")],
)
def test_an_unknown_board_is_a_mistake_of_the_job(name: str, sentence: str) -> None:
    """Whatever is wrong with a board's name is a JobError (exit 2) with the catalogue's hint, and keeps its cause."""
    with pytest.raises(JobError, match=sentence) as caught:
        find_device(name)
    assert caught.value.__cause__ is not None


def test_limits_default_to_the_board(tmp_path: Path) -> None:
    """No limit set: the board's flash and RAM, no latency; each one that is set replaces only itself."""
    board = find_device(board_file(tmp_path, flash_bytes=70_000, ram_bytes=9_000))
    budget = budget_of(JOB, board)
    assert (budget.flash_bytes, budget.ram_bytes, budget.latency_ms) == (70_000, 9_000, None)
    budget = budget_of(replace(JOB, budget=Limits(ram_bytes=4_000, latency_ms=2.5)), board)
    assert (budget.flash_bytes, budget.ram_bytes, budget.latency_ms) == (70_000, 4_000, 2.5)


@pytest.mark.parametrize("name", ["flash_bytes", "ram_bytes"])
def test_a_limit_above_the_board_is_refused(tmp_path: Path, name: str) -> None:
    """All that the board has may be asked for, and not a byte more."""
    board = find_device(board_file(tmp_path))
    most = getattr(board, name)
    assert getattr(budget_of(replace(JOB, budget=Limits(**{name: most})), board), name) == most
    with pytest.raises(JobError, match=f"budget.{name} is {most + 1}, own-board has {most}"):
        budget_of(replace(JOB, budget=Limits(**{name: most + 1})), board)
