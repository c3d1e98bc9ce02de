"""A check of made-up figures, for what is said of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from devices.footprint import Budget
from search.check import Check, SpaceFacts
from search.datasets.facts import DataFacts, SplitFacts
from search.job import Job
from search.metrics.measurement import Measurement
from search.trial_time import Spent, TrialTime
from tests.search.records import footprint

TIME = TrialTime(
    space="mlp",
    macs=640,
    steps=1_200,
    spent=Spent(build=0.3, trace=0.4, step=0.001, convert=0.5, inference=0.0001),
    fine_tune_share=0.46,
    fine_tunes=1.02,
    seconds=4.0,
)
DATA = DataFacts(
    name="weather",
    task="classification",
    input_shape=(12,),
    labels=("calm", "storm", "hail"),
    splits={
        "train": SplitFacts(n=600, counts=(500, 80, 20), lowest=-5.0, highest=31.5, repeated=2),
        "validation": SplitFacts(n=50, counts=(40, 10, 0), lowest=-4.0, highest=30.0, repeated=0),
        "test": SplitFacts(n=150, counts=(100, 30, 20), lowest=-5.5, highest=33.0, repeated=0),
    },
    shared={"train-validation": 0, "train-test": 7, "validation-test": 0},
    contradictions=4,
    constant_inputs=(2, 11),
    trivial="calm",
    baseline={"accuracy": Measurement.share(40, 50)},
)


def space(name: str = "mlp", **changes: Any) -> SpaceFacts:
    facts = SpaceFacts(
        name=name,
        description="dense layers",
        parameters=(99, 12_345),
        smallest=footprint(model_bytes=1_500),
        largest=footprint(model_bytes=17_000),
        fits=True,
        anchors=5,
        fitting=4,
    )
    return replace(facts, **changes)


def checked(**changes: Any) -> Check:
    check = Check(
        job=Job(data="weather.csv", device="nucleo-l432kc", minutes=2.0, objectives=("accuracy", "flash_bytes")),
        data=DATA,
        device="nucleo-l432kc",
        budget=Budget(flash_bytes=262_144, ram_bytes=65_536, latency_ms=20.0),
        is_least=False,
        spaces=(space(), space("autokeras_dense", fits=False, fitting=0)),
        left_out={"cnn": "no image", "ds_cnn": "no image", "autoencoder": "for another task"},
        techniques=("quantization", "structured_pruning"),
        nothing_fits="",
        time=TIME,
        workers=2,
    )
    return replace(check, **changes)
