"""One trial, told in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from devices.footprint import Budget
from search.metrics.measurement import Measurement
from search.record import TrialRecord
from search.trial_text import show


def shown(
    record: TrialRecord, budget: Budget, test: Mapping[str, Measurement] | None = None, *, on_front: bool = False
) -> str:
    return show(record, device="nucleo-l432kc", budget=budget, on_front=on_front, test=test)


def test_a_scored_trial(run: list[TrialRecord], budget: Budget) -> None:
    """Verdict, accuracies with n, the file, its cost beside prediction and limit, what was drawn, the seconds."""
    text = shown(run[1], budget, {"accuracy": Measurement.share(331, 350)}, on_front=True)
    assert text.startswith("trial 1 on nucleo-l432kc: trained, on the front\n")
    assert "validation accuracy  94.4 (91.6-96.4) %, n = 360, 95 % interval; the search chose by it" in text
    assert "test accuracy        94.6 (91.7-96.5) %, n = 350" in text
    assert "trials/0001/model.tflite, sha256 000" in text
    (flash,) = [line for line in text.splitlines() if line.startswith("flash (est.)")]
    assert flash.split() == ["flash", "(est.)", "50.0", "kB", "50.0", "kB", "100.0", "kB"]
    assert "instructions (est.)" in text
    assert "not measured" in text
    assert "ds_cnn/width" in text
    assert "structured_pruning       filters 0.5" in text
    assert "seconds: 5.0 s (draw 10 ms, screen 90 ms, train 4.0 s, convert 0.6 s, score 0.3 s)" in text


def test_what_is_not_known_is_said(run: list[TrialRecord], budget: Budget) -> None:
    """An unopened test split, an interpreter that is not the device's, a trial over its limits."""
    assert "not opened for this trial" in shown(run[2], budget)
    assert "by LiteRT; the device's outputs may differ" in shown(run[2], budget)
    assert shown(run[4], budget).startswith(
        "trial 4 on nucleo-l432kc: trained, over by flash 5.0 kB, latency 1.00 ms\n"
    )
    assert "dominated" in shown(run[3], budget)


def test_a_rejected_trial(run: list[TrialRecord], budget: Budget) -> None:
    """Its reason and its prediction stand; it has no accuracy, and none is shown."""
    text = shown(run[5], budget)
    assert text.startswith("trial 5 on nucleo-l432kc: rejected: flash 120000 B is over the limit of 100000 B\n")
    assert "predicted" in text
    assert "measured  " not in text
    assert "accuracy" not in text
    assert "could not be built" in shown(replace(run[5], predicted=None), budget)


def test_a_coded_model(run: list[TrialRecord], budget: Budget) -> None:
    """The package stands below the file it replaces, the unpacked model below the RAM it takes; else neither."""
    score = run[1].score
    assert score is not None
    record = replace(run[1], score=replace(score, footprint=replace(score.footprint, stored_bytes=7_000)))
    text = shown(record, budget)
    (package,) = [line for line in text.splitlines() if "package" in line]
    assert "7.0 kB" in package
    assert "unpacked model" in text
    assert "unpacked model" not in shown(run[1], budget)


def test_what_techniques_said_is_shown(run: list[TrialRecord], budget: Budget) -> None:
    text = shown(replace(run[1], notes=("clustering leaves as they are: d1: \x1b[2Jtoo small",)), budget)
    assert "  clustering leaves as they are: d1: ?[2Jtoo small\n" in text
