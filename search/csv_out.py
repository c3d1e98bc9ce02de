"""The front as CSV: the columns are the keys of the JSON document."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search.document import front_keys, point_document, row_document
from search.files import write_whole
from search.summary import Summary


def csv_text(summary: Summary, *, all_trials: bool = False) -> str:
    """The front, or with `all_trials` every trial, as CSV with a heading.

    Nested keys are joined by a dot: a technique's settings stand as
    ``structured_pruning.filters``, seconds as ``seconds.train``.  A technique
    without settings stands as its bare name with ``True``.  What is unknown or
    was not applied is empty.  Numbers are written in full.
    """
    documents = (
        [row_document(row, summary.metrics) for row in summary.trials]
        if all_trials
        else [point_document(point) for point in summary.front]
    )
    out = io.StringIO()
    writer = csv.DictWriter(
        out, fieldnames=_columns(documents, front_keys(summary.metrics)), restval="", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(_flat(document) for document in documents)
    return out.getvalue()


def write_csv(summary: Summary, path: Path, *, all_trials: bool = False) -> None:
    """Write `csv_text` to a file, whole or not at all, in UTF-8.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    write_whole(path, csv_text(summary, all_trials=all_trials).encode())


def _columns(documents: list[dict[str, Any]], always: tuple[str, ...]) -> list[str]:
    """Columns in the order of those that are `always` there, then what only ``--all`` tells."""
    roots = dict.fromkeys((*always, *(key for document in documents for key in document)))
    found: dict[str, list[str]] = {root: [] for root in roots}
    for document in documents:
        for root, value in document.items():
            found[root] += _flat({root: value})
    found |= {root: [root] for root in always if root != "compression"}
    return [column for root, names in found.items() for column in dict.fromkeys(_arranged(root, names))]


def _arranged(root: str, names: list[str]) -> list[str]:
    return sorted(names) if root in ("compression", "excess") else names


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if key == "compression":
            for technique, settings in value.items():
                flat |= {f"{technique}.{name}": each for name, each in settings.items()} or {technique: True}
        elif isinstance(value, Mapping):
            flat |= {f"{key}.{name}": each for name, each in value.items()}
        else:
            flat[key] = value
    return flat
