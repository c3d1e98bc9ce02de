"""Records for tests: scored trials with chosen figures."""

from __future__ import annotations

from devices.footprint import Footprint
from search.record import Proportion, Score, Seconds, TrialRecord


def footprint(*, model_bytes: int = 5000, arena_bytes: int = 4000, latency_ms: float = 2.0) -> Footprint:
    return Footprint(
        model_bytes=model_bytes,
        runtime_flash_bytes=40_000,
        activation_bytes=arena_bytes - 1000,
        bookkeeping_bytes=1000,
        setup_bytes=1500,
        static_ram_bytes=2000,
        macs=10_000,
        instructions=50_000,
        cycles=80_000,
        latency_ms=latency_ms,
        latency_low_ms=latency_ms * 0.9,
        latency_high_ms=latency_ms * 1.1,
    )


def scored(trial: int, *, correct: int = 90, sha256: str = "0" * 64, **figures: float) -> TrialRecord:
    cost = footprint(**figures)  # type: ignore[arg-type]  # ints where footprint wants ints
    return TrialRecord(
        trial=trial,
        state="complete",
        space="ds_cnn",
        drawn={"space": "ds_cnn", "ds_cnn/blocks": 2},
        compression={"quantization": {"granularity": "channel", "calibration_samples": 128}},
        key=f"key{trial}",
        excess={"flash_bytes": -1.0, "ram_bytes": -1.0},
        predicted=cost,
        score=Score(
            accuracy=Proportion(correct=correct, n=100),
            interpreter="tflm",
            footprint=cost,
            params=1000,
            download_bytes=None,
            sha256=sha256,
        ),
        seconds=Seconds(train=3.0, convert=1.0),
    )
