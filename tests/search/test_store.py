"""A run folder keeps what it is given and says what is damaged."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest

from search import codec
from search.choices import Choices
from search.errors import JobError, StorageError
from search.job import Job
from search.metrics.measurement import Measurement
from search.store import FrontFile, RunFolder, create_run, find_run
from tests.search.records import make_record

JOB = Job(data="digits", device="nucleo-l432kc", trials=3, name="first")


def test_job_and_records_survive(tmp_path: Path) -> None:
    """What is written is read back, in order of trial."""
    run = create_run(tmp_path, JOB)
    content = b"model"
    records = [make_record(number, sha256=hashlib.sha256(content).hexdigest()) for number in (11, 2)]
    for record in records:
        run.write_trial(record, content)
    assert find_run(tmp_path, "first").job() == JOB
    assert run.records() == tuple(sorted(records, key=lambda record: record.trial))
    assert run.artifact(records[0]) == content


def test_a_changed_model_is_noticed(tmp_path: Path) -> None:
    """A file that is not the recorded one is never passed off as it."""
    run = create_run(tmp_path, JOB)
    record = make_record(0, sha256=hashlib.sha256(b"model").hexdigest())
    run.write_trial(record, b"modem")
    with pytest.raises(StorageError, match="SHA-256 differs"):
        run.artifact(record)


def test_damage_is_named(tmp_path: Path) -> None:
    """A torn record or job says which file is damaged."""
    run = create_run(tmp_path, JOB)
    run.write_trial(make_record(0), b"x")
    (run.trial_folder(0) / "record.json").write_text("{")
    with pytest.raises(StorageError, match=r"record\.json is damaged"):
        run.records()
    (run.path / "job.yaml").write_text("data: 3")
    with pytest.raises(StorageError, match=r"job\.yaml is damaged"):
        run.job()
    (run.path / "front.json").write_text("[]")
    with pytest.raises(StorageError, match=r"front\.json is damaged"):
        run.front()


def test_the_same_name_with_another_search_is_refused(tmp_path: Path) -> None:
    """A longer search continues, another one does not overwrite."""
    create_run(tmp_path, JOB)
    create_run(tmp_path, dataclasses.replace(JOB, trials=9))
    with pytest.raises(JobError, match="exists with another seed"):
        create_run(tmp_path, dataclasses.replace(JOB, seed=1))


def test_unknown_runs_get_a_guess(tmp_path: Path) -> None:
    """A misspelt run is guessed; where there are none, the way to one is told."""
    with pytest.raises(JobError, match="no runs yet"):
        find_run(tmp_path, "fist")
    create_run(tmp_path, JOB)
    with pytest.raises(JobError, match="did you mean 'first'"):
        find_run(tmp_path, "fist")
    with pytest.raises(JobError, match="no run"):
        find_run(tmp_path, "../first")


def test_one_coordinator_at_a_time(tmp_path: Path) -> None:
    """A second search of the same run is told to wait."""
    run = create_run(tmp_path, JOB)
    assert not run.is_running()
    with run.locked():
        assert run.is_running()
        with pytest.raises(StorageError, match="searched by another process"), RunFolder(run.path).locked():
            pass
    assert not run.is_running()


def test_events_survive_a_torn_line(tmp_path: Path) -> None:
    """A kill in the middle of a line loses that line only, and time goes on from the last one."""
    run = create_run(tmp_path, JOB)
    run.log("started", elapsed=1.5)
    with (run.path / "events.jsonl").open("a") as stream:
        stream.write('{"event": "to')
    assert [event["event"] for event in run.events()] == ["started"]
    assert run.elapsed_seconds() == 1.5


def test_test_scores_are_numbered(tmp_path: Path) -> None:
    """Test scores are there once the front was tested."""
    run = create_run(tmp_path, JOB)
    assert run.test_scores() == {}
    run.write_front(FrontFile(trials=(7,), test={"7": {"accuracy": Measurement.share(9, 10)}}, data_digest="d"))
    assert run.test_scores() == {7: {"accuracy": Measurement.share(9, 10)}}


def test_an_unwritable_place_is_a_storage_error(tmp_path: Path) -> None:
    """A runs folder that is a file cannot hold runs."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be made"):
        create_run(tmp_path / "file", JOB)


CHOICES = Choices(
    spaces=("cnn", "mlp"),
    techniques={
        "clustering": {"clusters": (0, 64, 16), "per_channel": (True, False)},
        "quantization": {"granularity": ("channel", "tensor")},
    },
    interpreter="tflm",
)


def test_choices_are_kept_and_found_again(tmp_path: Path) -> None:
    run = create_run(tmp_path, JOB)
    run.keep_choices(CHOICES)
    run.write_trial(make_record(0), b"model")
    run.keep_choices(CHOICES)
    assert codec.from_json((run.path / "choices.json").read_bytes(), Choices) == CHOICES


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"interpreter": "litert"}, "its models were run by tflm, here they are by litert"),
        ({"encodes": True}, "what its candidates cost does not hold the encoding of the table, as it would now"),
        ({"spaces": ("mlp",)}, "it draws from spaces cnn, mlp, now there are mlp"),
        ({"techniques": {"quantization": {}}}, "it draws from clustering, quantization, now there are quantization"),
        (
            {"techniques": {**CHOICES.techniques, "clustering": {"clusters": (0, 64, 32, 16)}}},
            "the values that are drawn for clustering have changed",
        ),
    ],
)
def test_a_run_goes_on_as_it_began_or_not_at_all(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    """Another version or machine would read recorded indexes, or weigh accuracies, otherwise."""
    run = create_run(tmp_path, JOB)
    run.keep_choices(CHOICES)
    with pytest.raises(JobError, match=f"run 'first' cannot go on here: {words}; choose another --name"):
        run.keep_choices(dataclasses.replace(CHOICES, **change))


def test_a_run_from_before_choices_were_kept(tmp_path: Path) -> None:
    """Nobody knows what it drew from; without a trial there is nothing to mix."""
    run = create_run(tmp_path, JOB)
    run.write_trial(make_record(0), b"model")
    with pytest.raises(JobError, match="it was begun by an older version"):
        run.keep_choices(CHOICES)


def test_damaged_choices_are_named(tmp_path: Path) -> None:
    run = create_run(tmp_path, JOB)
    (run.path / "choices.json").write_text("{}")
    with pytest.raises(StorageError, match=r"choices\.json is damaged"):
        run.keep_choices(CHOICES)
