"""The README says what CI runs, and names only what is there."""

from __future__ import annotations

import re
from pathlib import Path

from search.cli import parser
from spaces.catalog import SPACES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block_after(heading: str) -> str:
    """First shell block below a heading."""
    found = re.search(rf"^## {heading}\n.*?```sh\n(.*?)```", README, re.S | re.M)
    assert found, heading
    return found.group(1).strip()


def test_ci_runs_exactly_the_test_line() -> None:
    """`.ci/run` holds the README's test command word for word, as its last line."""
    line = block_after("Tests")
    assert "\n" not in line
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == line


def test_the_first_line_is_a_real_command() -> None:
    """What a new user copies parses as it stands."""
    line = block_after("Start").splitlines()[0]
    arguments = line.split(".venv/bin/tinyfront ")[1].split()
    options = parser().parse_args(arguments)
    assert (options.command, options.data, options.minutes) == ("search", "digits", 5.0)


def test_every_command_and_space_is_named() -> None:
    """A command or space that is built is described."""
    for name in ("search", "check", "pareto", "show", "status", "export", "score", "compress", "devices"):
        assert f"`tinyfront {name}" in README
    assert all(space.name in README for space in SPACES)


def test_nothing_was_left_to_fill_in() -> None:
    """No placeholder survived."""
    assert "@@" not in README
