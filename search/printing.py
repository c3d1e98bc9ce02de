"""What commands write to stdout: a document, or the table of a run."""

from __future__ import annotations

import json

from search import text
from search.document import as_document
from search.summary import Summary


def print_json(document: object) -> None:
    """One JSON document."""
    print(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))


def print_front(summary: Summary, *, as_json: bool) -> int:
    """A searched run's front; the exit code: 0, or 1 where nothing fits."""
    if as_json:
        print_json(as_document(summary))
    else:
        print(text.table(summary), end="")
    return 0 if summary.front else 1
