"""Errors of the instruction formulas on measured operators and models they were not fitted to.

Run from the checkout, with scipy and the shared truth beside it::

    python -m tests.benchmarks.latency_error [--truth ../shared/truth] [--models ../shared/data] [--families]

Operators: five-fold cross-validation whose folds hold whole shape families
(all image sizes of one channel count, kernel and stride together), so that
no near-twin of a judged operator is fitted on.  Models: the shipped tables,
whose sweep holds single operators only.  Beside both stands the usual
baseline, instructions = MACs x one constant, fitted on the same data.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from devices.device import Device
from devices.flatbuffer import read_graph
from devices.latency import estimate, operator_costs
from tests.benchmarks.fit_cycles import CHECKOUT, MODELS, TABLES, Sample, by_family, fit, predict, samples

FOLDS = 5
CORES = {"m4": "cortex-m4", "m7": "cortex-m7", "m33": "cortex-m33", "m55": "cortex-m55"}


def errors(group: Sequence[Sample]) -> NDArray[np.float64]:
    """Cross-validated relative errors of one family's formula, in percent, one a sample.

    A small family is judged by leaving out one shape family at a time; with
    fewer than three samples it is not judged and gives NaN.
    """
    if len(group) < 3:
        return np.full(len(group), np.nan)
    folds = [zlib.crc32(repr(sample.shape_family).encode()) % FOLDS for sample in group]
    if len(group) < 2 * FOLDS:
        folds = [sorted({repr(s.shape_family) for s in group}).index(repr(s.shape_family)) for s in group]
    result = np.full(len(group), np.nan)
    for fold in sorted(set(folds)):
        rest = [s for s, f in zip(group, folds, strict=True) if f != fold]
        table = fit(rest)
        for i, sample in enumerate(group):
            if folds[i] == fold:
                result[i] = 100 * (predict(table, sample) / sample.instructions - 1)
    return result


def shape_kind(sample: Sample) -> str:
    """Name the kind of operator as a reader knows it: 3x3, 1x1, strided, one-dimensional, multiplier."""
    work = sample.work
    if work.op not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return work.op.lower()
    name = "conv" if work.op == "CONV_2D" else "depthwise"
    if work.multiplier > 1:
        return f"{name} multiplier > 1"
    if work.kernel_height == work.kernel_width == 1:
        return f"{name} 1x1" + (" strided" if work.stride_height > 1 else "")
    if 1 in (work.kernel_height, work.kernel_width):
        return f"{name} 1-D"
    return f"{name} 3x3" if work.kernel_height == work.kernel_width == 3 else f"{name} kxk"


def macs(sample: Sample) -> int:
    """Multiply-accumulates of one sample; 0 where it has none."""
    work = sample.work
    match work.op:
        case "CONV_2D":
            return work.pixels * work.out_channels * work.columns
        case "DEPTHWISE_CONV_2D":
            return work.pixels * work.out_channels * work.kernel_height * work.kernel_width
        case "FULLY_CONNECTED":
            return work.in_channels * work.out_channels
    return 0


def baseline_errors(group: Sequence[Sample]) -> NDArray[np.float64]:
    """Relative errors in percent of MACs x the median instructions per MAC."""
    pairs = [(macs(s), s.instructions) for s in group if macs(s)]
    constant = float(np.median([instructions / count for count, instructions in pairs]))
    return np.array([100 * (constant * count / instructions - 1) for count, instructions in pairs])


def _quantiles(values: NDArray[np.float64]) -> str:
    size = np.abs(values)
    return f"median {np.median(size):5.2f} %  p90 {np.percentile(size, 90):6.2f} %  worst {size.max():6.1f} %"


def report_operators(truth: Path, families: bool) -> None:
    """Print one line a core and type, and with `families` one a kind of operator."""
    print("operators, cross-validated by shape family | MACs x constant")
    for (core, dtype), kernels in TABLES.items():
        groups = by_family(samples(truth, core, dtype, kernels))
        all_errors = [errors(group) for group in groups.values()]
        everything = [s for group in groups.values() for s in group]
        size = np.abs(baseline_errors(everything))
        joined = np.concatenate(all_errors)
        joined = joined[~np.isnan(joined)]
        print(
            f"  {core:4s}{dtype:8s} n={len(joined):4d} {_quantiles(joined)} | "
            f"median {np.median(size):.0f} %  p90 {np.percentile(size, 90):.0f} %"
        )
        if families:
            _report_kinds(everything, groups)


def _report_kinds(everything: Sequence[Sample], groups: dict[str, list[Sample]]) -> None:
    judged = {
        id(sample): error
        for group in groups.values()
        for sample, error in zip(group, errors(group), strict=True)
        if not np.isnan(error)
    }
    for kind in sorted({shape_kind(s) for s in everything}):
        values = np.array([judged[id(s)] for s in everything if shape_kind(s) == kind and id(s) in judged])
        if len(values):
            print(f"       {kind:26s} n={len(values):4d} {_quantiles(values)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelError:
    """One whole model on one core: instructions measured and estimated, multiply-accumulates, first type."""

    model: str
    core: str
    dtype: str
    measured: int
    estimated: int
    macs: int

    @property
    def percent(self) -> float:
        """Relative error of the estimate."""
        return 100 * (self.estimated / self.measured - 1)


def model_errors(truth: Path, models: Path) -> list[ModelError]:
    """Every whole model of the truth on every core that has a table for its type."""
    with (truth / "models.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    found = []
    for path in MODELS:
        graph = read_graph((models / path).read_bytes())
        for row in rows:
            if row["model"] != Path(path).name:
                continue
            device = bare_device(CORES[row["core"]])
            costs = operator_costs(graph, device)
            estimated = estimate(graph, device, costs).instructions
            if estimated is not None:
                found.append(
                    ModelError(
                        model=row["model"],
                        core=row["core"],
                        dtype=str(graph.tensors[graph.inputs[0]].dtype),
                        measured=int(row["insns"]),
                        estimated=estimated,
                        macs=sum(cost.macs for cost in costs),
                    )
                )
    return found


def bare_device(core: str) -> Device:
    """Make a board of which only the core matters."""
    return Device(
        name="bare",
        description="",
        core=core,
        clock_hz=100_000_000,
        flash_bytes=1 << 20,
        ram_bytes=1 << 18,
        kernels="cmsis-nn",
        sources=(),
    )


def report_models(truth: Path, models: Path) -> None:
    """Print one line a model and core, the error beside that of MACs x constant."""
    rows = model_errors(truth, models)
    print("whole models, instructions (SVDF, LSTM, reshape and quantize were fitted on them) | MACs x constant")
    for core, dtype in sorted({(row.core, row.dtype) for row in rows}):
        group = [row for row in rows if (row.core, row.dtype) == (core, dtype)]
        constant = float(np.median([row.measured / row.macs for row in group]))
        for row in group:
            baseline = 100 * (constant * row.macs / row.measured - 1)
            print(
                f"  {core:4s}{dtype:8s} {row.model:30s}{row.measured:>10d} {row.percent:+6.2f} % | {baseline:+7.1f} %"
            )


def main() -> None:
    """Print both reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", type=Path, default=CHECKOUT.parent / "shared" / "truth")
    parser.add_argument("--models", type=Path, default=CHECKOUT.parent / "shared" / "data")
    parser.add_argument("--families", action="store_true")
    arguments = parser.parse_args()
    report_operators(arguments.truth, arguments.families)
    report_models(arguments.truth, arguments.models)


if __name__ == "__main__":
    main()
