"""What every export target is given, and what it gives back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from devices.artifact import Artifact, Normalization, Port, Target
from devices.device import Device
from devices.footprint import Footprint
from devices.graph import DType, Graph

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from devices.frontend.pipeline import Pipeline
    from devices.frontend.table_encoding import Row, TableEncoding


class ExportError(Exception):
    """The artifact cannot be exported as asked; the message says what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One measured figure of merit.

    Attributes
    ----------
    name
        ``accuracy`` (validation split), ``test_accuracy`` (test split), ``rmse``, ...
    value
        Measured on the artifact itself, not on the float network.
    n
        Samples it was measured on, at least 1.
    low, high
        95 % interval (Wilson's for a proportion); None where none is known.
    """

    name: str
    value: float
    n: int
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if not self.name or not math.isfinite(self.value) or self.n < 1:
            raise ExportError(
                f"metric {self.name!r} = {self.value} of n = {self.n}: needs a name, a finite value and n >= 1; "
                "leave out what was not measured"
            )
        if self.low is None and self.high is None:
            return
        if self.low is None or self.high is None or not self.low <= self.value <= self.high:
            raise ExportError(
                f"metric {self.name!r}: the interval {self.low}..{self.high} must have both ends and hold the value "
                f"{self.value}; give neither end where it is not known"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """A real sample and what the interpreter answered, as stored values.

    Attributes
    ----------
    input, output
        Elements of the port in C order, little-endian, in the port's own type
        (quantised values for a quantised port, never real ones).
    interpreter
        Which interpreter gave the output, for people: ``tflite-micro 0.dev...``.
    label
        Index of the true class; None where the task has none or it is not known.
    raw
        The raw sample that the front-end made the input of: float32 elements in C
        order, little-endian; None without a front-end, or where it is not known.
    row
        The row of a table that the sample was encoded from; None for other data, or where it is not known.

    Notes
    -----
    Each sample starts from the interpreter's initial state.
    """

    input: bytes
    output: bytes
    interpreter: str
    label: int | None = None
    raw: bytes | None = None
    row: Row | None = None

    @classmethod
    def from_arrays(
        cls,
        x: npt.NDArray[np.generic],
        y: npt.NDArray[np.generic],
        *,
        interpreter: str,
        label: int | None = None,
        raw: npt.NDArray[np.float32] | None = None,
        row: Row | None = None,
    ) -> Golden:
        """A golden sample from the stored values fed to and read from the interpreter.

        Parameters
        ----------
        x, y
            Any shape, with the elements and the element types of the ports.
        raw
            The raw sample, float32 of any shape; None where there is none.
        row
            The row of a table behind it; None where there is none.
        """
        stored = (array.astype(array.dtype.newbyteorder("<")).tobytes() for array in (x, y))
        taken = None if raw is None else raw.astype("<f4").tobytes()
        return cls(input=next(stored), output=next(stored), interpreter=interpreter, label=label, raw=taken, row=row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the model came from.

    Attributes
    ----------
    run, trial
        Name of the run and number of the trial in it.
    tinyfront_version
        Version of TinyFront that exports.
    data
        Name of the data set.
    hyperparameters
        Rows ``(name, value)`` as text: architecture, compression and training as drawn.
    """

    run: str
    trial: int
    tinyfront_version: str
    data: str
    hyperparameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Everything a target may render.  Checked at birth, so targets need not.

    Attributes
    ----------
    artifact
        The file that ships.
    graph
        The network of that file, ``devices.flatbuffer.read_graph(artifact.content)``.
    device, footprint
        The board and what the artifact costs on it.
    normalization
        From raw values, or the front-end's features where there is one, to network inputs.
    provenance
        Run, trial, data.
    golden
        Real samples; may be empty, but target ``cpp`` wants at least one.
    metrics
        Measured figures, names unique.
    targets
        What the outputs predict, one each, where the task is to predict values; else empty.
    threshold
        Of a network that gives its input back to find anomalies: the mean
        squared difference above which a sample is one; else None.
    compiled
        The file that is flashed instead of the artifact on a board with an
        accelerator, made from it by the accelerator's compiler; else None.
    frontend
        What makes the network's input of a raw sample; None where raw values are normalised alone.
    columns_file
        Name of the file beside the model that says how a row of a table
        becomes raw values; empty where the data is no table.
    table
        What that file says, for targets that write it as a program; None where the data is no table.
    rows
        Raw rows of the table beside those of the golden samples, with something missing or unknown.
    """

    artifact: Artifact
    graph: Graph
    device: Device
    footprint: Footprint
    normalization: Normalization
    provenance: Provenance
    golden: tuple[Golden, ...] = ()
    metrics: tuple[Metric, ...] = ()
    targets: tuple[Target, ...] = ()
    threshold: float | None = None
    compiled: bytes | None = None
    frontend: Pipeline | None = None
    columns_file: str = ""
    table: TableEncoding | None = None
    rows: tuple[Row, ...] = ()

    def __post_init__(self) -> None:
        _check_model(self)
        _check_labels(self)
        _check_threshold(self)
        _check_golden(self)
        _check_frontend(self)
        _check_table(self)
        _check_text(self)
        names = [metric.name for metric in self.metrics]
        if len(set(names)) < len(names):
            raise ExportError(f"metrics: names must be unique, got {', '.join(names)}; drop the repeated one")

    @property
    def operators(self) -> tuple[str, ...]:
        """Names of the operators used, sorted, each once."""
        return tuple(sorted({operator.name for operator in self.graph.operators}))


class ExportTarget(Protocol):
    """One way to hand over a model.  An extension is one package and one entry in `catalog.TARGETS`."""

    @property
    def name(self) -> str:
        """What ``--target`` takes: lower case with hyphens."""

    @property
    def description(self) -> str:
        """One line for ``--help``."""

    def files(self, bundle: Bundle) -> Mapping[str, bytes]:
        """Contents by relative posix path; the same bundle always gives the same bytes.

        Raises
        ------
        ExportError
            Where this target cannot carry this network.
        """


def port_elements(port: Port) -> int:
    """Elements of one input or output, batch included."""
    return math.prod(port.shape)


def _check_model(bundle: Bundle) -> None:
    artifact, graph = bundle.artifact, bundle.graph
    if (bundle.compiled is None) != (bundle.device.accelerator is None):
        raise ExportError(
            f"device {bundle.device.name!r} has {'no' if bundle.compiled else 'an'} accelerator; give a compiled file "
            "for boards with one, and for no others"
        )
    flashed = artifact.content if bundle.compiled is None else bundle.compiled
    if bundle.footprint.model_bytes != len(flashed):
        raise ExportError(
            f"footprint is of a file of {bundle.footprint.model_bytes} bytes, the "
            f"{'artifact' if bundle.compiled is None else 'compiled file'} has {len(flashed)}; "
            "measure the artifact that is exported"
        )
    if bundle.footprint.stored_bytes != (None if artifact.package is None else len(artifact.package)):
        raise ExportError(
            f"footprint is of a package of {bundle.footprint.stored_bytes} bytes, the artifact has "
            f"{'none' if artifact.package is None else len(artifact.package)}; cost it with devices.coding.stored.coded"
        )
    for side, port, tensors in (("input", artifact.input, graph.inputs), ("output", artifact.output, graph.outputs)):
        if len(tensors) != 1:
            raise ExportError(f"the network has {len(tensors)} {side}s; only networks with one {side} can be exported")
        tensor = graph.tensors[tensors[0]]
        if (tensor.shape, tensor.dtype) != (port.shape, port.dtype):
            raise ExportError(
                f"{side}: the graph says {tensor.dtype.value} {tensor.shape}, the artifact says {port.dtype.value} "
                f"{port.shape}; read the graph from the artifact that is exported"
            )


def _check_labels(bundle: Bundle) -> None:
    labels, outputs = bundle.artifact.labels, port_elements(bundle.artifact.output)
    if labels and len(labels) != outputs:
        raise ExportError(f"{len(labels)} labels for {outputs} outputs; give one label an output, or none")
    if bundle.targets and (labels or len(bundle.targets) != outputs):
        raise ExportError(
            f"{len(bundle.targets)} targets and {len(labels)} labels for {outputs} outputs; give one target an output "
            "and no labels, or none"
        )


def _check_threshold(bundle: Bundle) -> None:
    if bundle.threshold is None:
        return
    sizes = port_elements(bundle.artifact.input), port_elements(bundle.artifact.output)
    if not (math.isfinite(bundle.threshold) and bundle.threshold >= 0) or sizes[0] != sizes[1]:
        raise ExportError(
            f"threshold {bundle.threshold} with {sizes[0]} inputs and {sizes[1]} outputs; give one of 0 or more, for a "
            "network that gives its input back"
        )


def _check_golden(bundle: Bundle) -> None:
    sides = (("input", bundle.artifact.input), ("output", bundle.artifact.output))
    for number, golden in enumerate(bundle.golden):
        for (side, port), stored in zip(sides, (golden.input, golden.output), strict=True):
            expected = _stored_bytes(port)
            if len(stored) != expected:
                raise ExportError(
                    f"golden sample {number}: {side} has {len(stored)} bytes, {port.dtype.value} {port.shape} needs "
                    f"{expected}; give the stored values, batch of 1"
                )


def _check_frontend(bundle: Bundle) -> None:
    pipeline, port = bundle.frontend, bundle.artifact.input
    if pipeline is not None and math.prod(pipeline.output_shape) != port_elements(port):
        raise ExportError(
            f"front-end {pipeline.frontend.name!r} makes features of shape {pipeline.output_shape}, the network takes "
            f"{port.shape}; give the front-end that the network was trained behind"
        )
    expected = None if pipeline is None else 4 * math.prod(pipeline.input_shape)
    for number, golden in enumerate(bundle.golden):
        if golden.raw is not None and len(golden.raw) != expected:
            raise ExportError(
                f"golden sample {number}: the raw sample has {len(golden.raw)} bytes, the front-end takes "
                f"{'none: there is no front-end' if expected is None else expected}; give float32 values"
            )


def _check_table(bundle: Bundle) -> None:
    table, pipeline = bundle.table, bundle.frontend
    rows = [*bundle.rows, *(golden.row for golden in bundle.golden if golden.row is not None)]
    if table is None:
        if rows:
            raise ExportError(f"{len(rows)} rows of a table without an encoding of its columns; give it, or no rows")
        return
    taken = port_elements(bundle.artifact.input) if pipeline is None else math.prod(pipeline.input_shape)
    if table.n_inputs != taken:
        raise ExportError(
            f"the table's columns become {table.n_inputs} values, the {'network' if pipeline is None else 'front-end'} "
            f"takes {taken}; give the encoding that the network was trained behind"
        )
    for row in rows:
        if not table.takes(row):
            raise ExportError(
                f"a row of {len(row)} values does not have the table's {len(table.columns)} columns, each a number "
                "(float), a text or None as the column says; give raw rows"
            )


def _stored_bytes(port: Port) -> int:
    return (port_elements(port) * DType(port.dtype).bits + 7) // 8


def _check_text(bundle: Bundle) -> None:
    provenance = bundle.provenance
    rows = [text for row in provenance.hyperparameters for text in row]
    names = [target.name for target in bundle.targets]
    columns = () if bundle.table is None else bundle.table.columns
    names += [text for column in columns for text in (column.name, *column.values)]
    texts = [*bundle.artifact.labels, *names, provenance.run, provenance.data, provenance.tinyfront_version, *rows]
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ExportError(f"text {text!r} is not valid Unicode ({error.reason}); rename it") from error
