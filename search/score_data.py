"""How well a model file of any origin does on data, run in a child process: a foreign file may kill its interpreter."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from devices.flatbuffer import ModelFileError, read_artifact
from search.errors import DataError, ToolchainError
from search.metrics.measurement import Measurement
from search.metrics.metric import Task
from search.record import InterpreterName

if TYPE_CHECKING:
    from devices.device import Runtime
    from search.datasets.dataset import Dataset
    from search.datasets.options import DataOptions
    from search.metrics.measure import Outputs

OutputScale: TypeAlias = Literal["unit", "standardised"]

_MOST_SECONDS = 3600.0
_OTHER_SCALE = (
    "it may have been trained on another scale of the targets, or of the inputs ({inputs} here), and then the figures "
    "say nothing of it"
)
_OUTPUTS: Mapping[Task, str] = {
    "classification": "classes",
    "regression": "targets",
    "anomaly_detection": "values an input, which the model must give back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OnData:
    """How well a file does.

    Attributes
    ----------
    shares
        Metrics by name, as `search.scoring.Scored.shares`.
    interpreter
        What ran it.
    threshold
        Of an anomaly detector: the mean squared difference above which a
        sample is an anomaly, chosen on the validation split; else None.
    output_scale
        Of predicted values: whether outputs were taken for values in the
        targets' unit or for standardised ones; else None.
    notes
        What is to be doubted, a sentence each.
    """

    shares: Mapping[str, Measurement]
    interpreter: InterpreterName
    threshold: float | None = None
    output_scale: OutputScale | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one interpreter gave; fields as of `OnData`."""

    metrics: Mapping[str, Measurement]
    threshold: float | None
    output_scale: OutputScale | None
    notes: tuple[str, ...]


def run_on(
    content: bytes,
    model: Path,
    reference: str,
    runtime: Runtime,
    options: DataOptions | None = None,
    task: Task | None = None,
    normal: str = "",
) -> OnData:
    """Every metric of the task on both held-out splits, and LiteRT's as a cross-check of TensorFlow Lite Micro's.

    LiteRT's outputs differ from the device's by a few steps, so its figures
    stand under names of their own; they are left out where it cannot run a
    file that the device's interpreter runs.  Where values are predicted, the
    outputs are taken as standardised, as networks here give them, or as in the
    targets' own unit, whichever errs less on the validation split; the
    cross-check takes them as the board's interpreter does.  Where anomalies are
    found, outputs are compared with the inputs as `strangeness` does.

    Parameters
    ----------
    model
        Name of the file in errors.
    reference
        Data as ``--data`` takes it.
    runtime
        That of the board.
    options
        How the data are read and split; None for the defaults.
    task
        What is to be learnt of them; None finds it out.
    normal
        Label of the normal samples, for anomaly detection.

    Raises
    ------
    DataError
        When the data cannot be read or does not go with the model, or its outputs are not finite.
    ToolchainError
        When the model ends its interpreter.
    """
    from search.datasets.load import load
    from search.evaluate import EvaluationError, available_interpreter

    data, interpreter = load(reference, options, task, normal), available_interpreter(runtime)
    _check_ports(content, model, data)
    found = _in_child(content, model, data, interpreter)
    shares = dict(found.metrics)
    if interpreter == "tflm":
        with contextlib.suppress(ToolchainError, EvaluationError, DataError):
            checked = _in_child(content, model, data, "litert", found.output_scale)
            shares |= {f"litert_{name}": share for name, share in checked.metrics.items()}
    return OnData(
        shares=shares,
        interpreter=interpreter,
        threshold=found.threshold,
        output_scale=found.output_scale,
        notes=found.notes,
    )


def _in_child(
    content: bytes, model: Path, data: Dataset, interpreter: InterpreterName, scale: OutputScale | None = None
) -> _Found:
    """The metrics of both splits, found in a child process: a foreign file may kill its interpreter."""
    import multiprocessing

    from pebble import ProcessExpired, ProcessPool

    with ProcessPool(max_workers=1, context=multiprocessing.get_context("spawn")) as pool:
        future = pool.schedule(_metrics, args=[content, data, interpreter, scale], timeout=_MOST_SECONDS)
        try:
            found: _Found = future.result()
        except (ProcessExpired, TimeoutError) as error:
            how = getattr(error, "exitcode", f"after {_MOST_SECONDS:g} s")
            raise ToolchainError(
                f"model {str(model)!r} ended the {interpreter} interpreter (exit code {how}): it cannot be run here"
            ) from error
        except DataError as error:
            raise DataError(f"model {str(model)!r}: {error}") from error
    return found


def _metrics(content: bytes, data: Dataset, interpreter: InterpreterName, scale: OutputScale | None) -> _Found:
    """Metrics of both splits, those of the test split with ``test_`` before their names, and the threshold.

    Values are taken on `scale`; where that is None, on the one on which they err less.
    """
    from search.evaluate import answers
    from search.metrics.measure import in_units, judged, measure, not_finite

    artifact, notes = read_artifact(content, data.output_labels), tuple[str, ...]()
    outputs, others = (answers(artifact, split, interpreter) for split in (data.validation, data.test))
    if data.task != "classification" and (wrong := not_finite(outputs, "validation") or not_finite(others, "test")):
        raise DataError(wrong)
    if data.task == "regression":
        scale = scale or ("unit" if in_units(data, outputs) else "standardised")
        notes = _doubts(data, outputs, scale)
        if scale == "unit":
            outputs, others = data.standardised(outputs), data.standardised(others)
    found = judged(data, outputs)
    tested = {f"test_{name}": each for name, each in measure(data, data.test, others).items()}
    return _Found(metrics={**found.metrics, **tested}, threshold=found.threshold, output_scale=scale, notes=notes)


def _doubts(data: Dataset, outputs: Outputs, scale: OutputScale) -> tuple[str, ...]:
    """Whether the values are on neither known scale, in a sentence."""
    from search.metrics.target_line import other_scale, sentence

    lines = other_scale(data, outputs, are_in_units=scale == "unit")
    own = data.normalization
    inputs = f"(value - {own.offset:g}) x {own.factor:g}"
    return (f"{sentence(lines)}: {_OTHER_SCALE.format(inputs=inputs)}",) if lines else ()


def _check_ports(content: bytes, model: Path, data: Dataset) -> None:
    try:
        artifact = read_artifact(content, data.output_labels)
    except ModelFileError as error:
        raise DataError(f"model {str(model)!r}: {error}") from error
    if artifact.input.shape[1:] != data.input_shape:
        raise DataError(
            f"model {str(model)!r} takes inputs of shape {artifact.input.shape[1:]}, "
            f"data {data.name!r} has {data.input_shape}"
        )
    outputs = math.prod(artifact.output.shape)
    if outputs != data.n_outputs:
        raise DataError(
            f"model {str(model)!r} has {outputs} outputs, data {data.name!r} has {data.n_outputs} {_OUTPUTS[data.task]}"
        )
