"""What would be searched, and how many trials fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search import check as checking
from search.check import check
from search.errors import DataError, JobError
from search.job import Job, Limits
from search.problem import Problem, resolve
from search.screen import Screened
from search.trial_time import TrialTime
from spaces.catalog import find_space
from tests.search.checked import TIME, checked
from tests.search.runs import JOB, problem


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job on 90 random series (20, 1, 2) of three classes."""
    file = tmp_path / "series.npz"
    x = np.random.default_rng(0).normal(size=(90, 20, 1, 2)).astype(np.float32)
    np.savez(file, x_train=x, y_train=np.arange(90) % 3)
    return Job(data=str(file), device="nucleo-l432kc", minutes=1.0, workers=1)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[Screened]:
    """Nothing is timed; the candidates that would have been."""
    seen: list[Screened] = []

    def pretend(_problem: Problem, screened: Screened) -> TrialTime:
        seen.append(screened)
        return TIME

    monkeypatch.setattr("search.trial_time.estimate", pretend)
    return seen


def test_every_space_is_costed_by_its_anchors(job: Job, timed: list[Screened]) -> None:
    """Smallest and largest as a search would screen them; the median of those that fit is timed; nothing is written."""
    before = sorted(Path(job.data).parent.iterdir())
    found = check(job)
    assert [space.name for space in found.spaces] == ["residual", "temporal_cnn", "mlp", "autokeras_dense"]
    for space in found.spaces:
        low, high = space.parameters
        assert low < high
        assert space.smallest.model_bytes < space.largest.model_bytes
        assert space.fits
        assert space.anchors == len(find_space(space.name).anchors((20, 1, 2))) >= space.fitting > 0
    assert found.left_out.keys() == {"cnn", "ds_cnn", "inverted_residual", "autokeras_conv", "autoencoder"}
    assert all(found.left_out.values())
    assert "quantization" in found.techniques
    assert not found.is_least
    assert found.data.splits["train"].n == 54
    [middle] = timed
    macs = [space.smallest.macs for space in found.spaces], [space.largest.macs for space in found.spaces]
    assert min(macs[0]) < middle.footprint.macs < max(macs[1])
    assert middle.fits
    assert sorted(Path(job.data).parent.iterdir()) == before


def test_parameters_are_those_of_the_drawn_network(job: Job, timed: list[Screened]) -> None:
    """One hidden layer of four and of (32, 16) units on 40 inputs, three classes."""
    [mlp] = check(replace(job, space=("mlp",))).spaces
    assert timed
    assert mlp.parameters == (
        20 // 4 * 2 * 4 + 4 + 4 * 3 + 3,
        40 * 32 + 32 + 32 * 16 + 16 + 16 * 3 + 3,
    )


def test_nothing_fits(job: Job, timed: list[Screened]) -> None:
    """The reason is that of the search, the spaces are shown with what they need, and nothing is timed."""
    found = check(replace(job, budget=Limits(ram_bytes=1_000)))
    assert "exceeds ram_bytes" in found.nothing_fits
    assert [space.fits for space in found.spaces] == [False] * 4
    assert [space.fitting for space in found.spaces] == [0] * 4
    assert (found.time, found.trials, found.seconds, timed) == (None, None, None, [])


def test_where_everything_needs_compression_the_least_is_timed(job: Job, timed: list[Screened]) -> None:
    """A limit just below what any anchor needs as it is: only stronger plans keep it."""
    alone = replace(job, space=("mlp",))
    anchors = [screened.footprint for screened, _ in checking._anchors(resolve(alone), find_space("mlp"))]
    limit = Limits(flash_bytes=min(cost.flash_bytes for cost in anchors) - 1)
    found = check(replace(alone, budget=limit))
    assert found.nothing_fits == ""
    assert (found.spaces[0].fits, found.spaces[0].fitting) == (True, 0)
    assert [screened.footprint.macs for screened in timed] == [min(cost.macs for cost in anchors)]


def test_a_space_that_is_not_named_is_said_to_be(job: Job, timed: list[Screened]) -> None:
    """Beside those that suit nothing here."""
    found = check(replace(job, space=("mlp", "cnn")))
    assert timed
    assert [space.name for space in found.spaces] == ["cnn", "mlp"]
    assert found.left_out["temporal_cnn"] == "not named by the job"
    assert found.left_out["autoencoder"] == "not named by the job"


@pytest.mark.parametrize(
    ("minutes", "trials", "workers", "expected"),
    [
        (2.0, None, 1, (28, 120.0)),  # (120 - 8) / 4
        (2.0, None, 2, (56, 120.0)),
        (2.0, 10, 1, (10, 48.0)),
        (0.1, 10, 1, (0, 6.0)),
        (None, 10, 2, (10, 28.0)),
    ],
)
def test_how_many_trials_fit(
    minutes: float | None, trials: int | None, workers: int, expected: tuple[int, float]
) -> None:
    """Four seconds a trial; what ends first, minutes or trials, ends the search."""
    found = checked(workers=workers, job=Job(data="d", device="x", minutes=minutes, trials=trials))
    assert (found.trials, found.seconds) == expected


def test_a_wrong_job_and_wrong_data_are_refused_as_by_a_search(job: Job, timed: list[Screened], tmp_path: Path) -> None:
    """With the search's own errors, before anything is timed."""
    with pytest.raises(JobError, match="unknown compressor"):
        check(replace(job, compressors=("quantisation",)))
    with pytest.raises(DataError, match="does not exist"):
        check(replace(job, data=str(tmp_path / "absent.npz")))
    with pytest.raises(JobError, match="predicts nothing"):
        check(replace(job, space=("autoencoder",)))
    assert timed == []


def test_an_anchor_that_cannot_be_built_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A space none of whose anchors can be built for the board has no row."""
    given = problem(JOB)
    monkeypatch.setattr("search.screen.unsupported", lambda _graph, _device: ("Operator 0: no kernel",))
    assert checking._anchors(given, find_space("mlp")) == ()
    assert "nothing can be built" in checking._nothing_fits(given)
