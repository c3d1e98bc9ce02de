"""Where memory peaks, told from the costs of the operators."""

from __future__ import annotations

from dataclasses import replace

from devices.footprint import OperatorCost, peak_operator

COST = OperatorCost(index=0, op="ADD", output_shape=(1, 4), macs=0, instructions=None, cycles=1, latency_ms=0.1)


def costs(*live: int | None) -> list[OperatorCost]:
    return [replace(COST, index=index, live_bytes=nbytes) for index, nbytes in enumerate(live)]


def test_memory_peaks_where_most_is_alive() -> None:
    """The first of several; one that is not known cannot be the peak."""
    assert peak_operator(costs(16, 64, 32, 64)) == 1
    assert peak_operator(costs(None, 16)) == 1


def test_no_peak_where_nothing_is_known() -> None:
    """A network without operators, or without figures, has none."""
    assert peak_operator([]) is None
    assert peak_operator(costs(None, None)) is None
