"""Everything an export target is given, checked at birth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.artifact import Artifact, Normalization, Port, Target
from devices.device import Device
from devices.export.records import ExportError, Golden, Metric, Provenance, port_elements
from devices.footprint import Footprint
from devices.graph import DType, Graph

if TYPE_CHECKING:
    from devices.frontend.pipeline import Pipeline
    from devices.frontend.table_encoding import Row, TableEncoding


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
