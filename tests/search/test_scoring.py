"""A file of any origin: what it costs, whether it fits, and what is said when it cannot be used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from devices.boards import device_names, load_device
from devices.device import Accelerator, Device
from devices.vela import VelaError
from search import scoring
from search.columns import WIDTH
from search.errors import DataError, JobError, NothingFitsError, ToolchainError
from search.matrix_text import matrix_text
from search.score_document import matrix_document, score_document
from search.scoring import Unscored, score_everywhere, score_file
from tests.devices.models import dense_softmax
from tests.search.runs import board_file
from tests.search.scores import BOARD, BOARD_KEYS, custom_operator, dense_file


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return dense_file(tmp_path)


def test_the_peak_is_the_operator_with_most_bytes_alive(model: Path, shared: Path) -> None:
    """The first layer holds 16 bytes in and 16 out, as the second: the first counts; VWW peaks at its third layer."""
    document = score_document(score_file(model, BOARD, None))
    assert [each["live_bytes"] for each in document["operators"]] == [32, 32]
    assert document["peak_operator"] == 0
    vww = shared / "data/models_mlperf_tiny/visual_wake_words/vww_96_int8.tflite"
    document = score_document(score_file(vww, BOARD, None))
    assert document["peak_operator"] == 2
    assert document["operators"][2]["live_bytes"] == 48 * 48 * (8 + 16) < document["activation_bytes"]


def test_the_slowest_takes_most_cycles(shared: Path) -> None:
    """Of the keyword network no operator takes more than the one that is marked."""
    scored = score_file(shared / "data/models_mlperf_tiny/keyword_spotting/kws_ref_model.tflite", BOARD, None)
    assert scored.slowest is not None
    assert scored.slowest.cycles == max(each.cycles for each in scored.operators)


def test_a_model_that_does_not_fit(model: Path, tmp_path: Path) -> None:
    """The board's limits that are broken are named with how much is missing, those that are kept are not."""
    scored = score_file(model, board_file(tmp_path, flash_bytes=20_000), None)
    assert not scored.fits
    missing = scored.footprint.flash_bytes - 20_000
    assert scored.reasons == (f"over by flash {missing / 1000:.1f} kB",)
    assert score_document(scored)["fits"] is False
    assert score_file(model, board_file(tmp_path, ram_bytes=500), None).reasons[0].startswith("over by RAM")
    exact = board_file(tmp_path, flash_bytes=scored.footprint.flash_bytes, ram_bytes=scored.footprint.ram_bytes)
    assert score_file(model, exact, None).fits


def test_an_unsupported_operator_is_a_reason(tmp_path: Path) -> None:
    """A network that is small enough but has an operator that the runtime lacks does not fit, for that reason alone."""
    scored = score_file(custom_operator(tmp_path), BOARD, None)
    assert [reason.split(":")[0] for reason in scored.reasons] == ["Operator 1 (MyOp)"]
    assert not scored.fits


def test_real_unsupported_operators_are_reasons(shared: Path) -> None:
    """A network that is small enough and cannot be run does not fit, for a reason per operator."""
    models = shared / "data"
    preprocessor = score_file(models / "models_tflm/micro_speech/audio_preprocessor_int8.tflite", BOARD, None)
    assert not preprocessor.fits
    assert preprocessor.reasons[0].startswith("Operator 0 (SignalWindow): Custom operators")
    hybrid = score_file(models / "models_mlperf_tiny/keyword_spotting/kws_ref_model_float32.tflite", BOARD, None)
    assert any("CONV_2D" in reason and "dynamic range" in reason for reason in hybrid.reasons)
    assert any(reason.startswith("over by RAM") for reason in hybrid.reasons)


def test_what_is_no_model(tmp_path: Path) -> None:
    """A file that is none, and one that was cut off, are data errors (exit 3) that name the file."""
    file = tmp_path / "text.tflite"
    file.write_text("not a flatbuffer at all")
    with pytest.raises(DataError, match=r"text\.tflite.*not a TensorFlow Lite file"):
        score_file(file, BOARD, None)
    file.write_bytes(dense_softmax()[:200])
    with pytest.raises(DataError, match=r"text\.tflite"):
        score_file(file, BOARD, None)


def test_a_file_that_cannot_be_read(model: Path, tmp_path: Path) -> None:
    """A missing file, a folder and an unknown board are mistakes of the command line (exit 2)."""
    with pytest.raises(JobError, match=r"absent\.tflite' cannot be read: No such file"):
        score_file(tmp_path / "absent.tflite", BOARD, None)
    with pytest.raises(JobError, match="it is a directory"):
        score_file(tmp_path, BOARD, None)
    with pytest.raises(JobError, match="did you mean 'nucleo-l432kc'"):
        score_file(model, "nucleo-l432k", None)


def test_a_file_without_an_end(tmp_path: Path) -> None:
    """A device and a file beyond what a flatbuffer can hold are refused unread: neither fits in memory."""
    with pytest.raises(JobError, match="'/dev/zero' cannot be read: it is no regular file"):
        score_file(Path("/dev/zero"), BOARD, None)
    huge = tmp_path / "huge.tflite"
    with huge.open("wb") as stream:
        stream.truncate(2**31)  # sparse: takes no space
    with pytest.raises(DataError, match=r"huge\.tflite' has 2147483648 bytes, a \.tflite file 2147483647 at most"):
        score_file(huge, BOARD, None)


def some_boards(monkeypatch: pytest.MonkeyPatch, folder: Path, *names: str) -> None:
    """Make the catalogue these boards and one with little flash, named 'own-board'."""
    own = board_file(folder, flash_bytes=20_000)
    monkeypatch.setattr(scoring, "device_names", lambda: (own, *names))


def test_all_boards(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each board as it is scored alone; those that fit stand first, the fastest of them on top."""
    some_boards(monkeypatch, tmp_path, "nucleo-l432kc", "nucleo-h743zi", "raspberry-pi-pico")
    matrix = score_everywhere(model)
    assert [each.device.name for each in matrix.boards] == [
        "nucleo-h743zi", "nucleo-l432kc", "raspberry-pi-pico", "own-board",
    ]  # fmt: skip
    assert matrix.n_fits == 3
    assert matrix.boards[1] == score_file(model, BOARD, None)
    document = matrix_document(matrix)
    assert {key: value for key, value in document.items() if key != "boards"} == {
        "model": str(model), "model_bytes": model.stat().st_size, "slimmed_bytes": matrix.slimmed_bytes, "n_fits": 3,
    }  # fmt: skip
    alone = score_document(matrix.boards[1])
    assert document["boards"][1] == {key: alone[key] for key in BOARD_KEYS}
    assert [each["fits"] for each in document["boards"]] == [True, True, True, False]


def test_the_whole_catalogue(shared: Path) -> None:
    """Every board of the catalogue has a line; a person detector of 300 kB fits a NUCLEO-L4R5ZI, no L432KC."""
    matrix = score_everywhere(shared / "data/models_tflm/models/person_detect.tflite")
    scored = {each.device.name: each for each in matrix.boards}
    assert {*scored, *(each.device.name for each in matrix.unscored)} == set(device_names())
    assert all(each.short == "needs vela" for each in matrix.unscored)
    assert scored["nucleo-l4r5zi"].fits
    assert not scored["nucleo-l432kc"].fits
    latencies = [each.footprint.latency_ms for each in matrix.boards[: matrix.n_fits]]
    assert latencies == sorted(latencies)
    lines = matrix_text(matrix).splitlines()
    assert max(map(len, lines[1:])) <= WIDTH
    assert all(sum(line.split()[:1] == [name] for line in lines) == 1 for name in device_names())


def ethos_board(folder: Path) -> Device:
    """The user's own board with an Ethos-U beside its core."""
    npu = Accelerator(config="ethos-u55-128", system_config="Ethos_U55_High_End_Embedded", memory_mode="Shared_Sram")
    return replace(load_device(board_file(folder)), accelerator=npu)


@pytest.mark.parametrize(
    ("installed", "error", "short"), [(False, ToolchainError, "needs vela"), (True, NothingFitsError, "not compiled")]
)
def test_what_vela_does_not_compile(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool, error: type[Exception], short: str
) -> None:
    """On one board exit 4 without the compiler and 1 where it refuses; among all boards one line, and no failure."""
    board = ethos_board(tmp_path)

    def refuse(*_: object) -> None:
        raise VelaError("the reason")

    def version() -> str:
        if not installed:
            raise VelaError("not there")
        return "5.2.0"

    monkeypatch.setattr(scoring, "measure_graph", refuse)
    monkeypatch.setattr(scoring, "vela_version", version)
    monkeypatch.setattr(scoring, "find_device", lambda name: board)
    with pytest.raises(error, match=r"dense\.tflite' on own-board: the reason"):
        score_file(model, "own-board", None)
    monkeypatch.setattr(scoring, "device_names", lambda: ("own-board",))
    matrix = score_everywhere(model)
    assert (matrix.boards, matrix.n_fits) == ((), 0)
    assert matrix.unscored == (Unscored(device=board, short=short, reason="the reason"),)
    (document,) = matrix_document(matrix)["boards"]
    assert (document["device"], document["fits"], document["reasons"]) == ("own-board", None, ["the reason"])
    assert list(document) == BOARD_KEYS
    text = matrix_text(matrix)
    assert short in text
    assert "not scored on 1 board: the reason" in text
