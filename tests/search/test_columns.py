"""Lines that fit a terminal, whatever the names in them are."""

from __future__ import annotations

from search.columns import WIDTH, aligned, clipped, printable, shortened, wrapped


def test_columns_begin_or_end_in_line() -> None:
    """Each as wide as its widest cell, two spaces apart, nothing behind the last."""
    assert aligned([("name", "n", ""), ("a", "1000", "b")], left=(0, 2)) == ["name     n", "a     1000  b"]


def test_sentences_are_broken_below_their_start() -> None:
    """No line is wider than the limit, no word is lost, and names with hyphens stay whole."""
    words = ["nucleo-l432kc"] * 20
    lines = wrapped("board  ", " ".join(words))
    assert len(lines) == 3
    assert max(map(len, lines)) <= WIDTH
    assert " ".join(lines).split() == ["board", *words]
    assert all(line.startswith("       nucleo") for line in lines[1:])
    assert wrapped("empty  ", "") == ["empty"]


def test_names_are_cut() -> None:
    """What fits is left as it is."""
    assert clipped("CONV_2D", 7) == "CONV_2D"
    assert clipped("CONV_2D", 6) == "CON..."


def test_names_cannot_steer_the_terminal() -> None:
    """Escapes and line breaks become question marks, letters of any script stay."""
    assert printable("\x1b[31mgrün\n\u202e") == "?[31mgrün??"


def test_many_lines_are_counted() -> None:
    """As many as there is room for are shown whole."""
    assert shortened(["a", "b"], 2) == ["a", "b"]
    assert shortened(["a", "b", "c", "d"], 2) == ["a", "b", "and 2 more, all of them with --json"]
