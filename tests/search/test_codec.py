"""Records survive JSON unchanged, and anything else is refused with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from search import codec
from search.job import Job
from search.record import TrialRecord
from tests.search.records import make_record


def test_records_survive_json() -> None:
    """What is written is what is read, and equal records are equal text."""
    record = make_record(3)
    text = codec.to_json(record)
    assert codec.from_json(text, TrialRecord) == record
    assert codec.to_json(codec.from_json(text, TrialRecord)) == text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"trial": "3"}, "trial: expected int, got '3'"),
        ({"trial": True}, "trial: expected int, got True"),
        ({"extra": 1}, "unknown key 'extra'"),
        ({"state": "done"}, "state: "),
        ({"score": None}, "has no score"),
        ({"drawn": {"a": [1]}}, "drawn"),
        ({"predicted": {"model_bytes": 1.5}}, "predicted.model_bytes: expected int, got 1.5"),
    ],
)
def test_other_documents_are_refused(change: dict[str, Any], sentence: str) -> None:
    """Wrong types are not converted, unknown keys are not dropped."""
    document = {**codec.unstructure(make_record(3)), **change}
    with pytest.raises(codec.CodecError) as caught:
        codec.from_json(json.dumps(document), TrialRecord)
    assert sentence in str(caught.value)


def test_a_missing_key_is_named() -> None:
    """A record without its key is not completed by guessing."""
    document = codec.unstructure(make_record(3))
    del document["key"]
    with pytest.raises(codec.CodecError, match="key"):
        codec.structure(document, TrialRecord)
    with pytest.raises(codec.CodecError, match="not JSON"):
        codec.from_json("{", TrialRecord)


def test_whole_numbers_are_numbers() -> None:
    """YAML writes 5 for 5.0; a job takes both."""
    assert codec.structure({"data": "d", "device": "x", "minutes": 5}, Job).minutes == 5.0
