"""The time of a run: over all its sittings, against its limit."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """When to stop.

    Attributes
    ----------
    began
        Monotonic second at which this sitting began.
    before
        Seconds that earlier sittings of the run took.
    limit
        Seconds of all sittings together; None for no limit.
    """

    began: float
    before: float
    limit: float | None

    @property
    def elapsed(self) -> float:
        """Seconds of all sittings so far."""
        return self.before + time.monotonic() - self.began

    @property
    def left(self) -> float:
        """Seconds left; infinite without a limit."""
        return float("inf") if self.limit is None else self.limit - self.elapsed
