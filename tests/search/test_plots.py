"""Pictures and pages of a run, of every shape a run can have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from search.errors import JobError, StorageError
from search.plots import plot
from search.summary import Summary


def svg_texts(path: Path) -> list[str]:
    root = ElementTree.parse(path).getroot()  # noqa: S314  (our own file)
    return ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]


def test_a_png(summary: Summary, tmp_path: Path) -> None:
    """A PNG wide enough for three panels, and nothing beside it."""
    plot(summary, tmp_path / "front.PNG")
    content = (tmp_path / "front.PNG").read_bytes()
    assert content.startswith(b"\x89PNG\r\n")
    assert int.from_bytes(content[16:20], "big") >= 1200
    assert [each.name for each in tmp_path.iterdir()] == ["front.PNG"]


def test_the_picture_names_what_it_shows(summary: Summary, tmp_path: Path) -> None:
    """Run, device, axes with units and est., limits, n, the knee, and every front trial's number in each panel."""
    plot(summary, tmp_path / "front.svg")
    texts = svg_texts(tmp_path / "front.svg")
    assert "digits-1 on nucleo-l432kc" in texts
    assert "accuracy, % (95 % interval, validation n = 360)" in texts
    assert {"limit 100.0 kB", "limit 40.0 ms", "knee", "rejected untrained"} <= set(texts)
    assert sum("est." in text for text in texts) == 3
    assert all(texts.count(str(point.trial)) >= 3 for point in summary.front)


def test_equal_runs_give_equal_pictures(summary: Summary, tmp_path: Path) -> None:
    """No date and no random ids: a picture under version control changes when the run does."""
    for name in ("a.svg", "b.svg"):
        plot(summary, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("kind", ["empty", "barren", "unopened"])
def test_every_run_can_be_drawn(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """No trial yet, nothing that fits, no latency limit: a picture all the same, with a word about it."""
    summary: Summary = request.getfixturevalue(kind)
    summary = replace(summary, budget=replace(summary.budget, latency_ms=None))
    plot(summary, tmp_path / "front.svg")
    texts = svg_texts(tmp_path / "front.svg")
    assert "no limit set" in texts
    assert ("no trained trial fits the limits" in texts) is (kind != "unopened")


def test_a_page_is_whole_and_loads_nothing(summary: Summary, tmp_path: Path) -> None:
    """The drawing is in it and follows the theme's colour, the table has every trial, and nothing is fetched."""
    plot(summary, tmp_path / "front.html")
    text = (tmp_path / "front.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "default-src 'none'" in text
    assert all(word not in text for word in ("src=", "@import", "url(http", "<link", "#1b1f24"))
    assert text.count("<tr class=") == summary.n_trials
    assert '<tr class="knee"><td class=number data-value="1">1</td>' in text
    assert 'data-value="50000">50.0</td>' in text
    assert "94.4 (91.6-96.4)" in text


def test_a_page_escapes_what_the_run_says(summary: Summary, tmp_path: Path) -> None:
    """Names and reasons come from data and exceptions: none may become markup, nor a formula in the picture."""
    evil = "<script>alert(1)</script>\"'&$x^2$"
    trials = tuple(
        replace(row, reason=evil, space=evil, compression={evil: {evil: evil}}, state=row.state)
        for row in summary.trials
    )
    plot(replace(summary, run=evil, device=evil, failures={evil: 1}, trials=trials), tmp_path / "front.html")
    text = (tmp_path / "front.html").read_text(encoding="utf-8")
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert text.count("<script>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;$x^2$" in text


def test_other_endings_and_places_are_refused(summary: Summary, tmp_path: Path) -> None:
    """The message names the three endings; a missing folder is a storage error."""
    with pytest.raises(JobError, match=r"'front.pdf'.*\.png, \.svg, \.html"):
        plot(summary, tmp_path / "front.pdf")
    with pytest.raises(StorageError, match="Make the folder"):
        plot(summary, tmp_path / "nowhere" / "front.svg")
