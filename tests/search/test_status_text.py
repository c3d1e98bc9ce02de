"""How a run stands, in a few lines."""

from __future__ import annotations

from search.status_text import RunProgress, status
from search.summary import Summary


def test_a_running_search(summary: Summary) -> None:
    """State, how much of what was asked for is done, the counts and the best points."""
    text = status(summary, RunProgress(state="running", trials=20, minutes=60.0, elapsed_seconds=750.0))
    assert text.splitlines()[:2] == [
        "digits-1 on nucleo-l432kc: running",
        "trained 5 of 20, time 12 min 30 s of 1 h 00 min",
    ]
    assert "2 rejected before training" in text
    assert "best so far, 3 trials on the front" in text
    assert "run the same search command" not in text


def test_an_interrupted_search_says_how_to_go_on(empty: Summary) -> None:
    """Without limits nothing is 'of' anything."""
    text = status(empty, RunProgress(state="interrupted", trials=None, minutes=None, elapsed_seconds=2.0))
    assert "trained 0, time 2.0 s\n" in text
    assert "run the same search command again to go on" in text
