"""The command line: ``tinyfront search | check | pareto | show | status | export | score | compress | devices``.

stdout is data, stderr is progress.  Every import beyond argparse waits until a
command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

from search.errors import StorageError, TinyFrontError

_DESCRIPTION = (
    "Search network architecture and compression together for a microcontroller, "
    "and keep the Pareto front of accuracy, flash, RAM and latency."
)


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: that costs a tenth of what ``--help`` may take."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(version("tinyfront"))
        parser.exit()


_GOES_ON = {True: "; the same command goes on from here", False: ""}


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    main_parser = argparse.ArgumentParser(prog="tinyfront", description=_DESCRIPTION)
    main_parser.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    commands = main_parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_search(commands)
    _add_check(commands)
    _add_pareto(commands)
    _add_show(commands)
    _add_status(commands)
    _add_export(commands)
    _add_score(commands)
    _add_compress(commands)
    _add_devices(commands)
    return main_parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help_: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=help_, description=help_)
    return command


def _add_runs(command: argparse.ArgumentParser) -> None:
    command.add_argument("run", metavar="RUN", help="name of the run")
    command.add_argument("--runs-dir", default="runs", metavar="DIR", help="folder of all runs (default: runs)")


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def _add_data(command: argparse.ArgumentParser, *, required: bool, help_: str) -> None:
    command.add_argument("--data", required=required, metavar="NAME|PATH", help=help_)
    command.add_argument("--label", metavar="COLUMN", help="column of the label, by name or position (last)")
    command.add_argument("--file-name", metavar="TEMPLATE", help="what names of files say: {label}_{speaker}_{_}")
    command.add_argument("--group-by", metavar="WHAT", help="never split what this column or field of file names names")


def _add_task(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--task", metavar="T", help="classification, regression or anomaly_detection (default: by the labels)"
    )
    command.add_argument("--metric", metavar="M", help="what is improved beside the costs (default: the task's first)")
    command.add_argument("--normal", metavar="LABEL", help="label of normal samples: finds what is unlike them")


def _add_search(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(commands, "search", "search architectures and compression; the same command continues a run")
    _add_job(command)


def _add_check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(commands, "check", "say what the data hold and what a search would do, without training")
    _add_job(command)


def _add_job(command: argparse.ArgumentParser) -> None:
    command.add_argument("job", nargs="?", metavar="JOB.yaml", help="job file; the options below override it")
    _add_data(command, required=False, help_="built-in name, file or folder of data, or module:function")
    command.add_argument("--device", metavar="NAME", help="board name (see 'tinyfront devices') or board .toml file")
    _add_task(command)
    command.add_argument("--trials", type=int, metavar="N", help="stop after N trained trials")
    command.add_argument("--minutes", type=float, metavar="M", help="stop after M minutes (default 5 without --trials)")
    command.add_argument("--name", metavar="RUN", help="name of the run (default: from data, device and job)")
    command.add_argument("--workers", type=int, metavar="W", help="trials trained at once (default: number of cores)")
    command.add_argument("--seed", type=int, metavar="S", help="equal seeds give equal trials with one worker")
    command.add_argument("--strategy", metavar="NAME", help="tpe (default) or random")
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override any key of the job")
    command.add_argument("--runs-dir", default="runs", metavar="DIR", help="folder of all runs (default: runs)")
    _add_json(command)


def _add_pareto(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(commands, "pareto", "show the Pareto front of a run")
    _add_runs(command)
    form = command.add_mutually_exclusive_group()
    _add_json(form)  # type: ignore[arg-type]  # a group takes arguments as a parser does
    form.add_argument("--csv", metavar="FILE", help="write the front as CSV")
    form.add_argument("--plot", metavar="FILE", help="draw the front: .png, .svg or .html")
    command.add_argument("--device", metavar="NAME", help="cost the artifacts on another board")
    command.add_argument("--all", action="store_true", help="every trial, not only the front")


def _add_show(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(commands, "show", "show one trial of a run")
    _add_runs(command)
    command.add_argument("trial", type=int, metavar="TRIAL", help="number of the trial")
    _add_json(command)


def _add_status(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(commands, "status", "say how far a run is")
    _add_runs(command)
    _add_json(command)


def _add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(commands, "export", "write a model of a run, ready for the device")
    _add_runs(command)
    choice = command.add_mutually_exclusive_group()
    choice.add_argument("--trial", type=int, metavar="N", help="this trial")
    choice.add_argument(
        "--pick", metavar="HOW", help="quality, flash, ram, latency, knee or a metric (default: quality)"
    )
    command.add_argument("--device", metavar="NAME", help="export for another board than the run's")
    command.add_argument("--target", required=True, metavar="TARGET", help="tflite or cpp")
    command.add_argument("--out", metavar="DIR", help="folder to write (default: RUN-TRIAL-TARGET here)")


def _add_score(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(commands, "score", "what a .tflite of any origin costs on a board, and whether it fits")
    command.add_argument("model", metavar="MODEL.tflite")
    board = command.add_mutually_exclusive_group(required=True)
    board.add_argument("--device", metavar="NAME", help="board name or board .toml file")
    board.add_argument("--all-devices", action="store_true", help="a line for every board of the catalogue")
    _add_data(command, required=False, help_="also run it on this data's validation and test split")
    tasks = ("classification", "regression", "anomaly_detection")
    command.add_argument("--task", choices=tasks, help="what it was trained for (default: by the labels of the data)")
    command.add_argument("--normal", metavar="LABEL", help="label of normal samples, for a file that gives inputs back")
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="set an option of the data")
    _add_json(command)


def _add_compress(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "compress", "compress a network of your own; without a plan or an accuracy, search plans for it"
    )
    command.add_argument("model", metavar="MODEL", help=".keras or .h5 file, or SavedModel folder")
    _add_data(command, required=True, help_="the data it was made for")
    command.add_argument("--device", required=True, metavar="NAME", help="board name or board .toml file")
    _add_task(command)
    command.add_argument("--plan", metavar="PLAN.yaml", help="techniques and their settings, applied once")
    command.add_argument(
        "--min-accuracy",
        type=float,
        metavar="A",
        help="prune down to this accuracy, 0 to 1 (of values: R2, of anomalies: ROC AUC)",
    )
    command.add_argument("--max-loss", type=float, metavar="L", help="prune until this much accuracy is lost, 0 to 1")
    command.add_argument("--mixed-loss", type=float, metavar="L", help="4-bit weights while no more than L is lost")
    command.add_argument("--mixed-bytes", type=int, metavar="N", help="4-bit weights until the model has N bytes")
    command.add_argument("--sensitivity", action="store_true", help="only measure what each layer can take")
    command.add_argument("--trials", type=int, metavar="N", help="search: stop after N trials")
    command.add_argument("--minutes", type=float, metavar="M", help="search: stop after M minutes (default 5)")
    command.add_argument("--name", metavar="RUN", help="search: name of the run (default: from data, device and job)")
    command.add_argument("--seed", type=int, metavar="S", help="equal seeds give equal files")
    command.add_argument("--workers", type=int, metavar="W", help="processes at once (default: number of cores)")
    command.add_argument("--out", metavar="DIR", help="folder for the model, its plan and report (MODEL-compressed)")
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override any key of the job")
    command.add_argument("--runs-dir", default="runs", metavar="DIR", help="folder of all runs (default: runs)")
    _add_json(command)


def _add_devices(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(commands, "devices", "list the boards, or one with the source of its numbers")
    command.add_argument("name", nargs="?", metavar="NAME")
    _add_json(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 ok, 1 ran but nothing fits, 2 usage or job, 3 data, 4 device or
    toolchain, 5 storage, 130 and 143 for SIGINT and SIGTERM.
    """
    began = time.monotonic()
    if sys.stdout is None:  # closed by the caller: descriptor 1 must not fall to the next file that is opened
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - for as long as the process lives
    options = parser().parse_args(arguments)
    if options.command is None:
        parser().print_help()
        return 2
    from search import commands

    try:
        signal.signal(signal.SIGTERM, _terminated)
        code = commands.COMMANDS[options.command](options, began)
        sys.stdout.flush()  # here, not when Python ends, is known what to say of a reader that left
        return code
    except TinyFrontError as error:
        print(f"tinyfront: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"tinyfront: stopped{_GOES_ON[_is_search(options)]}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _drop_stdout()
        return 128 + signal.SIGPIPE
    except OSError as error:
        _drop_stdout()
        print(f"tinyfront: {error}: free space, or check where the output goes", file=sys.stderr)
        return StorageError.exit_code


def _drop_stdout() -> None:
    """Send to nowhere what is flushed when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_search(options: argparse.Namespace) -> bool:
    """True for a command that leaves a run to go on with."""
    if options.command == "compress":
        from search.compress_command import is_search

        return is_search(options)
    return bool(options.command == "search")


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    print("tinyfront: terminated", file=sys.stderr)
    raise SystemExit(143)
