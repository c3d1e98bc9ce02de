"""Jobs are checked whole, and every mistake says which key, which value and what to do."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from search.errors import JobError
from search.job import Job, read_job

GIVEN = {"data": "digits", "device": "nucleo-l432kc"}


def test_command_line_overrides_the_file_and_set_overrides_both(tmp_path: Path) -> None:
    """Order of precedence: file, options, --set."""
    file = tmp_path / "job.yaml"
    file.write_text("data: digits\ndevice: a\nseed: 1\ntrials: 3\nspace: ds_cnn, mlp\n")
    job = read_job(file, {"device": "b", "seed": 2, "minutes": None}, ["seed=3", "budget.latency_ms=20"])
    assert (job.device, job.seed, job.trials, job.minutes) == ("b", 3, 3, None)
    assert job.space == ("ds_cnn", "mlp")
    assert job.budget.latency_ms == 20.0


def test_without_trials_or_minutes_a_job_takes_five_minutes() -> None:
    """A search always ends."""
    assert read_job(None, GIVEN).minutes == 5.0
    assert read_job(None, {**GIVEN, "trials": 2}).minutes is None


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["trails=3"], "unknown key trails: did you mean 'trials'?"),
        (["budget.flash=3"], "unknown key budget.flash: did you mean 'flash_bytes'?"),
        (["budget=3"], "budget"),
        (["trials=0"], "trials is 0: it must be above zero"),
        (["trials=many"], "trials: "),
        (["minutes=-1"], "minutes is -1.0: it must be above zero"),
        (["budget.ram_bytes=0"], "budget.ram_bytes is 0"),
        (["seed=-1"], "seed is -1"),
        (["augment=99"], "augment is 99: it must be in 0..50"),
        (["name=../../etc"], "name '../../etc'"),
        (["name=Run"], "name 'Run'"),
        (["metric=3"], "metric"),
        (["objectives=[accuracy, accuracy]"], "each once"),
        (["task=dancing"], "task"),
        (["seed"], "write key=value"),
        (["seed.deep=1"], "'seed' holds no keys"),
        (["seed={"], "not YAML"),
    ],
)
def test_mistakes_are_named(overrides: list[str], sentence: str) -> None:
    """Typos are refused with a guess, values with their rule."""
    with pytest.raises(JobError) as caught:
        read_job(None, {**GIVEN, "seed": 0}, overrides)
    assert sentence in str(caught.value)


def test_a_numbered_class_may_be_normal() -> None:
    """YAML reads 3 as a number; labels are texts."""
    assert read_job(None, GIVEN, ["normal=3"]).normal == "3"


def test_data_and_device_are_required() -> None:
    """A job without them says which option to add."""
    with pytest.raises(JobError, match="no device: add it, such as --device"):
        read_job(None, {"data": "digits"})
    with pytest.raises(JobError, match="no data: add it, such as --data"):
        read_job(None, {"device": "x"})


@pytest.mark.parametrize("content", ["- a\n- b\n", "a: [", "\x00"])
def test_a_file_that_is_no_job_is_refused(tmp_path: Path, content: str) -> None:
    """Lists, broken YAML and binary files end with a sentence."""
    file = tmp_path / "job.yaml"
    file.write_text(content)
    with pytest.raises(JobError, match="job"):
        read_job(file, GIVEN)
    with pytest.raises(JobError, match="cannot be read"):
        read_job(tmp_path / "absent.yaml", GIVEN)


def test_the_same_command_names_the_same_run() -> None:
    """A run without a name is found again by the same job; workers do not count."""
    job = read_job(None, {**GIVEN, "trials": 3})
    assert job.run_name == dataclasses.replace(job, workers=7).run_name
    assert job.run_name != dataclasses.replace(job, seed=1).run_name
    assert job.run_name != dataclasses.replace(job, trials=4).run_name
    assert job.run_name.startswith("digits-nucleo-l432kc-")


def test_a_run_name_from_hostile_text_is_a_plain_name() -> None:
    """User text never becomes a path."""
    job = Job(data="../../etc/pass wd\n", device="/x/../Ü.toml", trials=1)
    assert set(job.run_name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_only_how_much_is_searched_may_differ() -> None:
    """Continuing with more trials is the same search; another seed is not."""
    job = read_job(None, {**GIVEN, "trials": 3})
    assert job.first_difference(dataclasses.replace(job, trials=9, workers=3, name="x")) is None
    assert job.first_difference(dataclasses.replace(job, seed=9)) == "seed"
