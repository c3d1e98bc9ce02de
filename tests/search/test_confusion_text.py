"""Classes and mistakes in a terminal."""

from __future__ import annotations

import numpy as np

from search.confusion_text import MOST_COLUMNS, confusion_text
from search.metrics.confusion import Confusion


def test_a_table_and_the_matrix() -> None:
    made = Confusion(labels=("wing", "a name that is far too long for a column"), counts=((3, 1), (0, 4)))
    lines = confusion_text(made).splitlines()
    assert lines[1:5] == [
        "classes, test split",
        "class                     n  precision, %  recall, %  F1, %",
        "wing                      4         100.0       75.0   85.7",
        "a name that is far to...  4          80.0      100.0   88.9",
    ]
    assert lines[7].split() == ["wing", "3", "1"]
    assert lines[8].split()[-2:] == [".", "4"]


def test_of_many_classes_the_most_frequent_mistakes() -> None:
    """A matrix would not fit a terminal."""
    size = MOST_COLUMNS + 1
    counts = 5 * np.eye(size, dtype=int)
    counts[3, 4], counts[7, 2] = 9, 2
    made = Confusion(
        labels=tuple(f"c{index}" for index in range(size)), counts=tuple(tuple(map(int, row)) for row in counts)
    )
    text = confusion_text(made)
    assert "the most frequent of 11 mistakes\n  9 x c3 taken for c4\n  2 x c7 taken for c2\n" in text
    assert "answer" not in text
