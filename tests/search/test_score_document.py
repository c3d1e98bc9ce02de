"""The JSON of ``score``: keys that scripts rely on, and figures that add up."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.boards import load_device
from devices.latency import INTERPRETER_INSTRUCTIONS, timing_of
from devices.measure import measure
from devices.slim import slim
from search.score_document import score_document
from search.scoring import score_file
from tests.search.scores import BOARD, KEYS, OPERATOR_KEYS, dense_file


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return dense_file(tmp_path)


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
    assert document["arena_bytes"] == document["activation_bytes"] + document["bookkeeping_bytes"]
    assert document["ram_bytes"] == max(document["arena_bytes"], document["setup_bytes"]) + document["static_ram_bytes"]
    assert document["slimmed_bytes"] == len(slim(model.read_bytes())) < document["model_bytes"]
    assert (document["core"], document["runtime"], document["kernels"]) == ("cortex-m4", "tflm", "cmsis-nn")
    assert document["latency_source"] == timing_of(load_device(BOARD)).source != ""


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
