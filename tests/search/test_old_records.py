"""Run folders of earlier versions."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search import codec
from search.csv_out import csv_text
from search.document import as_document, show_document
from search.errors import JobError, StorageError
from search.front import pick
from search.job import Job
from search.loop import replayed
from search.metrics.measurement import Measurement
from search.plots import plot
from search.problem import resolve
from search.record import TrialRecord
from search.store import FrontFile, RunFolder
from search.summary import Summary, summarize
from search.text import table
from search.trial_text import show
from spaces.compression import plan_parameters
from tests.search.records import BUDGET, a_run, make_record


def old_record() -> dict[str, Any]:
    """A record as it was written before a score had several metrics."""
    document: dict[str, Any] = codec.unstructure(make_record(3, correct=300))
    del document["score"]["metrics"]
    document["score"]["accuracy"] = {"correct": 300, "n": 360}
    return document


def written(run: RunFolder, document: object) -> None:
    file = run.trial_folder(3) / "record.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document))


def test_a_trial_from_before_bands_could_be_kept_is_drawn_again(tmp_path: Path) -> None:
    """Its network averaged all positions; one that kept its bands still does."""
    file = tmp_path / "spectra.npz"
    x = np.random.default_rng(0).normal(size=(30, 20, 8, 1)).astype(np.float32)
    np.savez(file, x_train=x, y_train=np.arange(30) % 3)
    problem = resolve(Job(data=str(file), device="nucleo-l432kc", trials=1, space=("ds_cnn",)))
    anchor = dict(problem.spaces[0].anchors((20, 8, 1))[-1])
    recipe = {"recipe/batch_size#": 0, "recipe/learning_rate": 1e-2, "recipe/shift": 0}
    drawn = {**anchor, **plan_parameters(problem.compressors, strongest=False), **recipe}
    kept = replayed(replace(make_record(0), drawn=drawn), problem)
    del drawn["ds_cnn/keeps_bands"]
    averaged = replayed(replace(make_record(0), drawn=drawn), problem)
    assert kept.architecture.as_mapping()["ds_cnn/keeps_bands"] is True
    assert averaged.architecture.as_mapping()["ds_cnn/keeps_bands"] is False


def test_an_old_record_reads_as_a_new_one(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    written(run, old_record())
    assert run.record(3) == make_record(3, correct=300)


def test_a_rejected_trial_needs_no_upgrade(tmp_path: Path) -> None:
    run, record = RunFolder(tmp_path), make_record(3, correct=None)
    written(run, codec.unstructure(record))
    assert run.record(3) == record


@pytest.mark.parametrize("share", [{"correct": 400, "n": 360}, {"correct": "300", "n": 360}, 0.8, None])
def test_a_damaged_old_record_is_refused(tmp_path: Path, share: object) -> None:
    run, document = RunFolder(tmp_path), old_record()
    document["score"]["accuracy"] = share
    written(run, document)
    with pytest.raises(StorageError, match="is damaged"):
        run.record(3)


def test_an_old_front_reads_as_a_new_one(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    document = {"trials": [7], "test": {"7": {"correct": 9, "n": 10}}, "data_digest": "d"}
    (tmp_path / "front.json").write_text(json.dumps(document))
    found = {"7": {"accuracy": Measurement.share(9, 10)}}
    assert run.front() == FrontFile(trials=(7,), test=found, data_digest="d")
    run.write_front(FrontFile(trials=(7,), test=found, data_digest="d"))
    assert run.test_scores() == {7: found["7"]}


LOSS = Measurement(value=0.25, n=360, low=0.125, high=0.5)


def with_loss(record: TrialRecord) -> TrialRecord:
    """The record of a trial that was scored when there was a log loss."""
    assert record.score is not None
    return replace(record, score=replace(record.score, metrics={**record.score.metrics, "log_loss": LOSS}))


def gone_on() -> tuple[list[TrialRecord], Summary]:
    """A run whose trials 0 and 3 were scored after it was resumed, the others before there was a log loss."""
    records = [with_loss(each) if each.trial in (0, 3) else each for each in a_run()]
    test = {
        0: {"accuracy": Measurement.share(280, 350), "log_loss": LOSS},
        1: {"accuracy": Measurement.share(331, 350)},
    }
    objectives = ("accuracy", "flash_bytes", "ram_bytes", "latency_ms")
    made = summarize(
        run="old", device="nucleo-l432kc", objectives=objectives, budget=BUDGET, records=records, test=test
    )
    return records, made


def test_a_run_goes_on_with_more_metrics_than_it_began_with(tmp_path: Path) -> None:
    """Table, plot and page show what there is; in JSON and CSV what a trial was not scored by is null or empty."""
    records, summary = gone_on()
    assert summary.metrics == ("accuracy", "log_loss")
    assert [point.trial for point in summary.front] == [0, 1, 2]
    assert "not on the front" in table(summary, all_trials=True)
    for name in ("front.svg", "front.html"):
        plot(summary, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 0
    trials = as_document(summary, all_trials=True)["trials"]
    assert [each["log_loss"] for each in trials] == [0.25, None, None, 0.25, None, None, None, None]
    assert trials[1]["log_loss_low"] is None
    for all_trials in (False, True):
        rows = list(csv.DictReader(io.StringIO(csv_text(summary, all_trials=all_trials))))
        assert [row["log_loss"] for row in rows[:2]] == ["0.25", ""]
        assert [row["test_log_loss"] for row in rows[:2]] == ["0.25", ""]
    for record in records:
        assert show_document(record, on_front=False, metrics=summary.metrics)["trial"] == record.trial
        assert f"trial {record.trial} on" in show(record, device="x", budget=BUDGET, on_front=False, test={})


def test_nothing_is_picked_by_what_a_trial_lacks() -> None:
    records, _ = gone_on()
    with pytest.raises(JobError, match=r"trials have no log_loss: .*accuracy"):
        pick(records[:2], "log_loss")
    assert pick([records[0], records[3]], "log_loss").trial == 0
