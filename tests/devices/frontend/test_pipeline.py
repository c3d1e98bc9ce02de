"""The whole way to the network's input, and what it costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from devices.boards import load_device
from devices.footprint import Budget
from devices.frontend.cost import Operations
from devices.frontend.fft_magnitude import FftMagnitude
from devices.frontend.frontend import FrontendError
from devices.frontend.image_rescale import ImageRescale
from devices.frontend.log_mel import LogMel
from devices.frontend.mfcc import Mfcc
from devices.frontend.micro_frontend import MicroFrontend
from devices.frontend.pipeline import Pipeline
from devices.frontend.standardise import Standardisation, Standardise
from devices.frontend.window_statistics import WindowStatistics
from tests.devices.frontend.network import NETWORK

_KEYWORDS = Pipeline(input_shape=(16000,), frontend=Mfcc(sample_rate_hz=16000))


def test_refuses_a_standardisation_of_other_features() -> None:
    fitted = Standardisation(mean=(0.0,) * 9, factor=(1.0,) * 9)
    with pytest.raises(FrontendError, match="standardisation is of 9 features, a row of mfcc has 10"):
        replace(_KEYWORDS, standardisation=fitted)


def test_refuses_samples_that_the_front_end_does_not_take() -> None:
    with pytest.raises(FrontendError, match="a sound has 10 samples"):
        replace(_KEYWORDS, input_shape=(10,))


def test_names_the_sample_whose_features_are_not_finite() -> None:
    x = np.ones((3, 16, 1, 1), np.float32)
    x[2, 4] = 1e30
    pipeline = Pipeline(input_shape=(16, 1, 1), frontend=WindowStatistics())
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(FrontendError, match="features of sample 2 are not finite"),
    ):
        pipeline.apply(x)


def test_cost_counts_tables_buffers_and_the_raw_sample_exactly() -> None:
    """On a core with a floating-point unit; 32 kB of sound, a frame that becomes its spectrum, one row."""
    device = load_device("nucleo-l4r5zi")
    cost = _KEYWORDS.cost(device)
    tables = 4 * 480 + 4 * 129 + 40 * (2 + 2) + 4 * 40 * 10
    weights = cost.flash_bytes - tables - _KEYWORDS.frontend.code_bytes
    assert 4 * 200 < weights < 4 * 300  # every bin below 4 kHz lies under about two triangles
    assert cost.ram_bytes == 2 * 16000 + 4 * 512 + 4 * 10
    assert 0 < cost.latency_low_ms < cost.latency_ms < cost.latency_high_ms
    assert cost.latency_ms == pytest.approx(1000 * cost.cycles / device.clock_hz)


def test_cores_without_a_floating_point_unit_take_far_longer() -> None:
    operations = Operations(simple=1000, slow=10)
    with_unit, without = (operations.instructions(load_device(name)) for name in ("nucleo-l4r5zi", "nucleo-g0b1re"))
    assert without > 20 * with_unit


def test_a_longer_sound_costs_in_proportion() -> None:
    device = load_device("nucleo-l4r5zi")
    half = Pipeline(input_shape=(8160,), frontend=Mfcc(sample_rate_hz=16000))
    assert half.output_shape == (25, 10, 1)
    assert half.cost(device).cycles * 49 == pytest.approx(_KEYWORDS.cost(device).cycles * 25, rel=1e-5)


def test_every_board_has_a_cost() -> None:
    """Linux boards too."""
    for name in ("raspberry-pi-4b", "nucleo-h7a3zi-q", "nucleo-g0b1re"):
        assert _KEYWORDS.cost(load_device(name)).latency_ms > 0


def test_the_footprint_holds_both_and_says_which() -> None:
    cost = _KEYWORDS.cost(load_device("nucleo-l4r5zi"))
    both = cost.added_to(NETWORK)
    assert both.flash_bytes == NETWORK.flash_bytes + cost.flash_bytes
    assert both.ram_bytes == NETWORK.ram_bytes + cost.ram_bytes
    assert both.latency_ms == 10.0 + cost.latency_ms
    assert both.latency_high_ms == 12.0 + cost.latency_high_ms
    assert both.frontend_ms == cost.latency_ms
    assert both.macs == NETWORK.macs
    assert both.model_bytes == NETWORK.model_bytes
    limit = Budget(flash_bytes=NETWORK.flash_bytes, ram_bytes=NETWORK.ram_bytes, latency_ms=10.0)
    assert dict(NETWORK.excess_over(limit)) == {"flash_bytes": 0, "ram_bytes": 0, "latency_ms": 0}
    assert dict(both.excess_over(limit))["ram_bytes"] == cost.ram_bytes


def test_values_alone_are_standardised() -> None:
    x = np.arange(12, dtype=np.float32).reshape(2, 6)
    fitted = Standardisation(mean=(3.0, 4.0, 5.0, 6.0, 7.0, 8.0), factor=(0.5,) * 6)
    pipeline = Pipeline(input_shape=(6,), frontend=Standardise(), standardisation=fitted)
    assert pipeline.apply(x).tolist() == [[-1.5] * 6, [1.5] * 6]


@pytest.mark.parametrize(
    ("pipeline", "counted"),
    [
        (_KEYWORDS, 2_391_760),
        (Pipeline(input_shape=(16000,), frontend=Mfcc(sample_rate_hz=16000, spectrum="power")), 2_344_014),
        (Pipeline(input_shape=(8000,), frontend=LogMel(sample_rate_hz=16000, fft_size=1024, mel_bins=24)), 2_262_314),
        (Pipeline(input_shape=(16000,), frontend=MicroFrontend(sample_rate_hz=16000)), 3_839_662),  # a tone
        (Pipeline(input_shape=(16000,), frontend=MicroFrontend(sample_rate_hz=16000)), 5_049_332),  # loud noise
        (Pipeline(input_shape=(256, 1, 3), frontend=FftMagnitude()), 78_313),
        (Pipeline(input_shape=(96, 96, 3), frontend=ImageRescale(height=32, width=32)), 288_930),
        (Pipeline(input_shape=(96, 96, 3), frontend=ImageRescale(height=32, width=32, grey=True)), 168_402),
        (Pipeline(input_shape=(100, 100, 3), frontend=ImageRescale(height=32, width=32, grey=True)), 321_256),
        (Pipeline(input_shape=(32, 32, 3), frontend=ImageRescale(height=48, width=48)), 499_780),
        (Pipeline(input_shape=(128, 1, 6), frontend=WindowStatistics()), 17_734),
    ],
)
def test_instructions_are_near_the_emulated_ones(pipeline: Pipeline, counted: int) -> None:
    """Of the exported source with its standardisation, compiled for a Cortex-M4 by Clang at -O2 and emulated.

    There a root or division is one instruction; the interval is 1.5 either way.
    """
    operations = pipeline.operations()
    one_each = replace(operations, simple=operations.simple + operations.slow, slow=0)
    assert 1 / 1.5 < one_each.instructions(load_device("nucleo-l4r5zi")) / counted < 1.5
