"""``score --all-devices`` in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from search import scoring
from search.matrix_text import matrix_text
from search.scoring import score_everywhere
from tests.search.runs import board_file
from tests.search.scores import custom_operator, dense_file


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return dense_file(tmp_path)


def test_boards_that_do_not_fit_come_last(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest miss first; a network that a runtime lacks operators of fits none, and the reason stands once."""
    far = board_file(tmp_path, flash_bytes=1_000)
    (tmp_path / "near").mkdir()
    near = board_file(tmp_path / "near", ram_bytes=500)
    monkeypatch.setattr(scoring, "device_names", lambda: (far, near))
    matrix = score_everywhere(model)
    assert [each.device.flash_bytes for each in matrix.boards] == [1 << 20, 1_000]
    rows = [line for line in matrix_text(matrix).splitlines() if line.startswith("own-board")]
    assert [row.split("no: ")[1].split()[0] for row in rows] == ["RAM", "flash"]
    refused = matrix_text(score_everywhere(custom_operator(tmp_path)))
    assert ": fits 0 of 2 boards" in refused
    assert refused.count("not supported") == 3
    assert "not supported on 2 boards: Operator 1 (MyOp): " in refused
    rows = [line for line in refused.splitlines() if line.startswith("own-board")]
    assert all(row.endswith("-") for row in rows)
