"""Text of a user's choosing cannot break out of the file that it is put into."""

from __future__ import annotations

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.export.escape import c_string, markdown, one_line

_UNICODE = st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("plain 1", '"plain 1"'),
        ('say "hi"', r'"say \"hi\""'),
        ("a\\", r'"a\\"'),
        ("a\nb\0", r'"a\012b\000"'),
        ("??/", r'"\?\?/"'),
        ("é1", r'"\303\2511"'),
    ],
)
def test_c_string(text: str, literal: str) -> None:
    assert c_string(text) == literal


@given(_UNICODE)
def test_c_string_reads_back_as_the_same_bytes(text: str) -> None:
    r"""Python's bytes literals share C's escapes but ``\?``, which Python has not."""
    literal = c_string(text)
    assert literal.isascii()
    assert "\n" not in literal
    assert "??" not in literal
    assert ast.literal_eval("b" + literal.replace("\\?", "?")) == text.encode()


@given(_UNICODE)
def test_one_line_is_one_line_and_reads_back(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert line.encode("latin-1", "backslashreplace").decode("unicode_escape") == text


@given(_UNICODE)
def test_markdown_leaves_no_live_punctuation(text: str) -> None:
    """Without its escapes, nothing is left that Markdown or HTML would act on."""
    escaped = markdown(text)
    assert len(escaped.splitlines()) <= 1
    assert not re.search(r"[`*_{}\[\]<>()#!|~&$\\]", re.sub(r"\\.", "", escaped))


def test_one_line_hides_the_direction_of_text() -> None:
    """A right-to-left override would make a label read as another."""
    assert one_line("a\u202eb") == "a\\u202eb"
