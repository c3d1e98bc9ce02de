"""Progress of a running search on stderr: a line a trial, now and then the best points so far."""

from __future__ import annotations

import contextlib
import time
from typing import TextIO

from search.record import TrialRecord
from search.show import summary_with
from search.store import RunFolder
from search.text import best_so_far, progress_line, trial_count

_BLOCK_EVERY_S = 30.0


class Progress:
    """Follows one run; keeps its records, so that a line does not cost reading them all again."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last_block = time.monotonic()
        self._records: list[TrialRecord] = []

    def begin(self, run: RunFolder) -> None:
        """Say which run begins or goes on."""
        self._records = list(run.records())
        told = f", {trial_count(len(self._records))} told before" if self._records else ""
        self._print(f"run {run.name} in {run.path}{told}")

    def told(self, run: RunFolder, record: TrialRecord) -> None:
        """Say how a trial ended."""
        self._records.append(record)
        summary = summary_with(run, self._records)
        self._print(progress_line(next(row for row in summary.trials if row.trial == record.trial)))
        if time.monotonic() - self._last_block > _BLOCK_EVERY_S:
            self._print(best_so_far(summary).rstrip())
            self._last_block = time.monotonic()

    def say(self, sentence: str) -> None:
        """Say something about the run as a whole."""
        self._print(sentence)

    def _print(self, text: str) -> None:
        """A reader that went away does not end the search."""
        with contextlib.suppress(BrokenPipeError):
            print(text, file=self._stream, flush=True)
