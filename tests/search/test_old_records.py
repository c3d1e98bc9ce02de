"""Run folders of earlier versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from search import codec
from search.errors import StorageError
from search.metrics.measurement import Measurement
from search.store import FrontFile, RunFolder
from tests.search.records import make_record


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
