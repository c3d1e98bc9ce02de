"""``tinyfront export``: one model of a run, ready for the device."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from compressors.huffman_coding import is_coded
from devices.artifact import Artifact
from devices.coding.package import pack
from devices.coding.stored import UnpackError, coded
from devices.export.bundle import Bundle
from devices.export.catalog import find_target
from devices.export.records import ExportError, Golden, Metric, Provenance
from devices.export.write import export
from devices.flatbuffer import read_artifact, read_graph
from devices.footprint import exceeded
from devices.measure import measure
from devices.vela import VelaError, compile
from search import codec
from search.errors import JobError, NothingFitsError, StorageError, ToolchainError
from search.front import front, pick
from search.frontends import variant_of
from search.metrics.measurement import Measurement
from search.record import TrialRecord
from search.show import budget_and_device, records_on
from search.store import RunFolder

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from search.datasets.dataset import Dataset
    from search.record import Score

_GOLDEN_SAMPLES = 3
COLUMNS_FILE = "columns.json"


def export_trial(
    run: RunFolder, *, trial: int | None, how: str, device: str | None, target: str, out: Path | None
) -> tuple[Path, ...]:
    """Write a trial's model for a target.

    Parameters
    ----------
    trial
        Number of a scored trial; None picks from the front by `how`.
    how
        One of `search.front.PICKS`.
    device
        Another board than the run's; None for the run's.
    out
        Folder to write; None makes one here, named by run, trial and target.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    JobError
        For an unknown trial, target, board or way to pick, a board that cannot
        unpack the trial's model, or an occupied folder.
    NothingFitsError
        When the run has no front, or the model does not fit the board.
    StorageError
        When the run is damaged.
    ToolchainError
        When the board has an Ethos-U and Vela is missing or fails.
    """
    try:
        writer = find_target(target)
        record = _chosen(run, trial, how, device)
        bundle = _bundle(run, record, device)
        beside = {} if bundle.table is None else {COLUMNS_FILE: codec.to_json(bundle.table).encode()}
        folder = out or Path(f"{run.name}-{record.trial:04d}-{writer.name}")
        return export(replace(bundle, columns_file="".join(beside)), writer, folder, beside)
    except VelaError as error:
        raise ToolchainError(str(error)) from error
    except UnpackError as error:
        raise JobError(f"{error}, or pick another trial or board") from error
    except ExportError as error:
        kind = StorageError if isinstance(error.__cause__, OSError) else JobError
        raise kind(str(error)) from error


def _chosen(run: RunFolder, trial: int | None, how: str, device: str | None) -> TrialRecord:
    if trial is None:
        budget, board = budget_and_device(run, device)
        records = run.records() if device is None else records_on(run, board, budget)
        objectives = run.job().trade_off
        return pick(front(records, objectives), how, objectives)
    record = run.record(trial)
    if record is None or record.score is None:
        state = "is unknown" if record is None else f"was {record.state}: {record.reason}"
        raise JobError(
            f"trial {trial} of run {run.name!r} {state}; 'tinyfront pareto {run.name}' lists what can be exported"
        )
    return record


def _bundle(run: RunFolder, record: TrialRecord, device: str | None) -> Bundle:
    from search.datasets.load import read

    if record.score is None:
        raise StorageError(f"trial {record.trial} of run {run.name!r} has no score")
    budget, board = budget_and_device(run, device)
    data = read(run.data_file_of(variant_of(run.job().frontend, record.drawn)))
    artifact = read_artifact(run.artifact(record), data.output_labels)
    footprint, _ = measure(artifact.content, board)
    if is_coded(record.compression):
        package = pack(artifact.content)
        artifact, footprint = replace(artifact, package=package), coded(footprint, len(package), board)
    footprint = data.intake.added_to(footprint, board)
    broken = exceeded(dict(footprint.excess_over(budget)))
    if broken:
        raise NothingFitsError(f"trial {record.trial} does not fit {board.name}: it exceeds {broken}; pick another")
    return Bundle(
        artifact=artifact,
        graph=read_graph(artifact.content),
        device=board,
        footprint=footprint,
        normalization=data.normalization,
        provenance=_provenance(run, record, data),
        golden=_golden(artifact, data, record.score),
        metrics=_metrics(record.score, run.test_scores().get(record.trial)),
        targets=data.targets,
        threshold=record.score.threshold,
        compiled=None if board.accelerator is None else compile(artifact.content, board.accelerator).content,
        frontend=data.frontend,
        table=data.table,
        rows=data.rows[_GOLDEN_SAMPLES:],
    )


def _provenance(run: RunFolder, record: TrialRecord, data: Dataset) -> Provenance:
    rows = {**record.drawn, **{f"compression.{name}": json.dumps(dict(v)) for name, v in record.compression.items()}}
    return Provenance(
        run=run.name,
        trial=record.trial,
        tinyfront_version=version("tinyfront"),
        data=data.name,
        hyperparameters=tuple((name, str(value)) for name, value in rows.items()),
    )


def _golden(artifact: Artifact, data: Dataset, score: Score) -> tuple[Golden, ...]:
    """The first validation samples and what the interpreter answers; the test split stays shut."""
    from search.evaluate import interpreter_version, predict, quantize

    x, y = data.validation.x[:_GOLDEN_SAMPLES], data.validation.y[:_GOLDEN_SAMPLES]
    stored, answers = quantize(artifact.input, x), predict(artifact, x, score.interpreter)
    label = f"{score.interpreter} {interpreter_version(score.interpreter)}"
    return tuple(
        Golden.from_arrays(
            stored[index],
            answers[index],
            interpreter=label,
            label=int(y[index]) if data.output_labels else None,
            raw=_raw(data, index),
            row=data.rows[index] if index < len(data.rows) else None,
        )
        for index in range(len(x))
    )


def _raw(data: Dataset, index: int) -> npt.NDArray[np.float32] | None:
    """The raw sample of a validation sample; None where there is no front-end, or it was not kept."""
    return None if data.raw is None or index >= len(data.raw) else data.raw[index]


def _metrics(score: Score, test: Mapping[str, Measurement] | None) -> tuple[Metric, ...]:
    found = {**score.metrics, **{f"test_{name}": each for name, each in (test or {}).items()}}
    return tuple(
        Metric(name=name, value=each.value, n=each.n, low=min(each.low, each.value), high=max(each.high, each.value))
        for name, each in found.items()
    )
