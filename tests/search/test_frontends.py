"""A job's front-end: what may be written, what is derived from the data, and JSON both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devices.frontend.fft_magnitude import FftMagnitude
from devices.frontend.frontend import Frontend
from devices.frontend.image_rescale import ImageRescale
from devices.frontend.log_mel import LogMel
from devices.frontend.mfcc import Mfcc
from devices.frontend.micro_frontend import MicroFrontend
from devices.frontend.pipeline import Pipeline
from devices.frontend.standardise import Standardisation, Standardise
from devices.frontend.window_statistics import WindowStatistics
from search import codec
from search.errors import JobError
from search.frontends import (
    Choice,
    choice_of,
    frontend_of,
    parameters_of,
    pipeline_from_json,
    pipeline_to_json,
    searched,
    variant_of,
    variants_of,
)
from search.job import Job, read_job
from search.store import RunFolder

_GIVEN: dict[str, Any] = {"data": "digits", "device": "nucleo-l432kc"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (None, {}),
        ({}, {}),
        ("mfcc", {"mfcc": {}}),
        ({"mfcc": None}, {"mfcc": {}}),
        ({"mfcc": {"coefficients": 13}}, {"mfcc": {"coefficients": 13}}),
    ],
)
def test_a_name_or_a_name_with_settings(written: object, read: object) -> None:
    assert choice_of(written) == read


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("mfc", "unknown front-end 'mfc': did you mean 'mfcc'"),
        ({"mfcc": {"coeficients": 13}}, "unknown key frontend.mfcc.coeficients: did you mean 'coefficients'"),
        ({"mfcc": {}, "log_mel": {}}, "write its name, or 'frontend: {mfcc: {coefficients: 13}}'"),
        (["mfcc"], "write its name"),
        ({"mfcc": 13}, "frontend.mfcc is 13: write a mapping of its settings"),
    ],
)
def test_what_cannot_be_is_refused(written: object, sentence: str) -> None:
    with pytest.raises(JobError, match=sentence):
        choice_of(written)


_LISTED: Choice = {"mfcc": {"coefficients": (10, 13), "window": "hann", "hop_ms": (20.0, 32.0, 16.0)}}


def test_lists_of_values_are_searched() -> None:
    """Every combination in a fixed order, found again from what a trial drew."""
    assert choice_of({"mfcc": {"coefficients": [10, 13], "window": "hann", "hop_ms": [20.0, 32.0, 16.0]}}) == _LISTED
    assert searched(_LISTED) == {"frontend/coefficients": (10, 13), "frontend/hop_ms": (20.0, 32.0, 16.0)}
    variants = variants_of(_LISTED)
    assert len(variants) == 6
    assert variants[0] == {"mfcc": {"coefficients": 10, "window": "hann", "hop_ms": 20.0}}
    for index, drawn in enumerate(parameters_of(_LISTED)):
        assert variant_of(_LISTED, {"space": "mlp", **drawn}) == index
        assert variants[index]["mfcc"]["coefficients"] == drawn["frontend/coefficients"]
    assert variant_of(_LISTED, {"frontend/coefficients": 13}) == 3


def test_a_fixed_choice_is_its_only_variant() -> None:
    fixed: Choice = {"mfcc": {"coefficients": 13}}
    assert variants_of(fixed) == (fixed,)
    assert variants_of({}) == ({},)
    assert searched(fixed) == {}
    assert variant_of(fixed, {"space": "mlp"}) == variant_of({}, {}) == 0


def test_a_job_with_lists_survives_its_file(tmp_path: Path) -> None:
    job = read_job(None, _GIVEN, ["frontend.mfcc.coefficients=[10, 13]", "trials=1"])
    run = RunFolder(tmp_path)
    run.write_job(job)
    assert run.job() == job
    assert job.frontend == {"mfcc": {"coefficients": (10, 13)}}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"coefficients": []}, r"frontend.mfcc.coefficients is \[\]: list the values to search, each once"),
        ({"coefficients": [10, 10]}, "each once"),
        ({"coefficients": [[10], 13]}, "each once"),
        ({"coefficients": list(range(1, 10)), "hop_ms": [10, 20]}, "make 18 front-ends: at most 16 are searched"),
    ],
)
def test_lists_that_cannot_be_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(JobError, match=sentence):
        choice_of({"mfcc": settings})


def test_a_job_reads_it_from_yaml_and_from_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text("data: digits\ndevice: nucleo-l432kc\nfrontend:\n  mfcc: {coefficients: 13}\n")
    assert read_job(file, {}).frontend == {"mfcc": {"coefficients": 13}}
    assert read_job(file, {}, ["frontend.mfcc.hop_ms=10"]).frontend == {"mfcc": {"coefficients": 13, "hop_ms": 10}}
    assert read_job(None, _GIVEN, ["frontend=log_mel"]).frontend == {"log_mel": {}}
    with pytest.raises(JobError, match=r"unknown key frontend\.mfcc\.hop: did you mean 'hop_ms'"):
        read_job(file, {}, ["frontend.mfcc.hop=10"])


def test_a_job_with_one_is_another_search_with_another_name() -> None:
    """And a job without is called what it was before there were front-ends."""
    plain = Job(**_GIVEN, trials=1)
    with_one = Job(**_GIVEN, trials=1, frontend={"mfcc": {}})
    assert plain.run_name != with_one.run_name
    assert plain.first_difference(with_one) == "frontend"
    document = codec.unstructure(plain)
    assert codec.structure(document, Job) == plain
    del document["frontend"]
    assert codec.structure(document, Job) == plain  # job.yaml of an earlier version


def test_the_name_of_a_job_without_stays() -> None:
    """Its hash is of the keys that there were: runs made before go on."""
    job = Job(**_GIVEN, trials=1)
    assert job.run_name == "digits-nucleo-l432kc-49c8a21e"  # as the first version named it


def test_defaults_come_from_the_data() -> None:
    assert frontend_of({}, 8000, 1.0) is None
    assert frontend_of({"mfcc": {}}, 8000, 1.0) == Mfcc(sample_rate_hz=8000)
    assert frontend_of({"mfcc": {"sample_rate_hz": 16000}}, 8000, 1.0) == Mfcc(sample_rate_hz=16000)
    assert frontend_of({"mfcc": {}}, 8000, 32768.0) == Mfcc(sample_rate_hz=8000, full_scale=32768.0)
    assert frontend_of({"mfcc": {"full_scale": 100.0}}, 8000, 32768.0) == Mfcc(sample_rate_hz=8000, full_scale=100.0)
    assert frontend_of({"micro_frontend": {}}, 8000, 32768.0) == MicroFrontend(sample_rate_hz=8000, full_scale=32768.0)
    assert frontend_of({"fft_magnitude": {"bins": 8}}, None, 32768.0) == FftMagnitude(bins=8)


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"mfcc": {}}, "the data does not say its sample rate, .* --set frontend.mfcc.sample_rate_hz=16000"),
        ({"mfcc": {"sample_rate_hz": "fast"}}, "frontend.mfcc: sample_rate_hz: expected int, got 'fast'"),
        ({"mfcc": {"sample_rate_hz": 8000, "window": "hanning"}}, "window: expected 'hann' or 'hamming'"),
        ({"mfcc": {"sample_rate_hz": 8000, "mel_bins": 0}}, "frontend.mfcc: mel_bins is 0: it must be in 1..256"),
        ({"window_statistics": {"mean": 1}}, "mean: expected bool, got 1"),
        ({"image_rescale": {"height": 4}}, "frontend.image_rescale: width: missing"),
        ({"image_rescale": {"height": 0, "width": 4}}, r"height is 0: it must be in 1\.\.1024 pixels"),
    ],
)
def test_settings_that_cannot_be_are_refused(choice: dict[str, dict[str, Any]], sentence: str) -> None:
    with pytest.raises(JobError, match=sentence):
        frontend_of(choice, None, 1.0)


@pytest.mark.parametrize(
    ("frontend", "shape"),
    [
        (LogMel(sample_rate_hz=8000, upper_hz=3000.0, fft_size=512), (4000,)),
        (Mfcc(sample_rate_hz=8000, spectrum="power"), (4000,)),
        (MicroFrontend(sample_rate_hz=8000), (4000,)),
        (WindowStatistics(mean=False), (20, 1, 3)),
        (FftMagnitude(bins=4), (20, 1, 3)),
        (ImageRescale(height=4, width=6, grey=True), (20, 10, 3)),
        (Standardise(), (5,)),
    ],
)
def test_json_gives_the_same_pipeline_back(frontend: Frontend, shape: tuple[int, ...]) -> None:
    n = frontend.row_elements(shape)
    for fitted in (None, Standardisation(mean=(0.1,) * n, factor=(3.0,) * n)):
        pipeline = Pipeline(input_shape=shape, frontend=frontend, standardisation=fitted)
        assert pipeline_from_json(pipeline_to_json(pipeline)) == pipeline


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"input_shape": [9], "frontend": {"mfc": {}}, "standardisation": null}', '{"frontend": {}}'],
)
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting value|not a front-end|unknown front-end"):
        pipeline_from_json(text)
