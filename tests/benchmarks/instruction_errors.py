"""Held-out errors of the instruction formulas on single operators.

`tests.benchmarks.latency_error` prints them and saves what the interval of
`devices.counting_error` needs.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from devices.counting_error import UNJUDGED, Errors, TypeErrors, factors, kind
from tests.benchmarks.fit_cycles import Sample, by_family, fit, int4_terms, predict, samples

FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One operator and the relative error in percent of a formula that was fitted without its shape family."""

    sample: Sample
    percent: float
    fold: int

    @property
    def kind(self) -> str:
        """Kind of operator, as in the table."""
        return kind(self.sample.work)


def judge(group: Sequence[Sample]) -> list[Judged]:
    """Cross-validate one family's formula, whole shape families left out together.

    A small family is judged by leaving out one shape family at a time; with
    fewer than three samples it is not judged.
    """
    if len(group) < 3:
        return []
    folds = [zlib.crc32(repr(sample.shape_family).encode()) % FOLDS for sample in group]
    if len(group) < 2 * FOLDS:
        folds = [sorted({repr(s.shape_family) for s in group}).index(repr(s.shape_family)) for s in group]
    judged = []
    for fold in sorted(set(folds)):
        table = fit([s for s, f in zip(group, folds, strict=True) if f != fold])
        judged += [
            Judged(sample=s, percent=100 * (predict(table, s) / s.instructions - 1), fold=fold % FOLDS)
            for s, f in zip(group, folds, strict=True)
            if f == fold
        ]
    return judged


def judge_all(measured: Iterable[Sample]) -> list[Judged]:
    """Cross-validate every family."""
    return [judged for group in by_family(measured).values() for judged in judge(group)]


def summary(percents: Iterable[float]) -> Errors:
    """Quantiles of the absolute errors."""
    size = np.abs(np.array(list(percents), dtype=float))
    median, p90, p95 = (round(float(q), 3) for q in np.percentile(size, (50, 90, 95)))
    return Errors(n=len(size), median=median, p90=p90, p95=p95, worst=round(float(size.max()), 3))


def by_kind(judged: Iterable[Judged]) -> dict[str, Errors]:
    """Summaries by kind of operator, sorted by name."""
    groups: dict[str, list[float]] = defaultdict(list)
    for each in judged:
        groups[each.kind].append(each.percent)
    return {name: summary(groups[name]) for name in sorted(groups)}


def int4_errors(truth: Path, tables: dict[str, dict[str, float]]) -> dict[str, Errors]:
    """Errors for 4-bit weights, by family, each shape family by what the others say of unpacking."""
    found = {}
    for family, group in by_family(samples(truth, "m4", "int8_w4", "dsp")).items():
        percents = []
        for key in sorted({repr(s.shape_family) for s in group}):
            terms = int4_terms([s for s in group if repr(s.shape_family) != key], tables[family])
            for s in (s for s in group if repr(s.shape_family) == key):
                extra = terms["multiplies"] * s.work.multiplies + terms["pixels"] * s.work.pixels
                percents.append(100 * ((predict(tables[family], s) + extra) / s.instructions - 1))
        found[family] = summary(percents)
    return found


def covered(judged: Sequence[Judged]) -> float:
    """Share of operators inside the interval made of the errors of the other folds."""
    inside = 0
    for fold in range(FOLDS):
        rest = [each for each in judged if each.fold != fold]
        known = TypeErrors(operators=summary(e.percent for e in rest), kinds=by_kind(rest), worst_model=0.0)
        held_out = [each for each in judged if each.fold == fold]
        inside += sum(_inside(each.percent, known.width(each.kind)) for each in held_out)
    return inside / len(judged)


def _inside(percent: float, width: float | None) -> bool:
    low, high = UNJUDGED if width is None else factors(width)
    return low <= 1 / (1 + percent / 100) <= high
