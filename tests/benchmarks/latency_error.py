"""Errors of the instruction formulas on measured operators and models they were not fitted to.

Run from the checkout, with scipy and the shared truth beside it::

    python -m tests.benchmarks.latency_error [--truth ../shared/truth] [--models ../shared/data] [--kinds] [--save]

Operators: five-fold cross-validation whose folds hold whole shape families
(all image sizes of one channel count, kernel and stride together), so that
no near-twin of a judged operator is fitted on.  Models: the shipped tables,
whose sweep holds single operators only; a model of which more than one per
cent was fitted on is shown and not counted.  Beside both stands the usual
baseline, instructions = MACs x one constant, fitted on the same data.
``--save`` writes ``devices/cycles/errors.json``, from which the interval
shown to users is made.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from devices.counting_error import Errors
from tests.benchmarks.fit_cycles import CHECKOUT, TABLES, Sample, by_family, fit, samples
from tests.benchmarks.instruction_errors import Judged, by_kind, int4_errors, judge_all, summary
from tests.benchmarks.whole_models import ModelError, model_errors, nearest_ratios

# Margin of the factors between which another core's table holds, beyond what was seen.
NEAREST_MARGIN = 1.05


def baseline_errors(group: Sequence[Sample]) -> NDArray[np.float64]:
    """Relative errors in percent of MACs x the median instructions per MAC."""
    pairs = [(s.work.multiplies, s.instructions) for s in group if s.work.multiplies]
    constant = float(np.median([instructions / count for count, instructions in pairs]))
    return np.array([100 * (constant * count / instructions - 1) for count, instructions in pairs])


def baseline_of_models(rows: Sequence[ModelError]) -> list[float]:
    """Relative errors in percent of MACs x the median instructions per MAC, over whole models."""
    constant = float(np.median([row.measured / row.macs for row in rows]))
    return [100 * (constant * row.macs / row.measured - 1) for row in rows]


def worst_unseen(rows: Sequence[ModelError]) -> ModelError | None:
    """Model with the largest error among those not fitted on; None where there is none."""
    return max((row for row in rows if row.unseen), key=lambda row: abs(row.percent), default=None)


def report_table(judged: dict[tuple[str, str], list[Judged]], rows: Sequence[ModelError]) -> None:
    """Print the table of the README: one line a core and type, markdown."""
    print("| core, type | operators | median | p90 | models | worst | MACs x constant: median | p90 | worst model |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (core, dtype), group in judged.items():
        errors = summary(each.percent for each in group)
        baseline = summary(baseline_errors([each.sample for each in group]))
        models = [row for row in rows if (row.core, row.dtype) == (core, dtype)]
        worst = worst_unseen(models)
        unseen = [row for row in models if row.unseen]
        shown = (
            f"{len(unseen)} | {abs(worst.percent):.2f} % | {baseline.median:.0f} % | {baseline.p90:.0f} % | "
            f"{summary(baseline_of_models(unseen)).worst:.0f} %"
            if worst
            else f"0 | - | {baseline.median:.0f} % | {baseline.p90:.0f} % | -"
        )
        print(f"| {core} {dtype} | {errors.n} | {errors.median:.2f} % | {errors.p90:.2f} % | {shown} |")


def report_kinds(judged: dict[tuple[str, str], list[Judged]]) -> None:
    """Print the errors of every kind of operator."""
    for (core, dtype), group in judged.items():
        print(f"{core} {dtype}")
        for name, errors in by_kind(group).items():
            print(
                f"    {name:26s} n={errors.n:4d} median {errors.median:5.2f} %  p90 {errors.p90:6.2f} %  "
                f"worst {errors.worst:6.1f} %"
            )


def report_models(rows: Sequence[ModelError]) -> None:
    """Print one line a model and core: error, interval, share of the estimate that was fitted on the model."""
    print("\nwhole models, instructions                     measured   error   interval          fitted on it")
    for row in rows:
        interval = f"{100 * (row.low / row.estimated - 1):+6.1f} {100 * (row.high / row.estimated - 1):+6.1f} %"
        note = f"{100 * row.fitted:5.1f} %" + ("" if row.unseen else "  not counted")
        name = f"  {row.core:4s}{row.dtype:8s} {row.model:30s}"
        print(f"{name}{row.measured:>10d} {row.percent:+6.2f} %  {interval}  {note}")


def document(
    judged: dict[tuple[str, str], list[Judged]],
    rows: Sequence[ModelError],
    ratios: dict[str, list[float]],
    int4: dict[str, Errors],
) -> dict[str, object]:
    """Return the content of ``devices/cycles/errors.json``."""
    return {
        "source": "shared truth ops_<core>_<type>.csv, models.csv, model_ops.csv (see <core>_<type>.json)",
        "method": "python -m tests.benchmarks.latency_error --save; absolute relative errors in percent of the "
        "instruction formulas: operators five-fold cross-validated by shape family, models by the shipped tables "
        "(their reshapes by a formula fitted without the model); a model of which more than 1 % was fitted on "
        "(SVDF, LSTM, quantize: measured in no sweep) does not count in worst_model, which puts all of a model's error "
        "down to its operators",
        "types": {
            f"{core}_{dtype}": _type_entry(group, [row for row in rows if (row.core, row.dtype) == (core, dtype)])
            for (core, dtype), group in judged.items()
        },
        "nearest": {
            name: {
                "n": len(found),
                "low": round(min(1.0, *found) / NEAREST_MARGIN, 3),
                "high": round(max(1.0, *found) * NEAREST_MARGIN, 3),
                "meaning": "smallest and largest measured / estimated where the table of the Cortex-M4 stands in, "
                "with a margin of 5 %: "
                + ("operators of the M7" if name.endswith("int16x8") else "whole float models of this core"),
            }
            for name, found in ratios.items()
        },
        "int4": {family: asdict(errors) for family, errors in int4.items()},
    }


def _type_entry(group: Sequence[Judged], rows: Sequence[ModelError]) -> dict[str, object]:
    unseen = [abs(row.operators_percent) for row in rows if row.unseen]
    return {
        "operators": asdict(summary(each.percent for each in group)),
        "kinds": {name: asdict(errors) for name, errors in by_kind(group).items()},
        "worst_model": math.ceil(100 * max(unseen, default=0.0)) / 100,
        "models": {
            row.model: {"error": round(row.percent, 3), "fitted_on_it": round(100 * row.fitted, 2)} for row in rows
        },
    }


def gather(
    truth: Path, models: Path
) -> tuple[dict[tuple[str, str], list[Judged]], list[ModelError], dict[str, object]]:
    """Cross-validate everything; returns judged operators, models and the content of ``errors.json``."""
    judged = {key: judge_all(samples(truth, *key, kernels)) for key, kernels in TABLES.items()}
    fitted = {family: fit(group) for family, group in by_family(samples(truth, "m4", "int8", "dsp")).items()}
    rows = model_errors(truth, models)
    return judged, rows, document(judged, rows, nearest_ratios(truth, models), int4_errors(truth, fitted))


def main() -> None:
    """Print the table and the models; with ``--save`` write the errors beside the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", type=Path, default=CHECKOUT.parent / "shared" / "truth")
    parser.add_argument("--models", type=Path, default=CHECKOUT.parent / "shared" / "data")
    parser.add_argument("--kinds", "--families", action="store_true", help="the errors of every kind of operator")
    parser.add_argument("--save", action="store_true", help="write devices/cycles/errors.json")
    arguments = parser.parse_args()
    judged, rows, content = gather(arguments.truth, arguments.models)
    if arguments.save:
        target = CHECKOUT / "devices" / "cycles" / "errors.json"
        target.write_text(json.dumps(content, indent=1) + "\n")
    report_table(judged, rows)
    report_models(rows)
    if arguments.kinds:
        report_kinds(judged)


if __name__ == "__main__":
    main()
