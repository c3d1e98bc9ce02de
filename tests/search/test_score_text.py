"""``score`` in a terminal: all that an engineer asks, and nothing estimated without saying so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from devices.device import Accelerator
from devices.latency import timing_of
from search.columns import WIDTH
from search.score_text import score_text
from search.scoring import score_file
from tests.search.runs import board_file
from tests.search.scores import BOARD, custom_operator, dense_file


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return dense_file(tmp_path)


def test_the_text_says_what_is_estimated(model: Path, tmp_path: Path) -> None:
    """Fits or not on the first line; exact, calculated and estimated figures as such; a line per operator."""
    text = score_text(score_file(model, BOARD, None))
    lines = text.splitlines()
    assert lines[0] == f"{model} on {BOARD} (cortex-m4, 80 MHz): fits"
    scored = score_file(model, BOARD, None)
    cost, saved = scored.footprint, scored.footprint.model_bytes - scored.slimmed_bytes
    for part in (
        "TensorFlow Lite Micro with CMSIS-NN kernels",
        f"model        {cost.model_bytes} B (exact); slimmed {scored.slimmed_bytes} B, saves {saved} B",
        f"runtime      {cost.runtime_flash_bytes} B (est.)",
        f"activations  {cost.activation_bytes} B (calculated); peak at operator 0 FULLY_CONNECTED: 32 B alive",
        f"bookkeeping  {cost.bookkeeping_bytes} B (calculated)",
        f"setup        {cost.setup_bytes} B (calculated)",
        f"static       {cost.static_ram_bytes} B (est.)",
        "ms (est., 90 %)",
        f"60 MACs; instructions {cost.instructions} (est.)",
        timing_of(scored.device).source.split()[0],
    ):
        assert part in text
    assert [line.split()[-7] for line in lines[-3:-1]] == ["FULLY_CONNECTED", "SOFTMAX"]
    assert "enough to fit" not in text
    refused = score_text(score_file(model, board_file(tmp_path, flash_bytes=20_000), None)).splitlines()
    assert refused[0].endswith("on own-board (cortex-m4, 40 MHz): does not fit")
    assert refused[1].startswith("  over by flash")


def test_the_text_of_a_large_model(shared: Path) -> None:
    """Marks at the peak and at the slowest operator, gaps of the planner, shares of the time that add up to it all."""
    scored = score_file(shared / "data/models_mlperf_tiny/visual_wake_words/vww_96_int8.tflite", BOARD, None)
    lines = score_text(scored).splitlines()
    assert max(map(len, lines[1:])) <= WIDTH
    assert any("peak at operator 2 CONV_2D: 55296 B alive, 18432 B are gaps" in line for line in lines)
    table = lines[lines.index("") + 2 : -1]
    assert len(table) == 31
    marked = {line.split()[1]: line.split()[0] for line in table if line[0] in "MT"}
    assert scored.slowest is not None
    assert "".join(sorted(marked.values())).count("M") == "".join(marked.values()).count("T") == 1
    assert "M" in marked["2"]
    assert "T" in marked[str(scored.slowest.index)]
    assert sum(float(line.split()[-1]) for line in table) == pytest.approx(100, abs=1.6)


def test_the_text_says_when_slimming_is_enough(model: Path, tmp_path: Path) -> None:
    """A board that lacks fewer bytes than slimming saves."""
    scored = score_file(model, BOARD, None)
    board = board_file(tmp_path, flash_bytes=scored.footprint.flash_bytes - 1)
    assert "B: enough to fit" in score_text(score_file(model, board, None))
    short = board_file(tmp_path, flash_bytes=scored.slimmed_bytes + scored.footprint.runtime_flash_bytes - 1)
    assert "enough to fit" not in score_text(score_file(model, short, None))


def test_the_text_of_what_cannot_run(tmp_path: Path) -> None:
    """Verdict, ten operators at most, the shortage, that figures are hypothetical; no control characters of a file."""
    scored = score_file(custom_operator(tmp_path, b"\x1b[2J" + 90 * b"x"), board_file(tmp_path, ram_bytes=500), None)
    text = score_text(scored)
    assert text.splitlines()[0].endswith(": cannot run")
    assert "as if it could be run" in text
    assert "\x1b" not in text
    assert "?[2Jxxx" in text
    lines = score_text(replace(scored, unsupported=tuple(f"Operator {index}" for index in range(12)))).splitlines()
    assert lines[1:11] == [f"  Operator {index}" for index in range(10)]
    assert lines[11] == "  and 2 more, all of them with --json"
    assert lines[12].startswith("  over by RAM")


def test_the_text_of_other_runtimes(model: Path) -> None:
    """Parts of a Linux process are no arena, and what ESP-NN needs stands under its own name."""
    linux = score_text(score_file(model, "raspberry-pi-4b", None))
    assert "LiteRT with XNNPACK kernels" in linux
    assert "resident memory of the process" in linux
    assert "arena" not in linux
    assert "instructions not counted on this core" in linux
    assert "TensorFlow Lite Micro with ESP-NN kernels" in score_text(score_file(model, "esp32-s3-devkitc-1", None))


def test_the_text_of_a_compiled_file(model: Path) -> None:
    """Vela writes another file than the one given; its memory is an estimate."""
    scored = score_file(model, BOARD, None)
    npu = Accelerator(config="ethos-u55-128", system_config="Ethos_U55_High_End_Embedded", memory_mode="Shared_Sram")
    text = score_text(replace(scored, device=replace(scored.device, accelerator=npu)))
    assert "TensorFlow Lite Micro with CMSIS-NN kernels, and ethos-u55-128 through Arm's Vela" in text
    assert f"model        {scored.footprint.model_bytes} B (exact) as Vela compiles it" in text
    assert f"activations  {scored.footprint.activation_bytes} B (est.)" in text
