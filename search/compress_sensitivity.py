"""`compress --sensitivity`: what every layer loses by pruning and by 4-bit weights, as text, JSON, CSV and picture."""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from search.columns import aligned
from search.compress import results, tasks_for
from search.compress_files import write_files
from search.errors import JobError
from search.given import Reading
from search.metrics.catalog import find_metric
from search.metrics.measurement import Measurement
from search.metrics.metric import Metric
from search.pool import Failure, pool_for
from search.problem import Problem
from search.sensitivity_plot import sensitivity_png
from search.sensitivity_trial import Measured, run_sensitivity
from search.units import named, quality

WEIGHT_BITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityReport:
    """How much each layer of a network can take.

    Attributes
    ----------
    model, data
        As named in the command.
    metric
        Name of the task's quality metric: accuracy, R2 of values, ROC AUC of anomalies.
    quality
        Of the float network as it is, on the validation split.
    measured
        The tables.
    notes
        What is assumed, a sentence each.
    """

    model: str
    data: str
    metric: str
    quality: Measurement
    measured: Measured
    notes: tuple[str, ...] = ()


def measure_sensitivity(problem: Problem, reading: Reading) -> SensitivityReport:
    """Measure every layer alone on the validation split; nothing is trained and the test split stays closed.

    Raises
    ------
    JobError
        When the network has nothing to measure.
    ToolchainError
        When the worker cannot start.
    """
    with tempfile.TemporaryDirectory(prefix="tinyfront-") as folder:
        (task,) = tasks_for(problem, {"sensitivity": CompressionPlan.of(Quantization())}, None, Path(folder))
        with pool_for(problem.job) as pool:
            (measured,) = results(pool, [(run_sensitivity, task)])
    if isinstance(measured, Failure):
        raise JobError(f"the layers of the network cannot be measured: {measured.reason}")
    return SensitivityReport(
        model=problem.job.network,
        data=problem.data.name,
        metric=reading.metric,
        quality=reading.quality,
        measured=measured,
        notes=reading.notes,
    )


def write_sensitivity(report: SensitivityReport, folder: Path) -> tuple[Path, ...]:
    """Write ``sensitivity.csv``, ``bits.csv`` and ``sensitivity.png``, each whole; the files.

    Raises
    ------
    StorageError
        When the folder cannot be written.
    """
    files = {
        "sensitivity.csv": report.measured.pruning.as_csv(report.metric).encode(),
        "bits.csv": bits_csv(report).encode(),
        "sensitivity.png": sensitivity_png(report.measured, report.model, find_metric(report.metric), report.quality.n),
    }
    return write_files(files, folder)


def sensitivity_document(report: SensitivityReport) -> dict[str, Any]:
    """The JSON document of ``compress --sensitivity --json``; accuracies 0..1, another metric under its own name."""
    rows, name = report.measured.pruning.rows, report.metric
    return {
        "model": report.model,
        "data": report.data,
        **report.quality.as_figures(name),
        "pruning": [{"layer": row.layer, "sparsity": row.sparsity, name: row.accuracy} for row in rows],
        "bits": _bits(report),
        "notes": list(report.notes),
    }


def _bits(report: SensitivityReport) -> list[dict[str, Any]]:
    whole = report.measured.pruning.accuracy
    return [
        {
            "layer": each.layer,
            "weight_bits": WEIGHT_BITS,
            "saved_bytes": each.saved_bytes,
            "error": each.error,
            report.metric: None if each.loss is None else whole - each.loss,
        }
        for each in report.measured.bits
    ]


def bits_csv(report: SensitivityReport) -> str:
    """Comma-separated lines under the head ``layer,weight_bits,saved_bytes,error,accuracy``, or the metric's name."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("layer", "weight_bits", "saved_bytes", "error", report.metric))
    for row in _bits(report):
        found = "" if row[report.metric] is None else f"{row[report.metric]:.6g}"
        writer.writerow((row["layer"], row["weight_bits"], row["saved_bytes"], f"{row['error']:.6g}", found))
    return stream.getvalue()


def sensitivity_text(report: SensitivityReport) -> str:
    """Both tables as text; ends in a newline."""
    table, metric = report.measured.pruning, find_metric(report.metric)
    sparsities = sorted({row.sparsity for row in table.rows})
    accuracies = {(row.layer, row.sparsity): row.accuracy for row in table.rows}
    head = ["layer", *(f"{100 * sparsity:g} %" for sparsity in sparsities)]
    pruned = [[layer, *(_shown(metric, accuracies[layer, each]) for each in sparsities)] for layer in table.layers]
    bits_head = ["layer", "saved bytes", "output error, %", f"{metric.title}{', %' * metric.percent}"]
    bits = [
        [row["layer"], f"{row['saved_bytes']:,}", f"{100 * row['error']:.3g}", _shown(metric, row[metric.name])]
        for row in _bits(report)
    ]
    lines = [
        f"{report.model}: {named(metric, report.quality)} as it is",
        "",
        f"{metric.title}{' in %' * metric.percent}, one layer alone pruned to a sparsity:",
        *aligned([head, *pruned], left=(0,)),
        "",
        f"one layer alone with {WEIGHT_BITS}-bit weights:",
        *(aligned([bits_head, *bits], left=(0,)) if bits else ["no layer can have them"]),
        "",
        *report.notes,
        f"of float networks on validation data, n = {report.quality.n}; nothing is trained in between; "
        "output error: mean square, in % of the outputs' variance; saved: against 8-bit weights",
    ]
    return "\n".join(lines) + "\n"


def _shown(metric: Metric, value: float | None) -> str:
    return "-" if value is None else quality(metric, value)
