"""Tables and wrapped sentences in plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence

WIDTH = 110
"""Columns that lines of ``score`` stay within, but for file names that are longer."""


def aligned(rows: Sequence[Sequence[str]], left: Collection[int]) -> list[str]:
    """A line a row, columns two spaces apart; those numbered in `left` begin, all others end in line."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def wrapped(start: str, text: str) -> list[str]:
    """`text` behind `start`, broken between words at `WIDTH`; what follows stands below the text."""
    lines = textwrap.wrap(text, WIDTH - len(start), break_on_hyphens=False) or [""]
    return [f"{start}{lines[0]}".rstrip(), *(" " * len(start) + line for line in lines[1:])]


def clipped(text: str, width: int) -> str:
    """At most `width` columns, the end cut off."""
    return text if len(text) <= width else f"{text[: width - 3]}..."


def printable(line: str) -> str:
    """`line` with a question mark for what would steer the terminal: names in a file may hold anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def shortened(lines: Sequence[str], most: int) -> list[str]:
    """The first `most` lines, and how many more there are."""
    more = len(lines) - most
    return [*lines[:most], *([f"and {more} more, all of them with --json"] if more > 0 else [])]
