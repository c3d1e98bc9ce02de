"""The shipped tables are what the fitting scripts make of the shared truth, and hold on data left out."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks import fit_cycles, fit_timing, latency_error

INT8 = [("m4", 0.5, 2.5), ("m7", 0.5, 2.5), ("m33", 0.5, 2.5), ("m55", 1.0, 4.0)]


def shipped(name: str) -> dict[str, object]:
    content: dict[str, object] = json.loads((files("devices") / "cycles" / name).read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize(("core", "dtype"), fit_cycles.TABLES)
def test_a_table_is_reproducible(shared: Path, core: str, dtype: str) -> None:
    """Fitting again gives the shipped coefficients to 0.1 %, none of them negative."""
    again = fit_cycles.table(shared / "truth", shared / "data", core, dtype)["instructions"]
    kept = shipped(f"{core}_{dtype}.json")["instructions"]
    assert isinstance(again, dict)
    assert isinstance(kept, dict)
    assert kept.keys() == again.keys()
    for family, coefficients in kept.items():
        assert coefficients == pytest.approx(again[family], rel=1e-3, abs=1e-3)
        assert min(coefficients.values()) > 0


@pytest.mark.parametrize(("core", "median", "tail"), INT8)
def test_shape_families_left_out_are_predicted(shared: Path, core: str, median: float, tail: float) -> None:
    """int8 operators of unseen shape families: median and 90th percentile of the error in percent."""
    kernels = fit_cycles.TABLES[core, "int8"]
    groups = fit_cycles.by_family(fit_cycles.samples(shared / "truth", core, "int8", kernels))
    errors = np.abs(np.concatenate([latency_error.errors(group) for group in groups.values()]))
    errors = errors[~np.isnan(errors)]
    assert np.median(errors) < median
    assert np.percentile(errors, 90) < tail


def test_folds_keep_shape_families_together(shared: Path) -> None:
    """No judged operator has a twin of another image size in the data it is predicted from."""
    samples = fit_cycles.samples(shared / "truth", "m4", "int8", "dsp")
    families = {s.shape_family for s in samples}
    assert len(families) < len(samples)
    assert all(len(s.shape_family) in (8, 10) for s in samples)


def test_the_timing_is_reproducible(shared: Path) -> None:
    """The two constants of the calibrated board come from the four published results, within 3.5 % of each."""
    rows, cycles = fit_timing.observations(shared)
    constants = fit_timing.fit(rows, cycles)
    timings = shipped("timing.json")["timings"]
    assert isinstance(timings, dict)
    kept = timings["stm32l4"]
    assert [kept["cycles_per_instruction"], kept["cycles_per_weight_byte"]] == pytest.approx(constants, rel=1e-3)
    assert np.abs(rows @ constants / cycles - 1).max() < 0.035


def test_every_timing_has_a_source_and_contains_its_estimate() -> None:
    """No constant without a word on where it comes from."""
    timings = shipped("timing.json")["timings"]
    assert isinstance(timings, dict)
    for name, entry in timings.items():
        assert len(entry["source"]) > 30, name
        assert entry["low"] < 1 < entry["high"], name
