"""What a person reads in the terminal is complete, honest and fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from search.record import TrialRecord
from search.summary import Summary, trial_row
from search.text import WIDTH, best_so_far, legend, progress_line, table

MakeRecord = Callable[..., TrialRecord]


def line_of(text: str, start: str) -> str:
    (found,) = [line for line in text.splitlines() if line.strip().startswith(start)]
    return found


def test_the_table_says_all_that_a_choice_needs(summary: Summary) -> None:
    """Knee, interpreter, both accuracies with intervals, every cost, n, the limits, the counts, the seconds."""
    shown = table(summary)
    assert shown.startswith("digits-1 on nucleo-l432kc\nlimits: flash 100.0 kB, RAM 50.0 kB, latency 40.0 ms\n")
    assert line_of(shown, "*1").split() == [
        *("*1", "94.4", "(91.6-96.4)", "94.6", "(91.7-96.5)", "50.0", "20.0", "10.0", "9.00", "(8.10-10.8)"),
        *("ds_cnn;", "structured_pruning", "(filters", "0.5)"),
    ]
    assert "~2" in line_of(shown, "~2")
    assert "8 trials: 5 trained (4 fit the limits, 3 on the front), 2 rejected before training, 1 failed" in shown
    assert "  rejected: 1 duplicate of trial #, 1 flash over the limit\n" in shown
    assert "validation n = 360, test n = 350" in shown
    assert "from accuracy 0, flash 100.0 kB, RAM 50.0 kB, latency 40.0 ms" in shown
    assert "median); train 76 %" in shown
    assert "1 of 5 reused trained weights" in shown


def test_estimates_are_called_so(summary: Summary) -> None:
    """The headings of flash, RAM and latency say est.; the exact model size does not."""
    names, units = table(summary).split("\n\n")[1].splitlines()[:2]
    under = {name: units[names.index(name) - 2 : names.index(name) + len(name)] for name in ("flash", "RAM", "latency")}
    assert units.count("est.") == 3
    assert all(unit.strip() for unit in under.values())
    assert units[names.index("model") : names.index("model") + 5].strip() == "kB"


def test_columns_are_aligned(summary: Summary) -> None:
    """Right-hand columns end at one place in every row."""
    rows = table(summary).split("\n\n")[1].splitlines()
    ends = {row.index("(", 60) if "(" in row[60:] else None for row in rows[2:]}
    assert len({row.index("ds_cnn") for row in rows[2:]}) == 1
    assert len(ends) == 1


def test_the_test_column_waits_for_the_test_split(unopened: Summary) -> None:
    """Unopened, the column is gone, and the legend warns that trials were chosen by the validation accuracy."""
    shown = table(unopened)
    assert "test accuracy" not in shown
    assert "trials were chosen by it); the test split is unopened" in shown


def test_the_download_column(summary: Summary) -> None:
    """Bytes of the coded file stand after those of the file, where they are known; a legend says what they are."""
    assert "download" not in table(summary)
    first, *rest = summary.front
    shown = table(replace(summary, front=(replace(first, download_bytes=6_543), *rest)))
    heading = shown.split("\n\n")[1].splitlines()[0]
    assert heading.index("model") < heading.index("download") < heading.index("RAM")
    assert line_of(shown, "0 ").split()[6:8] == ["8.0", "6.5"]
    assert line_of(shown, "*1").split()[6:8] == ["20.0", "-"]
    assert "download: the model file as a Huffman-coded package (exact)" in shown


def test_a_coded_model_is_explained(summary: Summary) -> None:
    """Where a model of the front is stored as its package, a line says what that means; else none does."""
    point = summary.front[0]
    coded = replace(point, footprint=replace(point.footprint, stored_bytes=5_000))
    line = "huffman_coding: that package is what flash holds; RAM then holds the model file too"
    assert line in legend(replace(summary, front=(coded, *summary.front[1:])))
    assert line not in legend(summary)


def test_all_trials_lists_the_rest(summary: Summary) -> None:
    """Those on the front stand in the table, the other five below with what became of them."""
    below = table(summary, all_trials=True).split("not on the front:\n")[1].splitlines()
    assert [line.split()[:2] for line in below] == [
        ["#0003", "trained"],
        ["#0004", "over"],
        ["#0005", "rejected"],
        ["#0006", "rejected"],
        ["#0007", "failed"],
    ]


def test_nothing_fits_says_how_far_it_is(barren: Summary) -> None:
    """No table, no legend: the sentence and the nearest miss, 1 kB over the flash."""
    shown = table(barren)
    assert "Nothing fits" in shown
    assert "The closest is trial 1: over by flash 1.0 kB." in shown
    assert "knee" not in shown


def test_a_search_without_time_for_a_trial_does_not_say_that_nothing_fits(empty: Summary) -> None:
    shown = table(empty)
    assert "No trial has ended; where the search has, give it more time." in shown
    assert "Nothing fits" not in shown


def test_an_empty_run_has_a_table(empty: Summary) -> None:
    """Asked before the first trial ended."""
    assert "0 trials: 0 trained" in table(empty)


def test_it_is_plain(summary: Summary) -> None:
    """No colours, no tabs, no blanks at line ends: it goes into files and mails."""
    shown = table(summary, all_trials=True)
    assert shown.isascii()
    assert "\x1b" not in shown
    assert all(line == line.rstrip() for line in shown.splitlines())


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_width_is_kept(summary: Summary, barren: Summary, width: int) -> None:
    """Rows are cut and sentences wrapped at the terminal's edge."""
    for shown in (table(summary, all_trials=True, width=width), best_so_far(summary, width=width)):
        assert max(len(line) for line in shown.splitlines()) <= width
    assert max(len(line) for line in table(barren, width=width).splitlines()) <= width


def test_one_line_a_finished_trial(run: list[TrialRecord]) -> None:
    """Number, verdict, space, accuracy, model, RAM, latency, seconds."""
    assert progress_line(trial_row(run[1], on_front=True)).split() == [
        *("#0001", "front", "ds_cnn", "94.4", "%", "model", "20.0", "kB"),
        *("est.", "RAM", "10.0", "kB", "est.", "9.00", "ms", "5.0", "s"),
    ]
    assert "over      ds_cnn             97.2 %  over by flash 5.0 kB, latency 1.00 ms" in progress_line(
        trial_row(run[4], on_front=False)
    )
    assert "rejected  ds_cnn" in progress_line(trial_row(run[6], on_front=False))
    assert progress_line(trial_row(run[7], on_front=False)).endswith("the loss is NaN after epoch 3")


def test_a_progress_line_fits(record: MakeRecord) -> None:
    """The longest names and figures of a real run stay within 100 columns uncut; a long reason is cut."""
    wide = record(9999, space="inverted_residual", model_bytes=69_999, activation_bytes=39_999, latency_ms=39.9)
    shown = progress_line(trial_row(wide, on_front=True))
    assert len(shown) <= WIDTH
    assert not shown.endswith("...")
    long = replace(record(1, correct=None), reason="word " * 40)
    assert len(progress_line(trial_row(long, on_front=False))) == WIDTH


def test_the_best_so_far(summary: Summary, barren: Summary) -> None:
    """The most accurate first, the rest counted; before anything fits, that is said."""
    lines = best_so_far(summary, rows=2).splitlines()
    assert lines[0].startswith("best so far, 3 trials on the front, hypervolume 0.")
    assert [line.split()[0] for line in lines[1:3]] == ["#0002", "#0001"]
    assert lines[3] == "  and 1 smaller or faster"
    assert best_so_far(barren) == "best so far: nothing fits yet (2 trained, 0 rejected)\n"
