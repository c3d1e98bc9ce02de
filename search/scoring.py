"""``tinyfront score``: what a ``.tflite`` of any origin costs on a board, or on all of them."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from devices.boards import device_names
from devices.device import Device
from devices.flatbuffer import ModelFileError, read_graph
from devices.footprint import Budget, Footprint, OperatorCost, peak_operator
from devices.graph import Graph
from devices.measure import measure_graph
from devices.slim import slim
from devices.support import unsupported
from devices.vela import VelaError, vela_version
from search.board_latency import board_latency
from search.boards import find_device
from search.datasets.options import DataOptions
from search.errors import DataError, JobError, NothingFitsError, ToolchainError
from search.metrics.measurement import Measurement
from search.metrics.metric import Task
from search.record import InterpreterName
from search.score_data import OutputScale
from search.text import over

_MOST_BYTES = 2**31 - 1  # the offsets of a flatbuffer reach no further
_NEEDS_VELA, _NOT_COMPILED = "needs vela", "not compiled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One file on one board.

    Attributes
    ----------
    model
        The file as it was named.
    unsupported
        What the board's runtime cannot run, a sentence each; empty where it can.
    footprint, operators
        The cost; where something is not supported, as if it could be run.
    slimmed_bytes
        Bytes of the same model without what no runtime reads (exact).
    latency_source
        How the board's cycles were found.
    shares
        Metrics by name (``accuracy`` on the validation, ``test_accuracy`` on
        the test split, each also with ``litert_`` before it as a cross-check)
        where data was given.
    interpreter
        What ran it; None where no data was given.
    threshold
        Of an anomaly detector run on data: the mean squared difference of
        output and input above which a sample is an anomaly; else None.
    output_scale
        Of predicted values run on data: whether outputs were taken for values
        in the targets' unit or for standardised ones; else None.
    notes
        What is to be doubted of the run on data, a sentence each.
    """

    model: str
    device: Device
    unsupported: tuple[str, ...]
    footprint: Footprint
    operators: tuple[OperatorCost, ...]
    slimmed_bytes: int
    latency_source: str
    shares: Mapping[str, Measurement]
    interpreter: InterpreterName | None
    threshold: float | None = None
    output_scale: OutputScale | None = None
    notes: tuple[str, ...] = ()

    @property
    def excess(self) -> Mapping[str, float]:
        """How far flash and RAM are above what the board has, in bytes: ``<= 0`` fits."""
        budget = Budget(flash_bytes=self.device.flash_bytes, ram_bytes=self.device.ram_bytes)
        return dict(self.footprint.excess_over(budget))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it does not fit or cannot run; empty when it fits."""
        excess = self.excess
        return (*self.unsupported, over(excess)) if max(excess.values()) > 0 else self.unsupported

    @property
    def fits(self) -> bool:
        """True when the board can hold and run it."""
        return not self.reasons

    @property
    def peak(self) -> OperatorCost | None:
        """The operator at which memory peaks: the first with most bytes alive."""
        index = peak_operator(self.operators)
        return None if index is None else self.operators[index]

    @property
    def slowest(self) -> OperatorCost | None:
        """The operator that takes longest, the first among equals; None in a network without operators."""
        return max(self.operators, key=lambda cost: cost.cycles, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """A board on which the file was not scored.

    Attributes
    ----------
    short
        A few words: ``needs vela`` where Arm's compiler is not installed,
        ``not compiled`` where it refused the file.
    reason
        What is missing or was refused, and what to do.
    """

    device: Device
    short: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """One file on every board of the catalogue.

    Attributes
    ----------
    model_bytes, slimmed_bytes
        Of the file, as it is and without what no runtime reads (exact).
    boards
        Those that fit, the fastest first; then those it does not fit, the
        nearest miss first; then those whose runtime cannot run it.
    unscored
        Boards whose compiler is not installed or refuses the file.
    """

    model: str
    model_bytes: int
    slimmed_bytes: int
    boards: tuple[Scored, ...]
    unscored: tuple[Unscored, ...]

    @property
    def n_fits(self) -> int:
        """Number of boards that can hold and run it."""
        return sum(scored.fits for scored in self.boards)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ModelFile:
    """What is read once, whatever the number of boards."""

    path: Path
    content: bytes
    graph: Graph
    slimmed_bytes: int


def score_file(
    model: Path,
    device: str,
    data: str | None,
    options: DataOptions | None = None,
    task: Task | None = None,
    normal: str = "",
) -> Scored:
    """Cost a file on a board, and run it on data where given and the board's runtime can run it.

    Parameters
    ----------
    options
        How the data are read and split; None for the defaults.
    task
        What the model was trained for; None finds it out of the data.
    normal
        Label of the normal samples, for an anomaly detector.

    Raises
    ------
    JobError
        When the board or the file cannot be read.
    DataError
        When the file is no model, or the data does not go with it.
    NothingFitsError
        When the compiler that the board needs refuses the file.
    ToolchainError
        When that compiler is not installed, or the file ends its interpreter.
    """
    board = find_device(device)
    file = _read(model)
    scored = _score(file, board)
    if isinstance(scored, Unscored):
        kind = ToolchainError if scored.short == _NEEDS_VELA else NothingFitsError
        raise kind(f"model {str(model)!r} on {board.name}: {scored.reason}")
    if data is None or scored.unsupported:  # what cannot be run has no accuracy
        return scored
    from search.score_data import run_on

    found = run_on(file.content, model, data, board.runtime, options, task, normal)
    return replace(
        scored,
        shares=found.shares,
        interpreter=found.interpreter,
        threshold=found.threshold,
        output_scale=found.output_scale,
        notes=found.notes,
    )


def score_everywhere(model: Path) -> Matrix:
    """Cost a file on every board of the catalogue; it is read and parsed once.

    Raises
    ------
    JobError, DataError
        As `score_file`.
    """
    file = _read(model)
    devices = [find_device(name) for name in device_names()]
    with ThreadPoolExecutor() as pool:  # compilers of accelerators run as processes of their own, side by side
        boards = list(pool.map(partial(_score, file), devices))
    scored = (each for each in boards if isinstance(each, Scored))
    return Matrix(
        model=str(model),
        model_bytes=len(file.content),
        slimmed_bytes=file.slimmed_bytes,
        boards=tuple(sorted(scored, key=_rank)),
        unscored=tuple(each for each in boards if isinstance(each, Unscored)),
    )


def _rank(scored: Scored) -> tuple[int, float, str]:
    """Place in the matrix: by latency where it fits, by the worst shortage where it does not."""
    device, cost = scored.device, scored.footprint
    if scored.fits:
        return 0, cost.latency_ms, device.name
    shortage = max(cost.flash_bytes / device.flash_bytes, cost.ram_bytes / device.ram_bytes)
    return (2 if scored.unsupported else 1), shortage, device.name


def _read(model: Path) -> _ModelFile:
    content = _content(model)
    try:
        return _ModelFile(path=model, content=content, graph=read_graph(content), slimmed_bytes=len(slim(content)))
    except ModelFileError as error:
        raise DataError(f"model {str(model)!r}: {error}") from error


def _content(model: Path) -> bytes:
    """The bytes of a regular file; a device or a pipe might never end."""
    try:
        found = model.stat()
        if not stat.S_ISREG(found.st_mode):
            kind = "a directory" if stat.S_ISDIR(found.st_mode) else "no regular file"
            raise JobError(f"model {str(model)!r} cannot be read: it is {kind}; give the path of a .tflite file")
        if found.st_size > _MOST_BYTES:
            raise DataError(
                f"model {str(model)!r} has {found.st_size} bytes, a .tflite file {_MOST_BYTES} at most; "
                "give a .tflite file"
            )
        return model.read_bytes()
    except OSError as error:
        raise JobError(f"model {str(model)!r} cannot be read: {error.strerror}") from error


def _score(file: _ModelFile, device: Device) -> Scored | Unscored:
    try:
        footprint, operators = measure_graph(file.graph, file.content, device)
    except VelaError as error:
        return Unscored(device=device, short=_NOT_COMPILED if _has_vela() else _NEEDS_VELA, reason=str(error))
    return Scored(
        model=str(file.path),
        device=device,
        unsupported=unsupported(file.graph, device),
        footprint=footprint,
        operators=operators,
        slimmed_bytes=file.slimmed_bytes,
        latency_source=board_latency(device).source,
        shares={},
        interpreter=None,
    )


def _has_vela() -> bool:
    try:
        vela_version()
    except VelaError:
        return False
    return True
