"""What each command does once its options are parsed; every function returns an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from devices.suggestion import suggestion
from search import codec, text
from search.document import as_document, show_document
from search.errors import JobError
from search.printing import print_front, print_json
from search.record import TrialRecord
from search.store import RunFolder, find_run
from search.streams import STDERR, STDOUT, redirected

if TYPE_CHECKING:
    from search.job import Job

Command = Callable[[argparse.Namespace, float], int]


def _job_of(options: argparse.Namespace) -> Job:
    """The job of a command that takes a job file and options over it."""
    from search.job import read_job, settings_of_flags

    given = {
        key: getattr(options, key)
        for key in (
            *("data", "device", "task", "metric", "normal", "trials", "minutes"),
            *("name", "workers", "seed", "strategy"),
        )
    }
    settings = [*settings_of_flags(options.label, options.group_by, options.file_name), *options.set]
    return read_job(None if options.job is None else Path(options.job), given, settings)


def run_search(options: argparse.Namespace, began: float) -> int:
    """``tinyfront search``."""
    from search.progress import Progress
    from search.run import search
    from search.show import summary_of

    job = _job_of(options)
    with redirected((STDOUT,), STDERR):  # frameworks print, and stdout is data
        run = search(job, Path(options.runs_dir), Progress(sys.stderr), began)
    return print_front(summary_of(run), as_json=options.json)


def check(options: argparse.Namespace, _: float) -> int:
    """``tinyfront check``: exit 1 when nothing fits."""
    from search.check import check as check_job
    from search.check_text import check_document, check_text

    job = _job_of(options)
    with redirected((STDOUT,), STDERR):  # frameworks print, and stdout is data
        found = check_job(job)
    if options.json:
        print_json(check_document(found))
    else:
        print(check_text(found), end="")
    return 1 if found.nothing_fits else 0


def pareto(options: argparse.Namespace, _: float) -> int:
    """``tinyfront pareto``."""
    from search.show import summary_of

    run = find_run(Path(options.runs_dir), options.run)
    summary = summary_of(run, options.device)
    if options.json:
        print_json(as_document(summary, all_trials=options.all))
    elif options.csv:
        from search.csv_out import write_csv

        write_csv(summary, Path(options.csv), all_trials=options.all)
    elif options.plot:
        from search.plots import plot

        plot(summary, Path(options.plot))
    else:
        print(text.table(summary, all_trials=options.all), end="")
    return 0 if summary.front else 1


def _trial_of(run: RunFolder, number: int) -> TrialRecord:
    record = run.record(number)
    if record is None:
        known = [str(each.trial) for each in run.records()]
        raise JobError(f"run {run.name!r} has no trial {number}: {suggestion(str(number), known) if known else ''}")
    return record


def show(options: argparse.Namespace, _: float) -> int:
    """``tinyfront show``."""
    from search import trial_text
    from search.confusion_text import confusion_text
    from search.show import budget_and_device, summary_of

    run = find_run(Path(options.runs_dir), options.run)
    record = _trial_of(run, options.trial)
    summary = summary_of(run)
    on_front = any(point.trial == record.trial for point in summary.front)
    test, confusion = run.test_scores().get(record.trial), run.test_confusion(record.trial)
    if options.json:
        print_json(show_document(record, on_front=on_front, test=test, metrics=summary.metrics, confusion=confusion))
    else:
        budget, board = budget_and_device(run)
        metric = summary.metric.name
        whole = trial_text.show(record, device=board.name, budget=budget, on_front=on_front, test=test, metric=metric)
        print(whole + (confusion_text(confusion) if confusion else ""), end="")
    return 0


def status(options: argparse.Namespace, _: float) -> int:
    """``tinyfront status``."""
    from search.show import progress_of, summary_of
    from search.status_text import status as status_text

    run = find_run(Path(options.runs_dir), options.run)
    summary, progress = summary_of(run), progress_of(run)
    if options.json:
        counts = {
            key: getattr(summary, key) for key in ("n_trials", "n_trained", "n_feasible", "n_rejected", "n_failed")
        }
        print_json({"run": run.name, **codec.unstructure(progress), **counts, "hypervolume": summary.hypervolume})
    else:
        print(status_text(summary, progress), end="")
    return 0


def score(options: argparse.Namespace, _: float) -> int:
    """``tinyfront score``: exit 1 when the file does not fit or cannot run, on all boards where all were asked for."""
    from search.job import read_data_options, settings_of_flags
    from search.score_document import matrix_document, score_document
    from search.scoring import score_everywhere, score_file

    model = Path(options.model)
    if options.all_devices and options.data is not None:
        raise JobError("--data goes with one board: give --device NAME in place of --all-devices")
    _check_score(options)
    if options.all_devices:
        matrix = score_everywhere(model)
        if options.json:
            print_json(matrix_document(matrix))
        else:
            from search.matrix_text import matrix_text

            print(matrix_text(matrix), end="")
        return 0 if matrix.n_fits else 1
    with redirected((STDOUT,), STDERR):  # interpreters print, and stdout is data
        settings = settings_of_flags(options.label, options.group_by, options.file_name)
        given = read_data_options([*settings, *options.set])
        scored = score_file(model, options.device, options.data, given, options.task, options.normal or "")
    if options.json:
        print_json(score_document(scored))
    else:
        from search.score_text import score_text

        print(score_text(scored), end="")
    return 0 if scored.fits else 1


def _check_score(options: argparse.Namespace) -> None:
    """Nothing says how data are read that were not given."""
    for flag in ("label", "file_name", "group_by", "task", "normal", "set"):
        if options.data is None and getattr(options, flag):
            raise JobError(f"--{flag.replace('_', '-')} goes with --data: name the data, or leave it out")


def compress(options: argparse.Namespace, began: float) -> int:
    """``tinyfront compress``: exit 1 when the result does not fit."""
    from search.compress_command import run_compress

    return run_compress(options, began)


def export(options: argparse.Namespace, _: float) -> int:
    """``tinyfront export``."""
    from search.export import export_trial

    files = export_trial(
        find_run(Path(options.runs_dir), options.run),
        trial=options.trial,
        how=options.pick or "quality",
        device=options.device,
        target=options.target,
        out=None if options.out is None else Path(options.out),
    )
    for file in files:
        print(file)
    return 0


def devices(options: argparse.Namespace, _: float) -> int:
    """``tinyfront devices``."""
    from devices.boards import device_names
    from search.board_document import board_document
    from search.board_text import board_text, boards_table
    from search.boards import find_device

    boards = [find_device(name) for name in ([options.name] if options.name else device_names())]
    if options.json:
        documents = [board_document(board) for board in boards]
        print_json(documents[0] if options.name else documents)
    else:
        print(board_text(boards[0]) if options.name else boards_table(boards), end="")
    return 0


COMMANDS: Mapping[str, Command] = {
    "search": run_search,
    "check": check,
    "pareto": pareto,
    "show": show,
    "status": status,
    "export": export,
    "score": score,
    "compress": compress,
    "devices": devices,
}
