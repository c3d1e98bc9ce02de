"""``tinyfront compress``: which of its three ways a command line asks for, and what each prints."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from search import text
from search.errors import JobError
from search.job import Job, read_job
from search.progress import Progress
from search.streams import STDERR, STDOUT, redirected

_ONCE = ("trials", "minutes", "name")


def run_compress(options: argparse.Namespace, began: float) -> int:
    """Exit code 0, or 1 when the result does not fit."""
    given = {key: getattr(options, key) for key in ("data", "device", "trials", "minutes", "name", "workers", "seed")}
    job = read_job(None, {**given, "network": options.model}, options.set)
    progress = Progress(sys.stderr)
    if options.plan is None and options.min_accuracy is None and options.max_loss is None:
        return _search(job, options, progress, began)
    return _once(job, options, progress)


def _search(job: Job, options: argparse.Namespace, progress: Progress, began: float) -> int:
    from search.compress import search_plans
    from search.document import as_document
    from search.show import summary_of

    if options.out is not None:
        raise JobError(
            "--out goes with a plan or an accuracy: a search keeps its models in the run, 'export' writes one"
        )
    with redirected((STDOUT,), STDERR):  # frameworks print, and stdout is data
        run = search_plans(job, Path(options.runs_dir), progress, began)
    summary = summary_of(run)
    if options.json:
        _print_json(as_document(summary))
    else:
        print(text.table(summary), end="")
    return 0 if summary.front else 1


def _once(job: Job, options: argparse.Namespace, progress: Progress) -> int:
    from search.compress import Floor, compress, opened, said
    from search.compress_files import read_plan, write_made
    from search.compress_report import report_document, report_text

    _check_once(options)
    floor = Floor(min_accuracy=options.min_accuracy, max_loss=options.max_loss)
    wish = floor if options.plan is None else read_plan(Path(options.plan))
    with redirected((STDOUT,), STDERR):
        problem, reading = opened(job)
        for sentence in said(reading):
            progress.say(sentence)
        made = compress(problem, reading, wish)
        files = write_made(made, Path(options.out or f"{Path(options.model).stem}-compressed"))
    progress.say(f"written: {', '.join(map(str, files))}")
    if options.json:
        _print_json(report_document(made.report))
    else:
        print(report_text(made.report), end="")
    return 0 if made.report.fits else 1


def _print_json(document: object) -> None:
    print(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))


def _check_once(options: argparse.Namespace) -> None:
    way = "--plan" if options.plan is not None else "--min-accuracy and --max-loss"
    if options.plan is not None and (options.min_accuracy is not None or options.max_loss is not None):
        raise JobError(
            "--plan says how strongly to compress, --min-accuracy and --max-loss let the accuracy say it: leave one out"
        )
    for key in _ONCE:
        if getattr(options, key) is not None:
            raise JobError(f"--{key} is of a search, {way} compress once: leave one out")
