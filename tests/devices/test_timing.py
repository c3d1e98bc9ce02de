"""Cycles per instruction of every family: reproducible, right on boards that were left out, honest about its doubt."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.boards import load_device
from devices.device import Device, Kernels
from devices.flatbuffer import read_graph
from devices.latency import estimate, host_timing, operator_costs, timing_names, timing_of
from tests.benchmarks import board_error, fit_calibrated, fit_ratios, fit_timing, runtime_ratio
from tests.benchmarks.hosts import hosts
from tests.benchmarks.published import MODELS, PERSON, graph_of, macs

BOARD = load_device("nucleo-l4r5zi")
EXACT = ("cycles_per_instruction", "stall_cycles_per_weight_byte", "flash_cache_bytes", "low", "high")


def shipped() -> dict[str, dict[str, dict[str, Any]]]:
    content: dict[str, dict[str, dict[str, Any]]] = json.loads(
        (files("devices") / "cycles" / "timing.json").read_text(encoding="utf-8")
    )
    return content


def on(timing: str, kernels: Kernels = "cmsis-nn", **changes: object) -> Device:
    """Give the L4R5ZI another timing."""
    return replace(BOARD, timing=timing, kernels=kernels, **changes)  # type: ignore[arg-type]  # fields of a test


def test_the_table_is_reproducible(shared: Path) -> None:
    """Fitting again gives the shipped table to 1 %: no number was edited by hand."""
    again = fit_timing.fit_families(shared)
    kept = shipped()["timings"]
    assert kept.keys() == again.keys()
    for name, entry in kept.items():
        values = [entry[key] for key in EXACT]
        assert values == pytest.approx([getattr(again[name], key) for key in EXACT], rel=0.01), name


def test_the_hosts_are_reproducible() -> None:
    """The constants of Linux boards are those of the published tables."""
    kept = shipped()["hosts"]
    assert kept.keys() == hosts().keys()
    for name, timing in hosts().items():
        assert kept[name]["cycles_per_mac_int8"] == timing.cycles_per_mac_int8
        assert kept[name]["cycles_per_mac_float32"] == timing.cycles_per_mac_float32


def test_every_entry_has_a_source_and_contains_its_estimate() -> None:
    """No constant without a word on where it comes from."""
    for name, entry in [*shipped()["timings"].items(), *shipped()["hosts"].items()]:
        assert len(entry["source"]) > 60, name
        assert entry["low"] < 1 < entry["high"], name


def test_the_calibrated_board_left_out(shared: Path) -> None:
    """NUCLEO-L4R5ZI with CMSIS-NN: each network predicted from the others within 5 %."""
    assert np.abs(fit_calibrated.left_out(*fit_calibrated.observations(shared))).max() < 5.0


def test_the_interval_of_the_calibrated_board_covers(shared: Path) -> None:
    """Each network lies in the interval made of the other three."""
    rows, cycles = fit_calibrated.observations(shared)
    for i in range(len(cycles)):
        others = np.arange(len(cycles)) != i
        constant = fit_calibrated.fit(rows[others], cycles[others])
        low, high = fit_calibrated.calibrated_spread(rows[others], cycles[others]).factors()
        assert low < cycles[i] / fit_calibrated.predicted(rows[[i]], constant)[0] < high


def test_ours_beats_macs_times_a_constant(shared: Path) -> None:
    """On the calibrated board the usual baseline errs at least twice as much, at the median and at worst."""
    row = board_error.calibrated_row(shared)
    for statistic in (np.median, np.max):
        assert 2 * statistic(np.abs(row.ours)) < statistic(np.abs(row.baseline))


def test_intervals_cover_rounds_and_runtimes_left_out(shared: Path) -> None:
    """Constants and intervals made without a round hold 90 % of its results; without a maker of runtimes 80 %.

    The makers are three, one of which (Plumerai) differs from the others by
    more than they do among themselves.
    """
    inside, total = fit_ratios.coverage(shared, lambda p: p.round)
    assert total > 100
    assert inside >= 0.9 * total
    inside, total = fit_ratios.coverage(shared, lambda p: p.maker)
    assert inside >= 0.8 * total


def test_the_interval_shown_covers(shared: Path) -> None:
    """Predicted without their maker's other results, 90 % of the published ratios lie in the interval that is shown."""
    inside, total = fit_ratios.covered(shared)
    assert total == 100
    assert inside >= 0.9 * total


@pytest.mark.parametrize(
    ("timing", "kernels", "mhz", "milliseconds"),
    [
        ("esp32-s3", "esp-nn", 240, 54),
        ("esp32-s3", "reference", 240, 2300),
        ("esp32", "esp-nn", 240, 380),
        ("esp32-c3", "esp-nn", 160, 426),
        ("esp32-p4", "reference", 360, 1395),
    ],
)
def test_espressif_calibration(shared: Path, timing: str, kernels: Kernels, mhz: int, milliseconds: float) -> None:
    """Person detection takes the published time (espressif/esp-nn, README), by the kernel library of the board."""
    graph = read_graph((shared / "data" / PERSON).read_bytes())
    device = on(timing, kernels, clock_hz=mhz * 1_000_000)
    time = estimate(graph, device, operator_costs(graph, device))
    assert time.latency_ms == pytest.approx(milliseconds, rel=0.01)
    assert time.instructions is None
    assert time.latency_high_ms > 1.4 * time.latency_ms


def test_the_runtime_table(shared: Path) -> None:
    """CMSIS-NN under another runtime is close to ours; old and vendor runtimes are not, and spread."""
    found = runtime_ratio.collect(shared, fit_timing.fit_families(shared))
    assert all(0.9 < value < 1.15 for value in found["microTVM + CMSIS-NN", "NUCLEO-L4R5ZI"])
    assert min(found["TFLM 2.3.1 (v0.5 reference)", "NUCLEO-L4R5ZI"]) > 1.1
    assert np.median(found["X-CUBE-AI 9.0", "NUCLEO-L4R5ZI"]) < 0.6
    lines = runtime_ratio.table(shared).splitlines()
    assert len(lines) == len(found) + 2
    assert all(line.count("|") == 6 for line in lines)


def test_the_error_table(shared: Path) -> None:
    """One line a board, ours and the baseline's errors in each."""
    lines = board_error.error_table(shared).splitlines()
    assert sum("NUCLEO-L4R5ZI" in line for line in lines) == 1
    for board in ("CY8CPROTO-062-4343W", "NUMAKER-M467HJ", "NUCLEO-H7A3ZI-Q", "DISCO-F746NG", "NUCLEO-G0B1RE"):
        assert sum(board in line for line in lines) == 1
    assert all(line.count("|") == 7 for line in lines)


def test_the_kernel_library_chooses_its_timing() -> None:
    """An ESP32-S3 takes far fewer cycles an instruction with ESP-NN, and CMSIS-NN is refused; others have one entry."""
    fast, slow = timing_of(on("esp32-s3", "esp-nn")), timing_of(on("esp32-s3", "reference"))
    assert fast.cycles_per_instruction < slow.cycles_per_instruction / 5
    assert timing_of(on("stm32l4", "reference")) == timing_of(on("stm32l4"))
    with pytest.raises(ValueError, match=r"no cycle model for 'esp32-s3' with cmsis-nn kernels.*esp32-s3/esp-nn"):
        timing_of(on("esp32-s3"))
    assert not any("/" in name for name in timing_names())


def test_stalls_are_wait_states_over_bytes() -> None:
    """The calibrated board waits 5 cycles for 8 bytes."""
    assert timing_of(BOARD).stall_cycles_per_weight_byte == 5 / 8


def test_linux_boards_have_a_timing_of_their_own() -> None:
    """By board or by core; float32 costs more than int8; another core is refused by name."""
    pi4 = host_timing(on("raspberry-pi-4", "xnnpack"))
    assert pi4.cycles_per_mac_int8 < pi4.cycles_per_mac_float32 < 1
    assert host_timing(replace(BOARD, core="cortex-a72", timing="", kernels="xnnpack")) == pi4
    assert {"raspberry-pi-4", "raspberry-pi-5", "cortex-a76"} <= set(timing_names())
    with pytest.raises(ValueError, match=r"no host timing for 'cortex-m4'.*raspberry-pi-4"):
        host_timing(replace(BOARD, timing=""))


def test_uncalibrated_boards_are_doubted_more() -> None:
    """The interval grows from the calibrated board over calibrated ratios, after another board, to external flash."""
    names = ("stm32l4", "stm32u5", "nrf53", "rp2350")
    widths = [math.log(timing_of(on(n)).high / timing_of(on(n)).low) for n in names]
    assert widths == sorted(widths)
    assert len(set(widths)) == len(widths)


def test_macs_do_not_rank_networks_as_cycles_do(shared: Path) -> None:
    """Visual wake words has 0.6 times the multiply-accumulates of image classification and 0.77 times its time."""
    graphs = [graph_of(shared, MODELS[name]) for name in ("vww", "ic")]
    times = [estimate(g, BOARD, operator_costs(g, BOARD)).latency_ms for g in graphs]
    assert macs(graphs[0]) / macs(graphs[1]) == pytest.approx(0.6, abs=0.01)
    assert times[0] / times[1] == pytest.approx(301.2 / 389.6, abs=0.04)
