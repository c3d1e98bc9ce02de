"""How a run stands: what ``tinyfront status`` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from search.summary import Summary
from search.text import best_so_far, counts, limits
from search.units import duration

RunState = Literal["running", "paused", "finished", "stopped", "cancelled", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """How far a run is.

    Attributes
    ----------
    state
        ``interrupted``: its process ended without finishing; the same command resumes it.
    trials, minutes
        What the job asks for; None for no limit.
    elapsed_seconds
        Seconds spent searching, over all sittings, >= 0.
    """

    state: RunState
    trials: int | None
    minutes: float | None
    elapsed_seconds: float


def status(summary: Summary, progress: RunProgress) -> str:
    """The run's state, counts and best points as text; ends in a newline."""
    lines = [
        f"{summary.run} on {summary.device}: {progress.state}",
        f"trained {_of(str(summary.n_trained), None if progress.trials is None else str(progress.trials))}, "
        f"time {_of(duration(progress.elapsed_seconds), _minutes(progress.minutes))}",
        limits(summary.budget),
        *counts(summary),
    ]
    if progress.state == "interrupted":
        lines.append("its process ended early; run the same search command again to go on")
    return "\n".join(lines) + "\n" + best_so_far(summary)


def _minutes(minutes: float | None) -> str | None:
    return None if minutes is None else duration(60 * minutes)


def _of(done: str, asked: str | None) -> str:
    return done if asked is None else f"{done} of {asked}"
