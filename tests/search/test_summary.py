"""A summary counts right."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from devices.footprint import Budget
from search.front import hypervolume, reference_point
from search.record import TrialRecord
from search.summary import Summary, staircase, summarize

MakeRecord = Callable[..., TrialRecord]


def test_the_counts(summary: Summary, run: list[TrialRecord], budget: Budget) -> None:
    """Eight trials of every kind, each counted once."""
    assert (summary.n_trials, summary.n_trained, summary.n_feasible) == (8, 5, 4)
    assert (summary.n_rejected, summary.n_failed) == (2, 1)
    assert summary.rejections == {"duplicate of trial #": 1, "flash over the limit": 1}
    assert summary.failures == {"the loss is NaN after epoch #": 1}
    assert [point.trial for point in summary.front] == [0, 1, 2]
    assert [row.trial for row in summary.trials if row.on_front] == [0, 1, 2]
    assert summary.knee == 1
    assert summary.nearest_miss is None
    assert summary.hypervolume == hypervolume(run, summary.objectives, reference_point(budget)) > 0


def test_causes_are_counted_together(record: MakeRecord, budget: Budget) -> None:
    """Reasons that differ only in their numbers are one cause; the most frequent comes first."""
    records = [record(trial, correct=None, reason=f"duplicate of trial {trial + 1}") for trial in range(3)]
    records += [record(3, correct=None, model_bytes=90_000, latency_ms=50.0), record(4, correct=None)]
    made = summarize(run="r", device="d", objectives=("accuracy",), budget=budget, records=records, test={})
    assert list(made.rejections.items()) == [
        ("duplicate of trial #", 3),
        ("flash and latency over the limit", 1),
        ("no reason given", 1),
    ]


def test_where_the_seconds_went(summary: Summary) -> None:
    """Five trained trials of 1 s beside training, four trained for 4 s and one reused weights."""
    spent = summary.spent
    assert spent is not None
    assert spent.median_total == pytest.approx(5.0)
    assert spent.median["train"] == 4.0
    assert spent.share["train"] == pytest.approx(16 / 21)
    assert sum(spent.share.values()) == pytest.approx(1.0)
    assert spent.from_cache == 1


def test_the_staircase_of_one_cost(summary: Summary, record: MakeRecord, budget: Budget) -> None:
    """Only points that beat every cheaper one in accuracy: the front of four objectives holds others."""
    assert [point.trial for point in staircase(summary.front, "flash_bytes")] == [0, 1, 2]
    records = [
        record(0, correct=300, model_bytes=10_000, latency_ms=9.0),
        record(1, correct=290, model_bytes=20_000, latency_ms=2.0),
        record(2, correct=310, model_bytes=30_000, latency_ms=20.0),
    ]
    made = summarize(
        run="r",
        device="d",
        objectives=("accuracy", "flash_bytes", "latency_ms"),
        budget=budget,
        records=records,
        test={},
    )
    assert len(made.front) == 3
    assert [point.trial for point in staircase(made.front, "flash_bytes")] == [0, 2]
    assert [point.trial for point in staircase(made.front, "latency_ms")] == [1, 0, 2]


def test_only_the_objectives_stand_in_the_reference(run: list[TrialRecord], budget: Budget) -> None:
    """The reference point names what the hypervolume was taken over, and nothing else."""
    made = summarize(run="r", device="d", objectives=("accuracy", "ram_bytes"), budget=budget, records=run, test={})
    assert made.reference_point == {"accuracy": 0.0, "ram_bytes": 50_000.0}


def test_reading_needs_no_framework_and_no_plotting() -> None:
    """The readers' modules load no framework, nor matplotlib, moocore or numpy until they are asked to work."""
    code = (
        "import sys\n"
        "import search.csv_out, search.document, search.front, search.page, search.plots, search.status_text\n"
        "import search.summary, search.text, search.trial_text\n"
        "heavy = {'tensorflow', 'tf_keras', 'keras', 'autokeras', 'optuna', 'matplotlib', 'moocore', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
