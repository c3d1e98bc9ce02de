"""What a job searches over: what it names, or what can pay on its board and be made here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compressors.catalog import COMPRESSORS
from compressors.compressor import Stage
from devices.boards import load_device
from search import techniques
from search.errors import JobError, ToolchainError
from search.job import Job
from search.techniques import check_teacher, techniques_of

JOB = Job(data="digits", device="nucleo-l432kc", trials=1)


def names_of(board: str, *named: str) -> list[str]:
    job = Job(data="digits", device=board, trials=1, compressors=named)
    return [each.name for each in techniques_of(job, load_device(board))]


def test_without_a_decoder_zeros_and_clusters_are_not_searched() -> None:
    """No stage would make bytes of them; what is named is searched all the same, for the download."""
    left = {each.stage for each in COMPRESSORS if each.name in names_of("raspberry-pi-4b")}
    assert not left & {Stage.WEIGHT_PRUNING, Stage.CLUSTERING, Stage.CODING}
    assert Stage.STRUCTURED_PRUNING in left
    named = ("magnitude_pruning", "quantization")
    assert names_of("raspberry-pi-4b", *named) == list(named)


@pytest.mark.parametrize("board", ["nucleo-l432kc", "esp32-devkitc"])
def test_with_a_decoder_they_are(board: str) -> None:
    found = names_of(board)
    assert {"magnitude_pruning", "clustering", "huffman_coding"} <= set(found)
    assert "distillation" not in found


def test_what_this_machine_cannot_make_is_left_out_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found before the first training, not after each."""
    monkeypatch.setattr(techniques, "package_missing", lambda: "no such package: install it")
    found = names_of("nucleo-l432kc")
    assert "lookup_tables" not in found
    assert "huffman_coding" in found
    with pytest.raises(ToolchainError, match="'lookup_tables': no such package: install it"):
        names_of("nucleo-l432kc", "clustering", "quantization", "lookup_tables")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"network": "mine.keras", "compressors": ("distillation", "quantization")}, "needs a teacher: name its file")],
)
def test_a_given_network_needs_a_named_teacher(change: dict[str, Any], sentence: str) -> None:
    """It cannot learn from itself."""
    board = load_device("nucleo-l432kc")
    with pytest.raises(JobError, match=sentence):
        techniques_of(replace(JOB, **change), board)
    chosen = techniques_of(replace(JOB, **change, teacher="large.keras"), board)
    assert "distillation" in [each.name for each in chosen]


def test_tables_want_clusters() -> None:
    """Alone they would never be drawn, which a job that names them should know."""
    with pytest.raises(JobError, match=r"'lookup_tables' stores clustered weights.*add 'clustering'"):
        names_of("nucleo-l432kc", "quantization", "magnitude_pruning", "lookup_tables")
    named = ("clustering", "quantization", "lookup_tables")
    assert names_of("nucleo-l432kc", *named) == list(named)


@pytest.mark.parametrize("teacher", ["best", "absent.keras"])
def test_a_teacher_needs_a_pupil(teacher: str) -> None:
    with pytest.raises(JobError, match=f"teacher is '{teacher}', and nothing learns from it: name distillation"):
        check_teacher(replace(JOB, teacher=teacher))
    check_teacher(replace(JOB, teacher=teacher, compressors=("distillation", "quantization")))
    check_teacher(replace(JOB, teacher=teacher, network="mine.keras"))
    check_teacher(JOB)
