"""Before and after: what stands in the table and in the JSON, whatever is missing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from devices.artifact import Target
from search.compress_report import Report, Row, pruning_text, report_document, report_text
from search.metrics.catalog import find_metric
from search.metrics.measurement import Measurement
from search.pruning_trial import PruningFacts
from search.record import InterpreterName, Score
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
        metric="accuracy",
        float_metrics={"accuracy": Measurement.share(330, 360)},
        rows=(
            Row(name="float32", score=None, reason="its process was killed 3 times"),
            Row(name="int8", score=score(20_000, 329), reason="not run on the test split: took longer than 9 s"),
            Row(name="compressed", score=small, test={"accuracy": Measurement.share(318, 350)}),
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


ACCURACY = find_metric("accuracy")
FACTS = PruningFacts(floor=0.9, share=0.25, failed=0.5, tried=((0.5, 0.8), (0.25, 0.91)), evaluations=3)


def test_how_far_it_was_pruned(report: Report) -> None:
    """The share, the least that failed, and the number of evaluations, in words and in JSON."""
    assert pruning_text(FACTS, ACCURACY) == (
        "pruned by 25 % of every group of channels, 50 % was the least that lost too much; "
        "3 networks evaluated for an accuracy of at least 90 %"
    )
    assert "no share lost too much" in pruning_text(replace(FACTS, failed=None), ACCURACY)
    document = report_document(replace(report, pruning=FACTS))
    assert document["pruning"]["tried"] == [{"share": 0.5, "accuracy": 0.8}, {"share": 0.25, "accuracy": 0.91}]
    assert pruning_text(FACTS, ACCURACY) in report_text(replace(report, pruning=FACTS))


def of_values(value: float) -> dict[str, Measurement]:
    """Errors around `value`, and an R2."""
    return {
        "rmse": Measurement(value=value, n=88, low=value - 5, high=value + 5),
        "mae": Measurement(value=value - 9, n=88, low=value - 14, high=value - 4),
        "r2": Measurement(value=0.5, n=88, low=-0.1, high=0.625),
    }


@pytest.fixture
def predicting(report: Report) -> Report:
    """The same of a network that predicts values."""
    rows = tuple(
        replace(
            row,
            score=None if row.score is None else replace(row.score, metrics=of_values(50.0)),
            test=None if row.test is None else of_values(60.0),
        )
        for row in report.rows
    )
    targets = (Target(name="yield", mean=150.0, deviation=77.5),)
    return replace(report, metric="rmse", float_metrics=of_values(48.0), rows=rows, targets=targets, pruning=FACTS)


def test_values_are_judged_in_their_unit(predicting: Report) -> None:
    """The objective in the table, the other metrics of the compressed file below it, and what makes outputs values."""
    lines = report_text(predicting).splitlines()
    assert lines[2].split()[:4] == ["val.", "RMSE", "test", "RMSE"]
    assert lines[3].split()[:4] == ["(95", "%)", "(95", "%)"]
    assert " ".join(lines[5].split()[:5]) == "compressed 50.0 (45.0-55.0) 60.0 (55.0-65.0)"
    assert "also of compressed, validation: MAE 41.0 (36.0-46.0), R2 0.500 (-0.100 to 0.625)" in lines
    assert "also of compressed, test: MAE 51.0 (46.0-56.0), R2 0.500 (-0.100 to 0.625)" in lines
    assert "outputs: yield = output x 77.5 + 150" in lines
    assert lines[10].endswith("3 networks evaluated for an R2 of at least 0.9")
    assert lines[-1].startswith("RMSE in the target's unit: of the model file, run by the device's interpreter; valid")


@pytest.mark.parametrize(
    ("metric", "targets", "words"),
    [("r2", 1, "R2: of"), ("mae", 2, "MAE, the mean over the targets in their units: of")],
)
def test_units_are_said_where_there_are_some(predicting: Report, metric: str, targets: int, words: str) -> None:
    """R2 has none, and the mean of several is of several."""
    other = replace(predicting, metric=metric, targets=targets * predicting.targets)
    assert report_text(other).splitlines()[-1].startswith(words)


def test_the_document_of_values(predicting: Report) -> None:
    """Every metric under its name, of the float network, each file, and the test split; no accuracy anywhere."""
    document = json.loads(json.dumps(report_document(predicting), allow_nan=False))
    small = document["rows"][-1]
    assert (document["metric"], document["float_rmse"], document["float_r2_low"]) == ("rmse", 48.0, -0.1)
    assert (small["rmse"], small["mae_n"], small["r2"]) == (50.0, 88, 0.5)
    assert (small["test_rmse"], small["test_rmse_high"], small["test_mae"]) == (60.0, 65.0, 51.0)
    assert document["targets"] == [{"name": "yield", "mean": 150.0, "deviation": 77.5}]
    assert document["pruning"]["tried"][0] == {"share": 0.5, "r2": 0.8}
    assert "accuracy" not in json.dumps(document)


def test_an_anomaly_detector_has_its_threshold(report: Report) -> None:
    """In the document of each file, and below the table of the compressed one."""
    area = {"roc_auc": Measurement(value=0.9, n=50, low=0.8, high=0.95)}
    rows = tuple(
        replace(
            row,
            score=None if row.score is None else replace(row.score, metrics=area, threshold=0.25 + index),
            test=None,
        )
        for index, row in enumerate(report.rows)
    )
    strange = replace(report, metric="roc_auc", float_metrics=area, rows=rows)
    assert [row.get("threshold") for row in report_document(strange)["rows"]] == [None, 1.25, 2.25]
    assert "mean squared difference to its output is above 2.25 (chosen on validation)" in report_text(strange)
    assert report_text(strange).splitlines()[-1].startswith("ROC AUC: of the model file")
    assert "threshold" not in json.dumps(report_document(report))
    assert "targets" not in report_document(report)
