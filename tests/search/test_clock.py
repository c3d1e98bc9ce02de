"""The time of a run is that of all its sittings."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from search.clock import Clock


def test_the_clock_counts_all_sittings() -> None:
    """Seconds of earlier sittings count against the limit; without a limit there is always time."""
    clock = Clock(began=time.monotonic() - 5, before=20, limit=60)
    assert clock.elapsed == pytest.approx(25, abs=1)
    assert clock.left == pytest.approx(35, abs=1)
    assert replace(clock, limit=None).left == float("inf")
