"""Which classes are told how well, in a terminal: the end of what ``tinyfront show`` says of a tested classifier."""

from __future__ import annotations

from search.columns import aligned, clipped
from search.metrics.confusion import ClassFigures, Confusion

MOST_COLUMNS = 20
"""Of more classes the matrix is too wide for a terminal, and the most frequent mistakes are listed."""
_MISTAKES = 10
_LABEL_WIDTH = 24


def confusion_text(confusion: Confusion) -> str:
    """A table of the classes, and the matrix or the most frequent mistakes; ends in a newline."""
    lines = ["", "classes, test split", *_classes(confusion), ""]
    lines += _matrix(confusion) if len(confusion.labels) <= MOST_COLUMNS else _mistakes(confusion)
    return "\n".join(lines) + "\n"


def _classes(confusion: Confusion) -> list[str]:
    cells = [["class", "n", "precision, %", "recall, %", "F1, %"]]
    cells += [_row(each) for each in confusion.classes()]
    return aligned(cells, left=[0])


def _row(each: ClassFigures) -> list[str]:
    shares = (each.precision, each.recall, each.f1)
    return [_short(each.label), str(each.n), *(f"{100 * share:.1f}" for share in shares)]


def _matrix(confusion: Confusion) -> list[str]:
    """True classes down, answers across."""
    cells = [["true class \\ answer", *(_short(label) for label in confusion.labels)]]
    cells += [
        [_short(label), *(str(count) if count else "." for count in row)]
        for label, row in zip(confusion.labels, confusion.counts, strict=True)
    ]
    return aligned(cells, left=[0])


def _mistakes(confusion: Confusion) -> list[str]:
    found = confusion.mistakes()
    lines = [f"the most frequent of {sum(each[2] for each in found)} mistakes"]
    lines += [f"  {count} x {_short(truth)} taken for {_short(answer)}" for truth, answer, count in found[:_MISTAKES]]
    return lines


def _short(label: str) -> str:
    return clipped(label, _LABEL_WIDTH)
