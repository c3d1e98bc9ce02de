"""``tinyfront score``: what a ``.tflite`` of any origin costs on a board, and how well it does on data."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices.device import Device
from devices.flatbuffer import ModelFileError, read_artifact, read_graph
from devices.footprint import Budget, Footprint, OperatorCost
from devices.measure import measure
from devices.support import unsupported
from search.boards import find_device
from search.errors import DataError, JobError, ToolchainError
from search.record import InterpreterName, Proportion
from search.text import over
from search.units import kilobytes, milliseconds, milliseconds_range, percent

if TYPE_CHECKING:
    from search.datasets.dataset import Dataset

_MOST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One file on one board.

    Attributes
    ----------
    reasons
        Why it does not fit or cannot run; empty when it fits.
    shares
        Accuracy by name (``accuracy`` on the validation, ``test_accuracy`` on
        the test split, each also with ``litert_`` before it as a cross-check)
        where data was given.
    interpreter
        What ran it; None where no data was given.
    """

    model: str
    device: Device
    reasons: tuple[str, ...]
    footprint: Footprint
    operators: tuple[OperatorCost, ...]
    shares: Mapping[str, Proportion]
    interpreter: InterpreterName | None

    @property
    def fits(self) -> bool:
        """True when the board can hold and run it."""
        return not self.reasons


def score_file(model: Path, device: str, data: str | None) -> Scored:
    """Cost a file on a board, and run it on data where given.

    Raises
    ------
    JobError
        When the board or the file cannot be read.
    DataError
        When the file is no model, or the data does not go with it.
    """
    board = find_device(device)
    try:
        content = model.read_bytes()
    except OSError as error:
        raise JobError(f"model {str(model)!r} cannot be read: {error.strerror}") from error
    try:
        graph = read_graph(content)
        footprint, operators = measure(content, board)
    except ModelFileError as error:
        raise DataError(f"model {str(model)!r}: {error}") from error
    excess = dict(footprint.excess_over(Budget(flash_bytes=board.flash_bytes, ram_bytes=board.ram_bytes)))
    reasons = [*unsupported(graph), *([over(excess)] if max(excess.values()) > 0 else [])]
    shares, interpreter = (dict[str, Proportion](), None) if data is None else _run_on(content, model, data)
    return Scored(
        model=str(model),
        device=board,
        reasons=tuple(reasons),
        footprint=footprint,
        operators=operators,
        shares=shares,
        interpreter=interpreter,
    )


def _run_on(content: bytes, model: Path, reference: str) -> tuple[dict[str, Proportion], InterpreterName]:
    """Accuracy on both held-out splits, and LiteRT's as a cross-check where it is not the interpreter.

    LiteRT's outputs differ from the device's by a few steps, so its figures
    stand under names of their own; they are left out where it cannot run a
    file that the device's interpreter runs.
    """
    from search.datasets.load import load
    from search.evaluate import EvaluationError, available_interpreter

    data, interpreter = load(reference), available_interpreter()
    _check_ports(content, model, data)
    shares = _in_child(content, model, data, interpreter)
    if interpreter != "litert":
        with contextlib.suppress(ToolchainError, EvaluationError):
            checked = _in_child(content, model, data, "litert")
            shares |= {f"litert_{name}": share for name, share in checked.items()}
    return shares, interpreter


def _in_child(content: bytes, model: Path, data: Dataset, interpreter: InterpreterName) -> dict[str, Proportion]:
    """Both accuracies, found in a child process: a foreign file may kill its interpreter."""
    import multiprocessing

    from pebble import ProcessExpired, ProcessPool

    with ProcessPool(max_workers=1, context=multiprocessing.get_context("spawn")) as pool:
        future = pool.schedule(_accuracies, args=[content, data, interpreter], timeout=_MOST_SECONDS)
        try:
            found: dict[str, Proportion] = future.result()
        except (ProcessExpired, TimeoutError) as error:
            how = getattr(error, "exitcode", f"after {_MOST_SECONDS:g} s")
            raise ToolchainError(
                f"model {str(model)!r} ended the {interpreter} interpreter (exit code {how}): it cannot be run here"
            ) from error
    return found


def _accuracies(content: bytes, data: Dataset, interpreter: InterpreterName) -> dict[str, Proportion]:
    from search.evaluate import accuracy

    artifact = read_artifact(content, data.labels)
    return {
        "accuracy": accuracy(artifact, data.validation, interpreter),
        "test_accuracy": accuracy(artifact, data.test, interpreter),
    }


def _check_ports(content: bytes, model: Path, data: Dataset) -> None:
    try:
        artifact = read_artifact(content, data.labels)
    except ModelFileError as error:
        raise DataError(f"model {str(model)!r}: {error}") from error
    if artifact.input.shape[1:] != data.input_shape:
        raise DataError(
            f"model {str(model)!r} takes inputs of shape {artifact.input.shape[1:]}, "
            f"data {data.name!r} has {data.input_shape}"
        )
    outputs = math.prod(artifact.output.shape)
    if outputs != data.n_classes:
        raise DataError(f"model {str(model)!r} has {outputs} outputs, data {data.name!r} has {data.n_classes} classes")


def score_document(scored: Scored) -> dict[str, Any]:
    """The JSON document of ``score --json``."""
    cost = scored.footprint
    document: dict[str, Any] = {
        "model": scored.model,
        "device": scored.device.name,
        "fits": scored.fits,
        "reasons": list(scored.reasons),
    }
    for name in ("flash_bytes", "model_bytes", "runtime_flash_bytes", "ram_bytes", "arena_bytes"):
        document[name] = getattr(cost, name)
    for name in ("macs", "instructions", "cycles", "latency_ms", "latency_low_ms", "latency_high_ms"):
        document[name] = getattr(cost, name)
    for name, share in scored.shares.items():
        low, high = share.interval()
        document |= {name: share.value, f"{name}_n": share.n, f"{name}_low": low, f"{name}_high": high}
    if scored.interpreter is not None:
        document["interpreter"] = scored.interpreter
    document["operators"] = [
        {
            "index": each.index,
            "op": each.op,
            "output_shape": list(each.output_shape),
            "macs": each.macs,
            "instructions": each.instructions,
            "cycles": each.cycles,
            "latency_ms": each.latency_ms,
        }
        for each in scored.operators
    ]
    return document


def score_text(scored: Scored) -> str:
    """The same as text, with a line an operator."""
    cost = scored.footprint
    lines = [
        f"{scored.model} on {scored.device.name}: {'fits' if scored.fits else 'does not fit'}",
        *(f"  {reason}" for reason in scored.reasons),
        f"flash  {kilobytes(cost.flash_bytes)} kB: model {cost.model_bytes} B (exact), "
        f"runtime {cost.runtime_flash_bytes} B (est.)",
        f"RAM    {kilobytes(cost.ram_bytes)} kB: arena {cost.arena_bytes} B in use, {cost.setup_bytes} B while it is "
        f"set up (calculated), static and stack {cost.static_ram_bytes} B (est.)",
        f"time   {milliseconds_range(cost.latency_ms, cost.latency_low_ms, cost.latency_high_ms)} ms (est., 90 %), "
        f"{cost.cycles} cycles (est.), {cost.macs} MACs",
    ]
    for name, share in scored.shares.items():
        ran_by = "litert, a cross-check" if name.startswith("litert_") else scored.interpreter
        lines.append(f"{name:<20} {percent(share)} %, n = {share.n}, by {ran_by}")
    lines += ["", f"{'':>3} {'operator':<26} {'output':<18} {'MACs':>10} {'est. cycles':>12} {'est. time':>12}"]
    for each in scored.operators:
        shape = "x".join(map(str, each.output_shape))
        time = milliseconds(each.latency_ms)
        lines.append(f"{each.index:>3} {each.op:<26} {shape:<18} {each.macs:>10} {each.cycles:>12} {time:>12}")
    return "\n".join(lines) + "\n"
