"""Figures for people read the same everywhere."""

from __future__ import annotations

import pytest

from search.metrics.catalog import find_metric
from search.metrics.measurement import Measurement
from search.record import Proportion
from search.units import (
    duration,
    figure,
    kilobytes,
    milliseconds,
    milliseconds_range,
    named,
    percent,
    quality,
    share_of,
    title,
)


def test_kilobytes_are_thousands() -> None:
    """1 kB is 1000 bytes: a file of 10,672 bytes is 10.7 kB."""
    assert kilobytes(10_672) == "10.7"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.000"), (0.00437, "0.0044"), (0.042, "0.042"), (1.234, "1.23"), (12.34, "12.3"), (1234.5, "1234")],
)
def test_milliseconds_keep_three_digits(value: float, shown: str) -> None:
    """Enough digits to compare two models, and no more than an estimate can carry."""
    assert milliseconds(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0.0 s"),
        (0.04, "40 ms"),
        (8.24, "8.2 s"),
        (59.96, "1 min 00 s"),
        (200.0, "3 min 20 s"),
        (7500.0, "2 h 05 min"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    """From milliseconds to hours, without a '60 s' at the seam."""
    assert duration(seconds) == shown


def test_shares_of_what_there_is() -> None:
    """Whole percent, over a hundred too; a little is not nothing."""
    assert [share_of(part, 200) for part in (0, 1, 2, 100, 264)] == ["0 %", "<1 %", "1 %", "50 %", "132 %"]


def test_intervals_stand_beside_their_value() -> None:
    """A share without its interval, or an estimate without its, says more than is known."""
    assert percent(Proportion(correct=9, n=10)) == "90.0 (59.6-98.2)"
    assert milliseconds_range(12.3, 11.0, 13.9) == "12.3 (11.0-13.9)"


def test_a_named_metric_has_its_unit() -> None:
    """Percent behind a share; a negative end is set apart."""
    assert named(find_metric("accuracy"), Measurement.share(45, 50)) == "accuracy 90.0 (78.6-95.7) %"
    assert named(find_metric("r2"), Measurement(value=0.1, n=9, low=-0.2, high=0.3)) == "R2 0.100 (-0.200 to 0.300)"


def test_a_diverged_network_s_figures_stay_short() -> None:
    """Three digits from a million on; in full below."""
    far = Measurement(value=-4.2e70, n=9, low=-1e75, high=-1234567.0)
    assert named(find_metric("r2"), far) == "R2 -4.2e+70 (-1e+75 to -1.23e+06)"
    assert quality(find_metric("rmse"), 3.4e38) == "3.4e+38"
    assert quality(find_metric("r2"), -999999.5) == "-999999.500"
    assert quality(find_metric("rmse"), 999999.0) == "999999"


def test_figures_carry_the_unit_of_their_name() -> None:
    """Names end in their unit; what has none is bare."""
    assert [figure("flash_bytes", 131_072), figure("latency_ms", 40.0), figure("accuracy", 0.0)] == [
        "131.1 kB",
        "40.0 ms",
        "0",
    ]
    assert [title("flash_bytes"), title("ram_bytes"), title("latency_ms"), title("accuracy")] == [
        "flash",
        "RAM",
        "latency",
        "accuracy",
    ]
