"""``tinyfront compress``: which of its four ways a command line asks for, and what each prints."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from search.errors import JobError
from search.job import Job, read_job, settings_of_flags
from search.printing import print_front, print_json
from search.progress import Progress
from search.streams import STDERR, STDOUT, redirected

if TYPE_CHECKING:
    from search.mixed_trial import MixedTarget

_WAYS = ("plan", "min_accuracy", "max_loss", "mixed_loss", "mixed_bytes")
_OF_JOB = ("data", "device", "task", "metric", "normal", "trials", "minutes", "name", "workers", "seed")
_ONCE = ("trials", "minutes", "name")


def run_compress(options: argparse.Namespace, began: float) -> int:
    """Exit code 0, or 1 when the result does not fit."""
    given = {key: getattr(options, key) for key in _OF_JOB}
    settings = [*settings_of_flags(options.label, options.group_by, options.file_name), *options.set]
    job = read_job(None, {**given, "network": options.model}, settings)
    progress = Progress(sys.stderr)
    if options.sensitivity:
        return _sensitivity(job, options, progress)
    if is_search(options):
        return _search(job, options, progress, began)
    return _once(job, options, progress)


def is_search(options: argparse.Namespace) -> bool:
    """True where the options leave it to a search how to compress."""
    return not options.sensitivity and all(getattr(options, key) is None for key in _WAYS)


def _sensitivity(job: Job, options: argparse.Namespace, progress: Progress) -> int:
    from search.compress import opened, said
    from search.compress_sensitivity import (
        measure_sensitivity,
        sensitivity_document,
        sensitivity_text,
        write_sensitivity,
    )

    for key in (*_WAYS, *_ONCE):
        if getattr(options, key) is not None:
            raise JobError(
                f"--sensitivity measures layers and compresses nothing, --{key.replace('_', '-')} compresses: "
                "leave one out"
            )
    with redirected((STDOUT,), STDERR):
        problem, reading = opened(job)
        for sentence in (*problem.data_notes, *said(reading)):
            progress.say(sentence)
        report = measure_sensitivity(problem, reading)
        files = () if options.out is None else write_sensitivity(report, Path(options.out))
    if files:
        progress.say(f"written: {', '.join(map(str, files))}")
    if options.json:
        print_json(sensitivity_document(report))
    else:
        print(sensitivity_text(report), end="")
    return 0


def _search(job: Job, options: argparse.Namespace, progress: Progress, began: float) -> int:
    from search.compress import search_plans
    from search.show import summary_of

    if options.out is not None:
        raise JobError(
            "--out goes with a plan or an accuracy, or with --sensitivity: "
            "a search keeps its models in the run, 'export' writes one"
        )
    with redirected((STDOUT,), STDERR):  # frameworks print, and stdout is data
        run = search_plans(job, Path(options.runs_dir), progress, began)
    return print_front(summary_of(run), as_json=options.json)


def _once(job: Job, options: argparse.Namespace, progress: Progress) -> int:
    from compressors.plan import CompressionPlan
    from compressors.quantization import Quantization
    from search.compress import compress, opened, said
    from search.compress_files import read_plan, write_made
    from search.compress_floor import Floor
    from search.compress_report import report_document, report_text

    _check_once(options)
    mixed = _mixed(options)
    if options.plan is not None:
        wish: CompressionPlan | Floor = read_plan(Path(options.plan))
    elif mixed is not None:
        wish = CompressionPlan.of(Quantization())
    else:
        wish = Floor(min_accuracy=options.min_accuracy, max_loss=options.max_loss)
    with redirected((STDOUT,), STDERR):
        problem, reading = opened(job)
        for sentence in (*problem.data_notes, *said(reading)):
            progress.say(sentence)
        made = compress(problem, reading, wish, mixed)
        files = write_made(made, Path(options.out or f"{Path(options.model).stem}-compressed"))
    progress.say(f"written: {', '.join(map(str, files))}")
    if options.json:
        print_json(report_document(made.report))
    else:
        print(report_text(made.report), end="")
    return 0 if made.report.fits else 1


def _mixed(options: argparse.Namespace) -> MixedTarget | None:
    if options.mixed_loss is None and options.mixed_bytes is None:
        return None
    from search.mixed_trial import MixedTarget

    return MixedTarget(largest_loss=options.mixed_loss, most_bytes=options.mixed_bytes)


def _check_once(options: argparse.Namespace) -> None:
    way = "--plan" if options.plan is not None else "--min-accuracy and --max-loss"
    if options.mixed_loss is not None or options.mixed_bytes is not None:
        way = "--mixed-loss and --mixed-bytes"
        if options.min_accuracy is not None or options.max_loss is not None:
            raise JobError(
                f"{way} choose the bits of a plan's layers, --min-accuracy and --max-loss prune: leave one out, "
                "or prune first and give the plan.yaml that is written with --plan"
            )
    if options.plan is not None and (options.min_accuracy is not None or options.max_loss is not None):
        raise JobError(
            "--plan says how strongly to compress, --min-accuracy and --max-loss let the accuracy say it: leave one out"
        )
    for key in _ONCE:
        if getattr(options, key) is not None:
            raise JobError(f"--{key} is of a search, {way} compress once: leave one out")
