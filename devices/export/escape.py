"""User-derived text (labels, run names) made safe for C++, Markdown and line-based files."""

from __future__ import annotations

import re

_PLAIN_IN_C = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\?')
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#!|~&$])")


def c_string(text: str) -> str:
    r"""A C and C++ string literal, quotes included, of the UTF-8 bytes of `text`.

    Everything but plain ASCII becomes a three-digit octal escape, which unlike
    ``\x`` cannot swallow the character after it; ``?`` becomes ``\?`` so that
    no trigraph arises.
    """
    escapes = {ord('"'): '\\"', ord("\\"): "\\\\", ord("?"): "\\?"}
    return '"' + "".join(chr(b) if b in _PLAIN_IN_C else escapes.get(b, f"\\{b:03o}") for b in text.encode()) + '"'


def one_line(text: str) -> str:
    r"""`text` on one line: backslashes doubled, what cannot be printed as ``\n``, ``\xNN``, ``\uNNNN``.

    ``one_line(text).encode("latin-1", "backslashreplace").decode("unicode_escape")`` gives `text` back.
    """
    return "".join(c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode() for c in text)


def markdown(text: str) -> str:
    """`text` on one line of Markdown that renders as it stands, in a table cell too, but not first on a line."""
    return _MARKDOWN.sub(r"\\\1", one_line(text))
