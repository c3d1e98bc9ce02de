"""Records of runs that never ran: small, and with every figure chosen by the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from compressors.compressor import Value
from devices.footprint import Budget, Footprint
from search.metrics.measurement import Measurement
from search.record import InterpreterName, Score, Seconds, TrialRecord

MakeRecord = Callable[..., TrialRecord]

BUDGET = Budget(flash_bytes=100_000, ram_bytes=50_000, latency_ms=40.0)
RUNTIME_FLASH_BYTES = 30_000
STATIC_RAM_BYTES = 3_000
BOOKKEEPING_BYTES = 2_000


def footprint(*, model_bytes: int = 10_000, activation_bytes: int = 5_000, latency_ms: float = 10.0) -> Footprint:
    return Footprint(
        model_bytes=model_bytes,
        runtime_flash_bytes=RUNTIME_FLASH_BYTES,
        activation_bytes=activation_bytes,
        bookkeeping_bytes=BOOKKEEPING_BYTES,
        setup_bytes=0,
        static_ram_bytes=STATIC_RAM_BYTES,
        macs=123_456,
        instructions=None,
        cycles=640_000,
        latency_ms=latency_ms,
        latency_low_ms=0.9 * latency_ms,
        latency_high_ms=1.2 * latency_ms,
    )


def make_record(
    trial: int,
    *,
    correct: int | None = 300,
    model_bytes: int = 10_000,
    activation_bytes: int = 5_000,
    latency_ms: float = 10.0,
    space: str = "ds_cnn",
    compression: Mapping[str, Mapping[str, Value]] | None = None,
    interpreter: InterpreterName = "tflm",
    train: float = 4.0,
    reason: str = "",
    sha256: str | None = None,
) -> TrialRecord:
    """A trial scored on 360 samples; `correct` None makes one that was rejected with that footprint predicted."""
    cost = footprint(model_bytes=model_bytes, activation_bytes=activation_bytes, latency_ms=latency_ms)
    rejected = TrialRecord(
        trial=trial,
        state="rejected",
        reason=reason,
        space=space,
        drawn={"ds_cnn/width": 16, "recipe/learning_rate": 0.001},
        compression=compression or {},
        key=f"key{trial}",
        excess=dict(cost.excess_over(BUDGET)),
        predicted=cost,
        seconds=Seconds(draw=0.01, screen=0.09),
    )
    if correct is None:
        return rejected
    score = Score(
        metrics={"accuracy": Measurement.share(correct, 360)},
        interpreter=interpreter,
        footprint=cost,
        params=5_000,
        download_bytes=None,
        sha256=sha256 or f"{trial:064x}",
    )
    seconds = Seconds(draw=0.01, screen=0.09, train=train, convert=0.6, score=0.3)
    return replace(rejected, state="complete", score=score, seconds=seconds)


def a_run() -> list[TrialRecord]:
    """Every kind of trial: 0, 1 and 2 on the front, 3 dominated, 4 over after training, 5 and 6 rejected, 7 failed."""
    return [
        make_record(0, correct=290, model_bytes=8_000, activation_bytes=4_000, latency_ms=4.0),
        make_record(
            1, correct=340, model_bytes=20_000, latency_ms=9.0, compression={"structured_pruning": {"filters": 0.5}}
        ),
        make_record(2, correct=345, model_bytes=60_000, latency_ms=30.0, interpreter="litert", train=0.0),
        make_record(3, correct=280, model_bytes=25_000, latency_ms=12.0),
        make_record(4, correct=350, model_bytes=75_000, latency_ms=41.0),
        make_record(5, correct=None, model_bytes=90_000, reason="flash 120000 B is over the limit of 100000 B"),
        make_record(6, correct=None, reason="duplicate of trial 1"),
        replace(make_record(7, correct=None), state="failed", reason="the loss is NaN after epoch 3"),
    ]
