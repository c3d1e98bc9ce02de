"""A file of any origin: what it costs, whether it fits, how well it does, and what it says when it cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from devices.boards import load_device
from devices.flatbuffer import read_artifact
from devices.latency import INTERPRETER_INSTRUCTIONS
from devices.measure import measure
from search.datasets.load import load
from search.errors import DataError, JobError
from search.evaluate import accuracy, available_interpreter
from search.scoring import score_document, score_file, score_text
from tests.devices.models import dense_softmax, packed
from tests.search.runs import board_file

# DESIGN.md section 8, `score --json`, in order.
KEYS = [
    "model", "device", "fits", "reasons", "flash_bytes", "model_bytes", "runtime_flash_bytes", "ram_bytes",
    "arena_bytes", "macs", "instructions", "cycles", "latency_ms", "latency_low_ms", "latency_high_ms", "operators",
]  # fmt: skip
OPERATOR_KEYS = ["index", "op", "output_shape", "macs", "instructions", "cycles", "latency_ms"]
BOARD = "nucleo-l432kc"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The small real network of 12 inputs and 5 classes, as a file."""
    file = tmp_path / "dense.tflite"
    file.write_bytes(dense_softmax())
    return file


def data_file(folder: Path, shape: tuple[int, ...] = (12,), classes: int = 5) -> str:
    """Random samples; validation and test are given, so that their sizes are known."""
    rng = np.random.default_rng(1)
    arrays: dict[str, Any] = {}
    for split, n in (("train", 40), ("val", 20), ("test", 10)):
        arrays[f"x_{split}"] = rng.normal(size=(n, *shape)).astype(np.float32)
        arrays[f"y_{split}"] = np.arange(n) % classes
    np.savez(folder / "samples.npz", **arrays)
    return str(folder / "samples.npz")


def test_the_document_is_the_contract(model: Path) -> None:
    """Exactly the keys of DESIGN.md section 8, one entry per operator in order, and the figures of `measure`."""
    scored = score_file(model, BOARD, None)
    document = score_document(scored)
    assert list(document) == KEYS
    assert [list(each) for each in document["operators"]] == [OPERATOR_KEYS] * 2
    assert [(each["index"], each["op"], each["output_shape"]) for each in document["operators"]] == [
        (0, "FULLY_CONNECTED", [1, 5]),
        (1, "SOFTMAX", [1, 5]),
    ]
    cost, operators = measure(model.read_bytes(), load_device(BOARD))
    assert (scored.footprint, scored.operators) == (cost, operators)
    assert (document["fits"], document["reasons"]) == (True, [])
    assert document["model_bytes"] == model.stat().st_size
    assert document["macs"] == 60
    assert document["flash_bytes"] == document["model_bytes"] + document["runtime_flash_bytes"]


def test_operators_add_up(shared: Path) -> None:
    """Over the operators of a real network MACs are the whole, and instructions all but the interpreter's own."""
    folder = shared / "data" / "models_mlperf_tiny"
    for name, length in (("keyword_spotting/kws_ref_model.tflite", 13), ("visual_wake_words/vww_96_int8.tflite", 31)):
        document = score_document(score_file(folder / name, BOARD, None))
        operators = document["operators"]
        assert [each["index"] for each in operators] == list(range(length))
        assert sum(each["macs"] for each in operators) == document["macs"] > 1_000_000
        once, dispatch = INTERPRETER_INSTRUCTIONS
        own = once + dispatch * length
        assert sum(each["instructions"] for each in operators) == document["instructions"] - own
        assert 0 < document["cycles"] - sum(each["cycles"] for each in operators) < 3 * own
        low, middle, high = (document[f"latency_{end}ms"] for end in ("low_", "", "high_"))
        assert low < middle < high
        assert middle == pytest.approx(document["cycles"] / 80e6 * 1e3, rel=1e-4)


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
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(dense_softmax(), 0))
    softmax = model.operatorCodes[1]
    softmax.builtinCode = schema.BuiltinOperator.CUSTOM
    softmax.deprecatedBuiltinCode, softmax.customCode = softmax.builtinCode, b"MyOp"
    file = tmp_path / "custom.tflite"
    file.write_bytes(packed(model))
    scored = score_file(file, BOARD, None)
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


def test_accuracy_on_data(model: Path, tmp_path: Path) -> None:
    """Both held-out splits are run in a child process, with the same result as here and with their n and interval."""
    reference = data_file(tmp_path)
    scored = score_file(model, BOARD, reference)
    data, interpreter = load(reference), available_interpreter()
    artifact = read_artifact(model.read_bytes(), data.labels)
    assert scored.shares == {
        "accuracy": accuracy(artifact, data.validation, interpreter),
        "test_accuracy": accuracy(artifact, data.test, interpreter),
        "litert_accuracy": accuracy(artifact, data.validation, "litert"),
        "litert_test_accuracy": accuracy(artifact, data.test, "litert"),
    }
    document = score_document(scored)
    assert set(KEYS) < set(document)
    assert (document["accuracy_n"], document["test_accuracy_n"]) == (20, 10)
    assert document["accuracy_low"] <= document["accuracy"] <= document["accuracy_high"]
    assert document["interpreter"] == interpreter
    assert f"by {interpreter}" in score_text(scored)


def test_data_of_another_shape(model: Path, tmp_path: Path) -> None:
    """Both shapes are in the sentence, and nothing is run."""
    with pytest.raises(DataError, match=r"inputs of shape \(12,\), data 'samples' has \(13,\)"):
        score_file(model, BOARD, data_file(tmp_path, shape=(13,)))
    with pytest.raises(DataError, match=r"data 'samples' has \(3, 4, 1\)"):
        score_file(model, BOARD, data_file(tmp_path, shape=(3, 4, 1)))


def test_data_of_other_classes(model: Path, tmp_path: Path) -> None:
    """As many outputs as classes, no more and no fewer."""
    with pytest.raises(DataError, match="has 5 outputs, data 'samples' has 4 classes"):
        score_file(model, BOARD, data_file(tmp_path, classes=4))


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
    with pytest.raises(JobError, match="Is a directory"):
        score_file(tmp_path, BOARD, None)
    with pytest.raises(JobError, match="did you mean 'nucleo-l432kc'"):
        score_file(model, "nucleo-l432k", None)


def test_the_text_says_what_is_estimated(model: Path, tmp_path: Path) -> None:
    """Fits or not on the first line, exact bytes as such, estimates as such, a line per operator."""
    lines = score_text(score_file(model, BOARD, None)).splitlines()
    assert lines[0] == f"{model} on {BOARD}: fits"
    assert f"model {model.stat().st_size} B (exact)" in lines[1]
    assert all("(est." in line for line in lines[1:4])
    assert [line.split()[1] for line in lines[-2:]] == ["FULLY_CONNECTED", "SOFTMAX"]
    refused = score_text(score_file(model, board_file(tmp_path, flash_bytes=20_000), None)).splitlines()
    assert refused[0].endswith("on own-board: does not fit")
    assert refused[1].startswith("  over by flash")
