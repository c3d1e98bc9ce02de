"""Options of the data: each rule with its sentence, and how a job takes them."""

from __future__ import annotations

from typing import Any

import pytest

from search import codec
from search.datasets.options import DataOptions
from search.errors import JobError
from search.job import Job, read_data_options, read_job, settings_of_flags

_JOB = {"data": "digits", "device": "nucleo-l432kc"}


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"window": 0}, "data_options.window is 0: it must be above zero"),
        ({"clip_seconds": float("nan")}, "data_options.clip_seconds is nan"),
        ({"overlap": 1.0}, r"overlap is 1.0: it is a share of a window, 0 to below 1"),
        ({"channels": 2}, "channels is 2: 1 is grey, 3 is colour"),
        ({"image_width": 5000}, "image_width is 5000: the most is 4096 pixels"),
        ({"test_share": 0.0}, "test_share is 0.0: it is a share of all samples"),
        ({"test_share": 0.5, "validation_share": 0.45}, "leaves less than 0.1 to train on"),
        ({"separator": "ab"}, "separator is 'ab': it is one character"),
        ({"separator": "7"}, "separator is '7': it is one character"),
        ({"separator": ",", "decimal": ","}, "decimal is ',': it is the separator as well"),
        ({"label": "a", "targets": ("b",)}, "label is 'a': targets are named too"),
    ],
)
def test_rules(options: dict[str, Any], rule: str) -> None:
    """A mistake names the key, the value and the rule."""
    with pytest.raises(JobError, match=rule):
        DataOptions(**options)


def test_a_job_takes_them() -> None:
    """From ``--set``, from flags and as lists; positions become texts, and JSON gives the same job back."""
    settings = [
        *settings_of_flags("7", "who: me", "{label}_{_}"),
        "data_options.window=128",
        "data_options.ignore=[1, b]",
    ]
    job = read_job(None, _JOB, [*settings, "data_options.columns=ax, ay"])
    options = job.data_options
    assert (options.label, options.group_by, options.window) == ("7", "who: me", 128)
    assert options.file_name == "{label}_{_}"
    assert (options.ignore, options.columns) == (("1", "b"), ("ax", "ay"))
    assert codec.from_json(codec.to_json(job), Job) == job
    assert options.changed() == ("label", "columns", "ignore", "group_by", "file_name", "window")


@pytest.mark.parametrize("text", ["🐕 猫", 'a "b" \\ c', "a\nb: [c", "\x85\u2028\x7f", "\udc80", "7", ""])
def test_flags_take_any_text_as_it_is(text: str) -> None:
    """Beyond 16 bits, quotes, what YAML folds or refuses unquoted, halves of characters."""
    assert read_data_options(settings_of_flags(text, None, None)).label == text


@pytest.mark.parametrize("text", ["{label}", "{label}_{_}"])
def test_a_template_in_yaml_needs_quotes(text: str) -> None:
    """Braces mean something in YAML: that is said, with what to do."""
    with pytest.raises(JobError, match=r"a text that begins with \{ stands in quotes"):
        read_job(None, _JOB, [f"data_options.file_name={text}"])
    quoted = read_job(None, _JOB, [f'data_options.file_name="{text}"'])
    assert quoted.data_options.file_name == text


def test_unknown_option() -> None:
    """A typo gets a guess."""
    with pytest.raises(JobError, match=r"unknown key data_options.windw: did you mean 'window'"):
        read_job(None, _JOB, ["data_options.windw=3"])


def test_they_are_part_of_the_identity() -> None:
    """Another window is another run; without any option the name is as before there were options."""
    plain, other = read_job(None, _JOB), read_job(None, _JOB, ["data_options.window=3"])
    assert plain.run_name == "digits-nucleo-l432kc-30abfb2f"  # of the first version
    assert plain.run_name != other.run_name
    assert plain.first_difference(other) == "data_options"


def test_without_a_job() -> None:
    """`score` takes options of the data and nothing else."""
    assert read_data_options(["data_options.label=kind"]) == DataOptions(label="kind")
    with pytest.raises(JobError, match="only data_options can be set here"):
        read_data_options(["seed=3"])


def test_reading_does_not_depend_on_the_split() -> None:
    """What is kept in the cache serves every split."""
    assert DataOptions(split="time", test_share=0.3, window=4).of_reading() == DataOptions(window=4)
