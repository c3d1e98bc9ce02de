"""Progress of a running search on stderr: a line a trial, now and then the best points so far."""

from __future__ import annotations

import time
from typing import TextIO

from search.record import TrialRecord
from search.show import summary_of
from search.store import RunFolder
from search.text import best_so_far, progress_line

_BLOCK_EVERY_S = 30.0


class Progress:
    """Called with every record that is told."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last_block = time.monotonic()

    def __call__(self, run: RunFolder, record: TrialRecord | None) -> None:
        """Print what happened; `record` is None when the run begins."""
        if record is None:
            print(f"run {run.name} in {run.path}", file=self._stream, flush=True)
            return
        summary = summary_of(run)
        row = next(row for row in summary.trials if row.trial == record.trial)
        print(progress_line(row), file=self._stream, flush=True)
        if time.monotonic() - self._last_block > _BLOCK_EVERY_S:
            print(best_so_far(summary), end="", file=self._stream, flush=True)
            self._last_block = time.monotonic()
