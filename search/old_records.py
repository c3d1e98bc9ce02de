"""Documents of earlier versions, brought to the form that is read now."""

from __future__ import annotations

from typing import Any

from search.metrics.measurement import Measurement


def upgraded_record(document: Any) -> Any:
    """A trial's record; before there were other metrics, its score had an ``accuracy`` of its own."""
    score = document.get("score") if isinstance(document, dict) else None
    if not isinstance(score, dict) or "metrics" in score or "accuracy" not in score:
        return document
    rest = {key: value for key, value in score.items() if key != "accuracy"}
    return document | {"score": rest | {"metrics": {"accuracy": _measurement(score["accuracy"])}}}


def upgraded_front(document: Any) -> Any:
    """What ``front.json`` says; before, a trial's entry in ``test`` was its accuracy."""
    test = document.get("test") if isinstance(document, dict) else None
    if not isinstance(test, dict):
        return document
    return document | {
        "test": {trial: {"accuracy": _measurement(each)} if _is_share(each) else each for trial, each in test.items()}
    }


def _is_share(document: Any) -> bool:
    return isinstance(document, dict) and document.keys() == {"correct", "n"}


def _measurement(share: Any) -> Any:
    """A measurement's document from one of a share; what is not one stays, and is refused when it is read."""
    if not _is_share(share) or not all(type(value) is int for value in share.values()):
        return share
    try:
        found = Measurement.share(share["correct"], share["n"])
    except ValueError:
        return share
    return {"value": found.value, "n": found.n, "low": found.low, "high": found.high}
