"""Scales hold their range, powers of two are powers of two, and four bits are four bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressors.scaling import MOST_BIAS, Scales, Scaling, activation_scaling, packed, weight_scales

FINITE = st.floats(-1e4, 1e4, width=32)
SCALES: st.SearchStrategy[Scales] = st.sampled_from(("linear", "power_of_two"))


def _is_power_of_two(value: float) -> bool:
    return bool(np.frexp(value)[0] == 0.5)


@given(low=FINITE, high=FINITE, bits=st.sampled_from((8, 16)), scales=SCALES)
def test_an_activation_keeps_its_range(low: float, high: float, bits: int, scales: Scales) -> None:
    """Zero is exact and everything between the ends is off by a step at most, half of it by the zero point."""
    low, high = sorted((low, high))
    scaling = activation_scaling((low, high), bits, scales)
    values = np.linspace(min(low, 0.0), max(high, 0.0), 33)
    assert scaling.rounded(np.zeros(1), bits)[0] == 0.0
    assert np.abs(scaling.rounded(values, bits) - values).max() <= scaling.scale * 1.01
    if scales == "power_of_two":
        assert _is_power_of_two(scaling.scale)
        linear = activation_scaling((low, high), bits, "linear").scale
        assert linear * 0.999 <= scaling.scale < 2 * linear or linear == 1.0


def test_sixteen_bits_are_symmetric() -> None:
    assert activation_scaling((-1.0, 3.0), 16, "linear") == Scaling(scale=float(np.float32(3 / 32767)), zero_point=0)
    assert activation_scaling((0.0, 2.55), 8, "linear").zero_point == -128


def test_the_least_power_of_two_is_taken() -> None:
    """A range that a power of two holds exactly needs no larger one."""
    assert activation_scaling((0.0, 255.0 / 16), 8, "power_of_two").scale == 1 / 16
    assert activation_scaling((0.0, 256.0 / 16), 8, "power_of_two").scale == 1 / 8


@pytest.mark.parametrize(("bits", "most"), [(4, 7), (8, 127)])
@pytest.mark.parametrize("scales", ["linear", "power_of_two"])
def test_weights_use_their_bits(bits: int, most: int, scales: Scales) -> None:
    """The greatest weight of a row fits and takes more than half of the steps."""
    rows = np.random.default_rng(0).normal(size=(5, 40)) * np.array([[1e-3], [0.1], [1], [7], [100]])
    steps = np.abs(rows).max(axis=1) / weight_scales(rows, bits, scales, least_error=False)
    assert (steps <= most * 1.0001).all()
    assert (steps > most / 2).all()


def test_the_least_error_is_not_above_that_of_the_whole_range() -> None:
    """On weights with an outlier it is well below."""
    rows = np.random.default_rng(1).normal(size=(3, 200))
    rows[:, 0] = 6.0

    def error(least_error: bool) -> float:
        scales = weight_scales(rows, 4, "linear", least_error=least_error)[:, np.newaxis].astype(np.float64)
        return float(np.square(np.clip(np.rint(rows / scales), -7, 7) * scales - rows).sum())

    assert error(True) < 0.8 * error(False)


def test_a_bias_fits_into_32_bits() -> None:
    """Tiny weights beside a large bias get a scale that holds the bias; a dead row does not make its bias coarse."""
    rows = np.array([[1e-9, -1e-9], [0.5, 0.25], [0.0, 0.0]])
    biases = np.array([3.0, 3.0, 3.0])
    for kind in ("linear", "power_of_two"):
        scales = weight_scales(rows, 8, kind, least_error=False, biases=biases, source_scale=0.01)
        assert (biases / (0.01 * scales.astype(np.float64)) < 2**31).all()
        assert scales[2] <= scales[1]
    assert (weight_scales(np.zeros((2, 3)), 8, "linear", least_error=False) == 2.0**-7).all()


@pytest.mark.parametrize("bits", [8, 16])
def test_a_dead_channel_has_room_for_its_bias(bits: int) -> None:
    """Weights next to nothing would else make a scale under which no integer holds the bias."""
    rows = np.array([[0.5, -0.25], [1e-31, -1e-32]])
    biases, source = np.array([0.1, -1.5]), 0.01
    scales = weight_scales(
        rows, 8, "linear", least_error=False, biases=biases, most_bias=MOST_BIAS[bits], source_scale=source
    )
    assert scales[0] == pytest.approx(0.5 / 127)
    assert np.abs(biases / (source * scales)).max() <= MOST_BIAS[bits] * 1.001


def test_trained_ranges_are_kept() -> None:
    scales = weight_scales(np.array([[0.1, 0.2]]), 8, "linear", least_error=True, trained_reach=np.array([1.27]))
    assert scales == pytest.approx([0.01])


def test_packing() -> None:
    """The first of two 4-bit values lies in the lower half; an odd one is padded with zero."""
    assert packed(np.array([[1, -2], [7, -7]]), 4).tolist() == [0xE1, 0x97]
    assert packed(np.array([-1, 0, 5]), 4).tolist() == [0x0F, 0x05]
    assert packed(np.array([-2, 1]), 8).tolist() == [254, 1]
    assert packed(np.array([258]), 64).tolist() == [2, 1, 0, 0, 0, 0, 0, 0]
