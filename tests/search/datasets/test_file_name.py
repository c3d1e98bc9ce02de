"""What the names of files say."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from search.datasets.file_name import Template, named
from search.datasets.folder import FoundFile
from search.errors import DataError, JobError


def _files(*names: str) -> tuple[FoundFile, ...]:
    return tuple(FoundFile(path=Path("data") / name, name=name, size_bytes=1, changed_ns=0) for name in names)


@pytest.mark.parametrize(
    ("template", "name", "fields"),
    [
        ("{label}_{speaker}_{take}", "0_george_49", {"label": "0", "speaker": "george", "take": "49"}),
        ("{label}.{_}", "tea-black.1658", {"label": "tea-black", "_": "1658"}),
        ("{label}/{who}_NO_{_}", "yes/07_NO_02", {"label": "yes", "who": "07", "_": "02"}),
        ("{label}", "größe 猫", {"label": "größe 猫"}),
        ("fan_{_}_{label}_weight/{_}", "fan_0_low_1_weight/7", {"label": "low_1", "_": "7"}),
        ("{a}_{b}", "__x", {"a": "_", "b": "x"}),
        ("{label}_{take}", "cat", None),
        ("{label}_{take}", "_1", None),
        ("{label}_{take}", "cat_", None),
        ("x{label}", "cat", None),
        ("{label}.raw", "cat.wav", None),
        ("{label}_{take}", "a/b_1", None),
    ],
)
def test_template(template: str, name: str, fields: dict[str, str] | None) -> None:
    """A field runs to the next fixed text; none is empty or reaches over a folder."""
    assert Template.of(template).read(name) == fields


@pytest.mark.parametrize(
    ("template", "rule"),
    [
        ("label", "write fields in braces"),
        ("{label", "write fields in braces"),
        ("{label}}", "write fields in braces"),
        ("{la bel}", "write fields in braces"),
        ("{label}{take}", "two fields need a text between them"),
        ("{label}_{label}", "each field stands once"),
    ],
)
def test_wrong_templates(template: str, rule: str) -> None:
    """A template that says nothing, or several things, is refused."""
    with pytest.raises(JobError, match=rule):
        Template.of(template)


def test_no_template_is_slow() -> None:
    """The name that takes a regular expression ages is read in no time."""
    template = Template.of("a".join(f"{{f{index}}}" for index in range(40)) + "b")
    began = time.perf_counter()
    assert template.read("a" * 250) is None
    assert time.perf_counter() - began < 0.1


def test_folders_say_class_and_part() -> None:
    """``train/cat/x/1.png``: part and class, deeper folders say nothing; without parts, the first is the class."""
    parts = named(_files("Train/cat/x/1.png", "test/dog/2.png", "val/cats/3.png"), "", "")
    assert [(each.part, each.label) for each in parts] == [("train", "cat"), ("test", "dog"), ("validation", "cats")]
    assert [(each.part, each.label) for each in named(_files("cat/1.png", "cats/1.png"), "", "")] == [
        ("", "cat"),
        ("", "cats"),
    ]


def test_template_says_part_and_group() -> None:
    """``{split}`` is the part, and the field that is named the group."""
    (each,) = named(_files("validation/cat-ann-3.wav"), "{split}/{label}-{who}-{_}", "who")
    assert (each.part, each.label, each.group, each.time) == ("validation", "cat", "ann", None)
    (timed,) = named(_files("cat.1658166122924.csv"), "{label}.{time}", "")
    assert timed.time == 1658166122924.0


def test_refused() -> None:
    """A group without a template, a field that is not there, a part of an unknown name."""
    with pytest.raises(JobError, match=r"file_name=\{label\}_\{who\}_\{_\}"):
        named(_files("a/1.wav"), "", "who")
    with pytest.raises(JobError, match=r"has no field \{who\}"):
        named(_files("a_1.wav"), "{label}_{_}", "who")
    with pytest.raises(JobError, match=r"has no field \{label\}"):
        named(_files("a_1.wav"), "{kind}_{_}", "")
    with pytest.raises(DataError, match=r"'data/cat_noon.wav': its \{time\} is 'noon', which is no number"):
        named(_files("cat_noon.wav"), "{label}_{time}", "")
    with pytest.raises(DataError, match=r"'data/fold3/a.wav': its \{split\} is 'fold3'"):
        named(_files("fold3/a.wav"), "{split}/{label}", "")
