"""Any text becomes a C++ identifier that nothing else has."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.export.cpp.identifiers import Names, capitalised, field_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Temperature", "temperature"),
        ("Humidity Ratio", "humidity_ratio"),
        ("HumidityRatio", "humidity_ratio"),
        ("CO2", "co2"),
        ("Größe (cm)", "groe_cm"),
        ("été", "ete"),
        ("漢字", "column_7"),
        ("", "column_7"),
        ("___", "column_7"),
        ("2nd value", "column_2nd_value"),
        ("class", "class_"),
        ("Double", "double_"),
        ("xor", "xor_"),
        ("errno", "errno_"),
        ("linux", "linux_"),
        ("__init__", "init"),
        ("*/ int x; /*", "int_x"),
        ("a" * 39 + " b", "a" * 39),
    ],
)
def test_fields(text: str, name: str) -> None:
    assert field_name(text, 7) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [("light blue", "LightBlue"), ("RED", "RED"), ("1st", "1st"), ("漢字", ""), ("no/yes", "NoYes")],
)
def test_capitals(text: str, name: str) -> None:
    assert capitalised(text) == name


@given(st.lists(st.text(max_size=50) | st.sampled_from(["int", "int_2", "INT", "a", "A_2"]), max_size=30))
def test_every_text_gives_an_identifier_of_its_own(texts: list[str]) -> None:
    names = Names()
    made = [names.unique(field_name(text, position)) for position, text in enumerate(texts)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*_?", name) for name in made)


def test_a_number_is_not_given_twice() -> None:
    """Not even where a text already looks like a numbered one, before or after."""
    names = Names(("kMissing",))
    wanted = ["a", "a_2", "a", "a", "a_2", "a_3", "kMissing", "int_", "int_2", "int_"]
    made = ["a", "a_2", "a_3", "a_4", "a_2_2", "a_3_2", "kMissing_2", "int_", "int_2", "int_3"]
    assert [names.unique(name) for name in wanted] == made
