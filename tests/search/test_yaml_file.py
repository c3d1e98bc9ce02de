"""A user's YAML file is a mapping, or an error says which file is what."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.errors import JobError
from search.yaml_file import read_mapping


def test_a_mapping(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text("data: digits\ntrials: 3\n")
    assert read_mapping(file, "job", "keys to values") == {"data": "digits", "trials": 3}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "job '.*' cannot be read: No such file"),
        (b"a: [1", "job '.*' is not YAML"),
        (b"\xff\xfe\xfa", "job '.*' is not YAML"),
        (b"- a list", "job '.*' must be a mapping of keys to values"),
        (b"!!python/object/apply:os.getcwd []", "job '.*' is not YAML"),
    ],
)
def test_anything_else(content: bytes | None, words: str, tmp_path: Path) -> None:
    """A tag that would run something is no YAML of ours."""
    file = tmp_path / "job.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(JobError, match=words):
        read_mapping(file, "job", "keys to values")
