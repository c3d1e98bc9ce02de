"""A run is read as it stands, on its own board or on another, without being changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from devices.boards import load_device
from devices.coding.package import pack
from devices.coding.stored import coded
from devices.frontend.table_encoding import ColumnEncoding, TableEncoding
from devices.measure import measure
from search.boards import find_device
from search.datasets.load import read, save
from search.errors import JobError, StorageError
from search.job import Limits
from search.metrics.measurement import Measurement
from search.show import budget_and_device, progress_of, summary_of, summary_with
from search.store import FrontFile, RunFolder
from tests.devices.models import dense_softmax
from tests.search.records import make_record
from tests.search.runs import JOB, board_file, real_run


def test_a_run_on_its_own_board_is_its_records(tmp_path: Path) -> None:
    """Figures are the recorded ones, the budget is the job's, the test split's score is there once it was opened."""
    run = real_run(tmp_path, replace(JOB, budget=Limits(flash_bytes=200_000)))
    run.write_front(FrontFile(trials=(0,), test={"0": {"accuracy": Measurement.share(7, 10)}}, data_digest="d"))
    summary = summary_of(run)
    assert (summary.run, summary.device, summary.budget.flash_bytes) == ("first", "nucleo-l432kc", 200_000)
    assert (summary.n_trained, summary.n_rejected) == (1, 1)
    (point,) = summary.front
    record = run.record(0)
    assert record is not None
    assert record.score is not None
    assert point.footprint == record.score.footprint
    assert point.test_metrics == {"accuracy": Measurement.share(7, 10)}


def test_another_board_measures_the_files_anew(tmp_path: Path) -> None:
    """The file's cost on the other board replaces the record's; accuracy and bytes stay; nothing is written."""
    run = real_run(tmp_path)
    before = {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()}
    own = board_file(tmp_path, clock_hz=1_000_000)
    (here,), (there,) = summary_of(run).front, summary_of(run, own).front
    assert there.footprint == measure(dense_softmax(), find_device(own))[0]
    assert there.footprint.latency_ms == pytest.approx(80 * here.footprint.latency_ms, rel=0.2)
    assert (there.metrics, there.sha256) == (here.metrics, here.sha256)
    assert {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()} == before


def test_another_boards_memory_is_the_limit(tmp_path: Path) -> None:
    """On a board that is too small nothing is feasible, by exactly what is missing; the rejected trial stays so."""
    run = real_run(tmp_path, replace(JOB, budget=Limits(flash_bytes=200_000, latency_ms=9.0)))
    summary = summary_of(run, board_file(tmp_path, flash_bytes=20_000))
    assert (summary.budget.flash_bytes, summary.budget.ram_bytes, summary.budget.latency_ms) == (20_000, 1 << 18, 9.0)
    assert (summary.front, summary.nearest_miss) == ((), 0)
    scored, rejected = summary.trials
    assert scored.footprint is not None
    assert scored.excess["flash_bytes"] == scored.footprint.flash_bytes - 20_000 > 0
    assert rejected.state == "rejected"
    assert rejected.footprint is None  # it was predicted for the run's own board


def test_naming_the_runs_own_board_keeps_the_jobs_limits(tmp_path: Path) -> None:
    """``--device`` with the run's board changes nothing: the job's budget is not dropped."""
    run = real_run(tmp_path, replace(JOB, budget=Limits(flash_bytes=200_000, ram_bytes=30_000)))
    assert budget_and_device(run, "nucleo-l432kc") == budget_and_device(run)
    assert budget_and_device(run)[0].flash_bytes == 200_000
    assert budget_and_device(run, "nucleo-h743zi")[0].ram_bytes == load_device("nucleo-h743zi").ram_bytes


def test_a_model_that_was_changed_is_not_costed(tmp_path: Path) -> None:
    """On another board the file is read, so a file that is not the recorded one is noticed."""
    run = real_run(tmp_path)
    run.artifact_file(0).write_bytes(dense_softmax() + b"\0")
    with pytest.raises(StorageError, match="SHA-256 differs"):
        summary_of(run, board_file(tmp_path))
    with pytest.raises(JobError, match="no device"):
        summary_of(run, "nucleo-l432k")


def test_a_summary_of_given_records(tmp_path: Path) -> None:
    """The records given count, not those on the disk."""
    run = real_run(tmp_path)
    assert summary_with(run, [make_record(4, model_bytes=1_000)]).n_trials == 1


def test_how_far_a_run_is(tmp_path: Path) -> None:
    """Running while it is locked, finished after its last event, interrupted in between; seconds add up."""
    run = real_run(tmp_path, replace(JOB, minutes=3.0))
    assert progress_of(run).state == "interrupted"
    run.log("started", elapsed=1.0)
    run.log("finished", elapsed=9.5)
    progress = progress_of(run)
    assert (progress.state, progress.trials, progress.minutes, progress.elapsed_seconds) == ("finished", 3, 3.0, 9.5)
    with run.locked():
        assert progress_of(RunFolder(run.path)).state == "running"
    run.log("started", elapsed=9.6)
    run.log("told", trial=0, elapsed=11.0)
    assert (progress_of(run).state, progress_of(run).elapsed_seconds) == ("interrupted", 11.0)


def test_what_is_before_the_network_is_costed_anew(tmp_path: Path) -> None:
    """Where the record counts it: runs of tables of earlier versions did not, and stay comparable with themselves."""
    run, own = real_run(tmp_path), board_file(tmp_path)
    table = TableEncoding(columns=tuple(ColumnEncoding(name=f"n {index}", kind="number") for index in range(12)))
    save(replace(read(run.data_file), table=table), run.data_file)
    record, plain = run.record(0), measure(dense_softmax(), find_device(own))[0]
    assert record is not None
    assert record.score is not None
    assert summary_of(run, own).front[0].footprint == plain
    counted = replace(record.score.footprint, frontend_flash_bytes=1)
    run.write_trial(replace(record, score=replace(record.score, footprint=counted)), None)
    assert summary_of(run, own).front[0].footprint == table.cost(find_device(own)).added_to(plain)


def test_a_record_that_counts_what_the_data_do_not_have(tmp_path: Path) -> None:
    run = real_run(tmp_path)
    record = run.record(0)
    assert record is not None
    assert record.score is not None
    counted = replace(record.score.footprint, frontend_flash_bytes=1)
    run.write_trial(replace(record, score=replace(record.score, footprint=counted)), None)
    with pytest.raises(StorageError, match="has no table or front-end, and the run's records count one"):
        summary_of(run, board_file(tmp_path))


def test_a_coded_model_is_costed_as_its_package(tmp_path: Path) -> None:
    """The record's plan is enough to know it; a board that cannot unpack it fails the trial with the reason."""
    run = real_run(tmp_path)
    record = run.record(0)
    assert record is not None
    coded_record = replace(record, compression={"quantization": {}, "huffman_coding": {"decode_at_start": True}})
    run.write_trial(coded_record, dense_softmax())
    own = board_file(tmp_path)
    (point,) = summary_of(run, own).front
    plain, package = measure(dense_softmax(), find_device(own))[0], pack(dense_softmax())
    assert point.footprint == coded(plain, len(package), find_device(own))
    (scored, _) = summary_of(run, "raspberry-pi-4b").trials
    assert scored.state == "failed"
    assert "raspberry-pi-4b cannot unpack a Huffman-coded model" in scored.reason
