"""Runs on a board with an Ethos-U: searched, shown, exported, and what is said without Vela."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from compressors.catalog import COMPRESSORS
from compressors.compressor import Stage
from devices import vela
from devices.boards import load_device
from devices.measure import measure
from devices.vela import VelaError
from search import screen, show
from search.errors import JobError, ToolchainError
from search.evaluate import available_interpreter
from search.export import export_trial
from search.problem import resolve
from search.screen import CandidateError, draw
from search.store import RunFolder
from tests.devices.models import dense_softmax
from tests.devices.vela_installed import needs_vela
from tests.search.runs import JOB, problem, real_run

BOARD = "grove-vision-ai-v2"


def without_vela(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behave as if Vela were not installed."""

    def missing() -> str:
        raise VelaError("ethos-u-vela is not installed: pip install 'tinyfront[vela]'")

    for module in (vela, show):
        monkeypatch.setattr(module, "vela_version", missing)
    vela.system_clock_hz.cache_clear()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run on another board with one scored trial, by the interpreter that is here."""
    made = real_run(tmp_path)
    record = made.record(0)
    assert record is not None
    assert record.score is not None
    made.write_trial(replace(record, score=replace(record.score, interpreter=available_interpreter())), None)
    return made


@needs_vela
def test_an_export_brings_the_compiled_file(run: RunFolder, tmp_path: Path) -> None:
    """Beside the plain file lies the one to be flashed, and card and description say which is which."""
    out = tmp_path / "out"
    files = export_trial(run, trial=0, how="accuracy", device=BOARD, target="tflite", out=out)
    assert out / "model_vela.tflite" in files
    board = load_device(BOARD)
    assert board.accelerator is not None
    compiled = vela.compile(dense_softmax(), board.accelerator).content
    assert (out / "model.tflite").read_bytes() == dense_softmax()
    assert (out / "model_vela.tflite").read_bytes() == compiled
    description = json.loads((out / "model.json").read_text(encoding="utf-8"))
    assert description["compiled"]["bytes"] == len(compiled) == description["footprint"]["model_bytes"]["value"]
    assert description["device"]["accelerator"] == "ethos-u55-64"
    card = (out / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"Flash `model_vela.tflite` ({len(compiled)} bytes)" in card
    assert "The figures of merit are of `model.tflite`" in card


@needs_vela
def test_sources_cannot_be_exported_for_an_ethos_u(run: RunFolder, tmp_path: Path) -> None:
    """The C++ target has no driver: it refuses instead of shipping what would run on the core."""
    with pytest.raises(JobError, match="target 'cpp' has neither the operator nor the driver of the ethos-u55-64"):
        export_trial(run, trial=0, how="accuracy", device=BOARD, target="cpp", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@needs_vela
def test_a_run_is_shown_on_the_board(run: RunFolder) -> None:
    """Its files are compiled and costed anew; accuracy stays that of the plain file."""
    (here,), (there,) = show.summary_of(run).front, show.summary_of(run, BOARD).front
    assert there.footprint == measure(dense_softmax(), load_device(BOARD))[0]
    assert (there.metrics, there.sha256) == (here.metrics, here.sha256)


def test_one_file_that_vela_refuses_leaves_the_others(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial counts as failed on that board, with Vela's reason, and the table is there."""

    def refuse(*_: object) -> None:
        raise VelaError("Vela crashes on tensors of type int4")

    monkeypatch.setattr(vela, "compile", refuse)
    monkeypatch.setattr(show, "vela_version", lambda: "5.2.0")
    summary = show.summary_of(run, BOARD)
    assert summary.front == ()
    assert summary.trials[0].state == "failed"
    assert "int4" in summary.trials[0].reason


def test_without_vela_every_way_to_the_board_says_so(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 4 and the command that installs it; a search says it before anything is trained."""
    without_vela(monkeypatch)
    with pytest.raises(ToolchainError, match=r"pip install 'tinyfront\[vela\]'") as raised:
        export_trial(run, trial=0, how="accuracy", device=BOARD, target="tflite", out=tmp_path / "out")
    assert raised.value.exit_code == 4
    with pytest.raises(ToolchainError, match=r"pip install 'tinyfront\[vela\]'"):
        show.summary_of(run, BOARD)
    with pytest.raises(ToolchainError, match=rf"device '{BOARD}': ethos-u-vela is not installed"):
        resolve(replace(JOB, device=BOARD))


@needs_vela
def test_candidates_are_screened_with_the_least_they_can_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file a candidate has a cost on the board; one that Vela cannot take is none that can be built."""
    told = problem(replace(JOB, device=BOARD))
    told = replace(told, compressors=tuple(each for each in COMPRESSORS if each.stage is Stage.QUANTIZATION))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial({"quantization/weight_bits#": 0})  # 8 bits
    screened = draw(study.ask(), told)
    assert screened.fits
    assert 0 < screened.footprint.latency_ms < 1
    assert screened.footprint.model_bytes > 0

    def refuse(*_: object) -> None:
        raise VelaError("Vela crashes on tensors of type int4")

    monkeypatch.setattr(screen, "predict", refuse)
    with pytest.raises(CandidateError, match=r"^Vela crashes on tensors of type int4$"):
        draw(study.ask(), told)
