"""What a person sees of a running search: a line a trial, and the best points now and then."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from search.progress import Progress
from search.store import create_run
from tests.search.records import make_record
from tests.search.runs import JOB


def test_a_new_run_is_named(tmp_path: Path) -> None:
    """The first line is the run and its folder; earlier trials are mentioned only where there are some."""
    run = create_run(tmp_path, JOB)
    stream = io.StringIO()
    Progress(stream).begin(run)
    assert stream.getvalue() == f"run first in {tmp_path / 'first'}\n"
    for trial in (0, 1):
        run.write_trial(make_record(trial, correct=None), None)
    stream = io.StringIO()
    Progress(stream).begin(run)
    assert stream.getvalue() == f"run first in {tmp_path / 'first'}, 2 trials told before\n"


def test_a_line_a_trial(tmp_path: Path) -> None:
    """Each trial has one line that says whether it joined the front of all trials, told earlier ones included."""
    run = create_run(tmp_path, JOB)
    run.write_trial(make_record(0, correct=340), b"model")
    stream = io.StringIO()
    progress = Progress(stream)
    progress.begin(run)
    stream.truncate(0)
    stream.seek(0)
    progress.told(run, make_record(1, correct=300))  # dominated by the earlier trial
    progress.told(run, make_record(2, correct=350))
    progress.told(run, make_record(3, correct=None, reason="same candidate as trial 2"))
    lines = stream.getvalue().splitlines()
    assert [line.split()[:2] for line in lines] == [["#0001", "trained"], ["#0002", "front"], ["#0003", "rejected"]]
    assert "97.2 %" in lines[1]
    assert lines[2].endswith("same candidate as trial 2")


def test_the_best_points_come_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before the interval is over; then once, after the trial's own line, and the interval begins anew."""
    now = [100.0]
    monkeypatch.setattr("search.progress.time.monotonic", lambda: now[0])
    run = create_run(tmp_path, JOB)
    stream = io.StringIO()
    progress = Progress(stream)
    progress.told(run, make_record(0))
    assert "best so far" not in stream.getvalue()
    now[0] += 31.0
    progress.told(run, make_record(1, correct=320))
    progress.told(run, make_record(2, correct=330))
    lines = stream.getvalue().splitlines()
    assert [line for line in lines if line.startswith("best so far")] == [lines[2]]
    assert "1 trial on the front" in lines[2]
    assert lines[3].startswith("  #0001")


def test_a_reader_that_left_does_not_end_the_search(tmp_path: Path) -> None:
    """A closed terminal takes no lines; everything else goes on."""
    reading, writing = os.pipe()
    os.close(reading)
    run = create_run(tmp_path, JOB)
    with os.fdopen(writing, "wb", buffering=0) as raw:
        progress = Progress(io.TextIOWrapper(raw, write_through=True))
        with pytest.raises(BrokenPipeError):
            raw.write(b"x")
        progress.begin(run)
        progress.told(run, make_record(0))
        progress.say("searched")
