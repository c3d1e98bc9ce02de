"""A run as its records have it now: read, never written, and without TensorFlow."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

from compressors.huffman_coding import is_coded
from devices.device import Device
from devices.footprint import Budget
from devices.frontend.intake import Intake
from devices.vela import VelaError, vela_version
from search.boards import budget_of, find_device
from search.errors import StorageError, ToolchainError
from search.front import DEFAULT_OBJECTIVES, quality_of
from search.frontends import variant_of
from search.record import Score, TrialRecord
from search.status_text import RunProgress, RunState
from search.store import RunFolder
from search.summary import Summary, summarize


def budget_and_device(run: RunFolder, device: str | None = None) -> tuple[Budget, Device]:
    """The run's limits and board, or another board's own limits."""
    job = run.job()
    own = run.device() or find_device(job.device)
    board = own if device is None else find_device(device)
    if board.name != own.name:
        return Budget(flash_bytes=board.flash_bytes, ram_bytes=board.ram_bytes, latency_ms=job.budget.latency_ms), board
    return budget_of(job, board), board


def summary_of(run: RunFolder, device: str | None = None) -> Summary:
    """The run's summary; with `device`, its artifacts costed anew on that board.

    Raises
    ------
    JobError
        When the board is unknown.
    StorageError
        When the run is damaged.
    """
    if device is None:
        return summary_with(run, run.records())
    budget, board = budget_and_device(run, device)
    return summary_with(run, records_on(run, board, budget), device)


def summary_with(run: RunFolder, records: Sequence[TrialRecord], device: str | None = None) -> Summary:
    """The summary of a run that has these records."""
    budget, board = budget_and_device(run, device)
    job = run.job()
    return summarize(
        run=run.name,
        device=board.name,
        objectives=job.trade_off,
        budget=budget,
        records=records,
        test=run.test_scores(),
        runtime=board.runtime,
        metric=job.metric or quality_of(job.trade_off) or DEFAULT_OBJECTIVES[0],
        baseline=run.baseline(),
    )


def records_on(run: RunFolder, board: Device, budget: Budget) -> tuple[TrialRecord, ...]:
    """The run's records with their artifacts costed on a board; what was never an artifact has no cost there.

    Raises
    ------
    ToolchainError
        When the board has an Ethos-U and Vela is not installed.
    """
    try:
        if board.accelerator is not None:
            vela_version()
    except VelaError as error:
        raise ToolchainError(f"device {board.name!r}: {error}") from error
    return tuple(_on_board(run, record, board, budget) for record in run.records())


def _on_board(run: RunFolder, record: TrialRecord, board: Device, budget: Budget) -> TrialRecord:
    from devices.coding.package import pack
    from devices.coding.stored import UnpackError, coded
    from devices.flatbuffer import read_graph
    from devices.measure import measure_graph
    from devices.support import unsupported

    if record.score is None:
        return dataclasses.replace(record, predicted=None)
    content = run.artifact(record)
    graph = read_graph(content)
    refusals = unsupported(graph, board)
    try:
        footprint, _ = measure_graph(graph, content, board) if not refusals else (None, ())
        if footprint is not None and is_coded(record.compression):
            footprint = coded(footprint, len(pack(content)), board)
        if footprint is not None and record.score.footprint.frontend_flash_bytes:
            data_file = run.data_file_of(variant_of(run.job().frontend, record.drawn))
            footprint = _intake_in(data_file).added_to(footprint, board)
    except (VelaError, UnpackError) as error:  # the board takes other files of the run all the same
        refusals, footprint = (str(error),), None
    if footprint is None:
        return dataclasses.replace(record, state="failed", reason=refusals[0], score=None, predicted=None, excess={})
    score: Score = dataclasses.replace(record.score, footprint=footprint)
    return dataclasses.replace(record, score=score, excess=dict(footprint.excess_over(budget)))


@functools.lru_cache(maxsize=4)
def _intake_in(file: Path) -> Intake:
    from search.datasets.load import read

    intake = read(file).intake
    if intake == Intake():
        raise StorageError(f"{file} has no table or front-end, and the run's records count one: the run is damaged")
    return intake


def progress_of(run: RunFolder) -> RunProgress:
    """How far a run is, from its events and its lock."""
    job = run.job()
    last = [event["event"] for event in run.events() if event.get("event") in ("started", "finished")]
    state: RunState = "interrupted"
    if run.is_running():
        state = "running"
    elif last and last[-1] == "finished":
        state = "finished"
    return RunProgress(state=state, trials=job.trials, minutes=job.minutes, elapsed_seconds=run.elapsed_seconds())
