"""Errors of the instruction formulas on whole models, and of the tables that stand in for missing ones."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devices.counting_error import counting_interval
from devices.device import Device
from devices.flatbuffer import read_graph
from devices.graph import DType, Graph
from devices.instructions import instructions_of
from devices.latency import estimate, operator_costs
from devices.workload import Workload, workload
from tests.benchmarks.fit_cycles import (
    MODELS,
    ONLY_IN_MODELS,
    TABLES,
    Sample,
    by_family,
    fit,
    model_samples,
    predict,
    samples,
)
from tests.benchmarks.instruction_errors import judge_all, summary

CORES = {"m4": "cortex-m4", "m7": "cortex-m7", "m33": "cortex-m33", "m55": "cortex-m55"}
# A model of which less than this share was fitted on counts as not fitted on.
MOST_FITTED = 0.01
_TYPES = {DType.INT8: "int8", DType.INT16: "int16x8", DType.FLOAT32: "float32"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelError:
    """Estimate and measurement of one whole model on one core.

    Attributes
    ----------
    dtype
        Table that most of its instructions come from.
    estimated
        Instructions; its reshapes by a formula fitted without this model.
    operators
        Instructions of the operators, without the interpreter's.
    fitted
        Share of them from formulas that were fitted on this very model.
    low, high
        Sum of the operators' intervals.
    """

    model: str
    core: str
    dtype: str
    measured: int
    estimated: int
    macs: int
    operators: float
    fitted: float
    low: float
    high: float

    @property
    def operators_percent(self) -> float:
        """Relative error of the operators alone, all of the model's error put down to them."""
        interpreter = self.estimated - self.operators
        return 100 * (self.operators / (self.measured - interpreter) - 1)

    @property
    def percent(self) -> float:
        """Relative error of the estimate."""
        return 100 * (self.estimated / self.measured - 1)

    @property
    def unseen(self) -> bool:
        """True when next to nothing of it was fitted on."""
        return self.fitted <= MOST_FITTED


def model_errors(truth: Path, models: Path) -> list[ModelError]:
    """Every whole model of the truth on every core that has tables for all its types."""
    reshapes = {
        (core, dtype): [s for s in model_samples(truth, models, core, dtype, kernels) if s.work.op == "RESHAPE"]
        for (core, dtype), kernels in TABLES.items()
    }
    found = []
    for path in MODELS:
        graph = read_graph((models / path).read_bytes())
        for core, measured in _measured_models(truth, Path(path).name).items():
            works = [workload(graph, operator) for operator in graph.operators]
            if all((core, _TYPES.get(work.dtype)) in TABLES for work in works):
                found.append(_model_error(graph, works, Path(path).name, core, measured, reshapes))
    return sorted(found, key=lambda row: (row.dtype, row.core))


def _measured_models(truth: Path, model: str) -> dict[str, int]:
    with (truth / "models.csv").open(newline="") as lines:
        return {row["core"]: int(row["insns"]) for row in csv.DictReader(lines) if row["model"] == model}


def _model_error(
    graph: Graph,
    works: Sequence[Workload],
    model: str,
    core: str,
    measured: int,
    reshapes: dict[tuple[str, str], list[Sample]],
) -> ModelError:
    device = bare_device(CORES[core])
    costs = operator_costs(graph, device)
    shipped = estimate(graph, device, costs).instructions or 0
    counts = [instructions_of(work, core, "cmsis-nn").count for work in works]
    correction = fitted = 0.0
    shares: dict[str, float] = defaultdict(float)
    for work, count in zip(works, counts, strict=True):
        dtype = _TYPES[work.dtype]
        shares[dtype] += count
        others = [s for s in reshapes[core, dtype] if s.model != model]
        if work.op == "RESHAPE" and len(others) > 1:
            correction += _reshape(others, work) - count
        elif work.op in ONLY_IN_MODELS:
            fitted += count
    bounds = [counting_interval(work, core, _TYPES[work.dtype]) for work in works]
    operators = sum(counts) + correction
    interpreter = shipped - sum(counts)
    return ModelError(
        model=model,
        core=core,
        dtype=max(shares, key=lambda name: shares[name]),
        measured=measured,
        estimated=round(shipped + correction),
        macs=sum(cost.macs for cost in costs),
        operators=operators,
        fitted=fitted / shipped,
        low=interpreter + sum(count * low for count, (low, _) in zip(counts, bounds, strict=True)),
        high=interpreter + sum(count * high for count, (_, high) in zip(counts, bounds, strict=True)),
    )


def _reshape(others: Sequence[Sample], work: Workload) -> float:
    table = fit(others)
    return table.get("constant", 0.0) + table.get("bytes", 0.0) * work.in_elements * work.element_bytes


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


def nearest_ratios(truth: Path, models: Path) -> dict[str, list[float]]:
    """Measured over estimated instructions where another core's table stands in for a missing one.

    Whole float networks on a Cortex-M33 and M55 by the tables of the M4, and
    the M7's 16-bit operators by the M4's, for the M33's, which were not
    measured: the M7 is the only other core of the same kernels.
    """
    ratios: dict[str, list[float]] = {}
    for core in ("m33", "m55"):
        ratios[f"{core}_float32"] = _float_ratios(truth, models, core)
    tables = {family: fit(group) for family, group in by_family(samples(truth, "m4", "int16x8", "dsp")).items()}
    seventh = samples(truth, "m7", "int16x8", "dsp")
    ratios["m33_int16x8"] = [s.instructions / predict(tables[s.family], s) for s in seventh]
    return ratios


def _float_ratios(truth: Path, models: Path, core: str) -> list[float]:
    ratios = []
    for path in MODELS:
        graph = read_graph((models / path).read_bytes())
        if graph.tensors[graph.inputs[0]].dtype == DType.FLOAT32:
            works = [workload(graph, operator) for operator in graph.operators]
            total = sum(instructions_of(work, core, "cmsis-nn").count for work in works)
            ratios.append(_measured_operators(truth, Path(path).name, core) / total)
    return ratios


def _measured_operators(truth: Path, model: str, core: str) -> int:
    with (truth / "model_ops.csv").open(newline="") as lines:
        return sum(int(r["insns"]) for r in csv.DictReader(lines) if (r["model"], r["core"]) == (model, core))


def covered_models(truth: Path, rows: Sequence[ModelError]) -> float:
    """Share of whole models inside the bound that the sweep and the other models of their core and type give.

    Each model is held to the narrowest bound any operator has: that of all
    operators together and of the worst other model.
    """
    inside = 0
    for row in rows:
        kernels = TABLES[row.core, row.dtype]
        operators = summary(e.percent for e in judge_all(samples(truth, row.core, row.dtype, kernels)))
        others = [abs(r.operators_percent) for r in rows if r is not row and (r.core, r.dtype) == (row.core, row.dtype)]
        inside += abs(row.operators_percent) <= max(operators.bound, *others)
    return inside / len(rows)
