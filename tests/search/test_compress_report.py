"""Before and after: what stands in the table and in the JSON, whatever is missing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from search.compress_report import Report, Row, pruning_text, report_document, report_text
from search.metrics.measurement import Measurement
from search.pruning_trial import PruningFacts
from search.record import InterpreterName, Proportion, Score
from tests.search.records import BUDGET, make_record


def score(model_bytes: int, correct: int) -> Score:
    found = make_record(0, model_bytes=model_bytes, correct=correct).score
    assert found is not None
    return replace(found, download_bytes=model_bytes - 500)


@pytest.fixture
def report() -> Report:
    small = score(9_000, 320)
    return Report(
        model="mine.keras",
        data="digits",
        device="nucleo-l432kc",
        float_accuracy=Proportion(correct=330, n=360),
        rows=(
            Row(name="float32", score=None, reason="its process was killed 3 times"),
            Row(name="int8", score=score(20_000, 329), reason="not run on the test split: took longer than 9 s"),
            Row(name="compressed", score=small, test=Measurement.share(318, 350)),
        ),
        compression={"structured_pruning": {"filters": 0.5}, "quantization": {"weight_bits": 8}},
        excess=dict(small.footprint.excess_over(BUDGET)),
        notes=("a softmax was put behind them",),
    )


def test_the_table(report: Report) -> None:
    """A line a file, reasons for what is missing, then techniques, notes and sizes of the samples."""
    lines = report_text(report).splitlines()
    assert lines[0] == "mine.keras on nucleo-l432kc: fits"
    assert " ".join(lines[4].split()) == "int8 91.4 (88.0-93.9) - 20.0 19.5 50.0 7.0 10.0 (9.00-12.0) 5000"
    assert " ".join(lines[5].split()[:6]) == "compressed 88.9 (85.2-91.7) 90.9 (87.4-93.4) 9.0"
    assert lines[6:8] == [
        "float32: its process was killed 3 times",
        "int8: not run on the test split: took longer than 9 s",
    ]
    assert lines[9] == "compressed by: structured_pruning (filters 0.5); quantization (weight_bits 8)"
    assert lines[10] == "a softmax was put behind them"
    assert lines[-1].endswith("run by the device's interpreter; validation n = 360, test n = 350; 1 kB = 1000 bytes")


@pytest.mark.parametrize(
    ("interpreter", "words"),
    [
        ("tflm", "by the device's interpreter;"),
        ("litert", "by LiteRT, the device's outputs may differ;"),
        ("xnnpack", "by LiteRT with XNNPACK, which the device runs;"),
    ],
)
def test_every_interpreter_has_words(report: Report, interpreter: InterpreterName, words: str) -> None:
    """On a Linux board too, whose files LiteRT runs with XNNPACK."""
    rows = tuple(
        row if row.score is None else replace(row, score=replace(row.score, interpreter=interpreter))
        for row in report.rows
    )
    assert f"run {words}" in report_text(replace(report, rows=rows)).splitlines()[-1]


def test_what_does_not_fit_is_said(report: Report) -> None:
    """By limit and bytes."""
    over = replace(report, excess={"flash_bytes": 12.0, "ram_bytes": -3.0})
    assert report_text(over).splitlines()[0].endswith("does not fit: over by flash_bytes by 12")
    assert (report.fits, over.fits) == (True, False)
    assert report_document(over)["fits"] is False


def test_the_document(report: Report) -> None:
    """Plain JSON: shares with their intervals, every figure in bytes, nothing invented for what is missing."""
    document = json.loads(json.dumps(report_document(report), allow_nan=False))
    floats, plain, small = document["rows"]
    assert floats == {"name": "float32", "reason": "its process was killed 3 times"}
    assert "test_accuracy" not in plain
    assert plain["reason"].startswith("not run on the test split")
    assert "reason" not in small
    assert (small["model_bytes"], small["download_bytes"], small["test_accuracy_n"]) == (9_000, 8_500, 350)
    assert document["float_accuracy"] == pytest.approx(330 / 360)
    assert document["pruning"] is None


FACTS = PruningFacts(floor=0.9, share=0.25, failed=0.5, tried=((0.5, 0.8), (0.25, 0.91)), evaluations=3)


def test_how_far_it_was_pruned(report: Report) -> None:
    """The share, the least that failed, and the number of evaluations, in words and in JSON."""
    assert pruning_text(FACTS) == (
        "pruned by 25 % of every group of channels, 50 % was the least that lost too much; "
        "3 networks evaluated for an accuracy of at least 90 %"
    )
    assert "no share lost too much" in pruning_text(replace(FACTS, failed=None))
    document = report_document(replace(report, pruning=FACTS))
    assert document["pruning"]["tried"] == [{"share": 0.5, "accuracy": 0.8}, {"share": 0.25, "accuracy": 0.91}]
    assert pruning_text(FACTS) in report_text(replace(report, pruning=FACTS))
