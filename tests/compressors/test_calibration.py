"""Ranges are those of the activations, and what is cut off is what was asked for."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from compressors.calibration import Histogram, observed_ranges
from compressors.conversion import float_file
from compressors.layers import Dense, Input
from compressors.network import build, set_weights
from compressors.quantization import Quantization
from compressors.scaling import activation_scaling
from compressors.topology import Layer, Topology
from devices.flatbuffer import read_graph


def _normal_with_outliers() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = np.random.default_rng(0).normal(size=100_000)
    values[:3] = (40.0, -30.0, 35.0)
    return values


def _histogram() -> Histogram:
    values = _normal_with_outliers()
    return Histogram(values.min(), values.max(), np.histogram(values, bins=2048)[0].astype(np.int64))


def test_percentile_leaves_out_the_rarest() -> None:
    low, high = _histogram().percentile_range(99.9)
    assert (low, high) == pytest.approx(np.percentile(_normal_with_outliers(), (0.1, 99.9)), abs=0.05)
    assert _histogram().percentile_range(100.0) == (-30.0, 40.0)


def test_least_error_beats_the_whole_range() -> None:
    """On the values themselves, not on the histogram's middles."""
    values = _normal_with_outliers()
    for settings in (Quantization(calibration="mse"), Quantization(calibration="mse", scales="power_of_two")):
        clipped, whole = (
            np.square(activation_scaling(reach, 8, settings.scales).rounded(values, 8) - values).sum()
            for reach in (_histogram().least_error_range(settings), (-30.0, 40.0))
        )
        assert clipped <= whole
    assert _histogram().least_error_range(Quantization(calibration="mse"))[1] < 40.0


@pytest.mark.parametrize("calibration", ["minmax", "percentile", "mse"])
def test_ranges_of_a_network(calibration: Literal["minmax", "percentile", "mse"]) -> None:
    """Of the input and of every layer's output, over all samples; an outlier counts with minimum and maximum only."""
    layers = (
        Layer(name="x", spec=Input(shape=(2,))),
        Layer(name="out", spec=Dense(units=2), inputs=("x",)),
    )
    network = build(Topology(layers=layers))
    set_weights(network, {"out": (np.diag([2.0, -1.0]).astype(np.float32), np.zeros(2, np.float32))})
    samples = np.random.default_rng(0).uniform(-1, 1, (500, 2)).astype(np.float32)
    samples[7] = (50.0, 0.0)
    content = float_file(network)
    graph = read_graph(content)
    ranges = observed_ranges(content, samples, Quantization(calibration=calibration, percentile=99.0))
    low, high = ranges[graph.inputs[0]]
    assert ranges.keys() == {graph.inputs[0], graph.outputs[0]}
    if calibration == "minmax":
        assert (low, high) == (samples.min(), 50.0)
        assert ranges[graph.outputs[0]][1] == 100.0
    elif calibration == "percentile":
        assert -1.0 <= low < -0.9
        assert 0.9 < high < 1.1
    else:
        assert 0.9 < high <= 50.0
