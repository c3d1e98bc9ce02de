"""How long a trial will take: measured in a worker, and what is made of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compressors.catalog import find
from search import trial_time
from search.errors import JobError
from search.evaluate import available_interpreter
from search.job import Job
from search.problem import Problem
from search.screen import Screened
from search.trial_time import Spent, estimate, time_trial
from search.warm_start import extreme_plans, screened_anchor
from spaces.catalog import find_space
from tests.search.given import InlinePool
from tests.search.runs import JOB, problem

SPENT = Spent(build=0.5, trace=1.0, step=0.01, convert=2.0, inference=0.001)


def candidate(given: Problem, number: int = 1) -> Screened:
    """An anchor of the problem's perceptron, quantised only."""
    return screened_anchor(given, "mlp", find_space("mlp").anchors((12,))[number], extreme_plans(given)[-1])


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Do without a worker: this process in place of a worker; the jobs that pools were made for."""
    jobs: list[Job] = []

    @contextmanager
    def pool_for(job: Job) -> Iterator[InlinePool]:
        jobs.append(job)
        yield InlinePool()

    monkeypatch.setattr("search.pool.pool_for", pool_for)
    for module in ("search.worker", "search.trial_time"):
        monkeypatch.setattr(f"{module}.import_frameworks", lambda: None)
    return jobs


def test_a_trial_is_timed_in_one_worker(inline: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All parts take some time, a step less than a millisecond or so; nothing of it is left on the disk."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    given = problem(replace(JOB, workers=4))
    found = estimate(given, candidate(given))
    assert [job.workers for job in inline] == [1]
    assert list(tmp_path.iterdir()) == []
    spent = found.spent
    assert min(spent.build, spent.trace, spent.step, spent.convert, spent.inference) > 0
    assert spent.step < 0.1 * spent.trace
    assert found.steps == candidate(given).candidate.recipe.epochs * (40 // 16)
    assert found.macs == candidate(given).footprint.macs
    assert found.seconds > spent.build + spent.convert


def test_the_network_is_the_candidates_own(inline: list[Job], tmp_path: Path) -> None:
    """A wider network of the same space takes a longer conversion or a longer step: it is that one which is built."""
    given = problem()
    assert inline == []
    seen: list[Any] = []
    task = trial_time._task(given, candidate(given, 3), tmp_path)

    def spy(network: Any, *_: Any) -> tuple[float, float]:
        seen.append(network.count_params())
        return 1.0, 0.5

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial_time, "_training", spy)
        spent = time_trial(task)
    assert (spent.trace, spent.step) == (1.0, 0.5)
    assert seen == [12 * 16 + 4 * 16 + 16 * 5 + 5]  # batch normalisation is not folded yet
    assert task.interpreter == available_interpreter()
    shutil.rmtree(tmp_path)


def test_what_cannot_be_trained_is_said_in_words(inline: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's reason, as an error of the job: a search would fail alike."""

    def broken(_task: Any) -> Spent:
        raise RuntimeError("TrainingError: the loss became nan")

    assert inline == []
    monkeypatch.setattr(trial_time, "time_trial", broken)
    given = problem()
    with pytest.raises(JobError, match="cannot be timed: TrainingError: the loss became nan"):
        estimate(given, candidate(given))


def test_quantising_alone_has_no_fine_tune() -> None:
    """Then a trial is built, trained three times in four, converted, and run on every validation sample."""
    given = replace(problem(), compressors=(find("quantization"),))
    found = trial_time._estimate(given, candidate(given), SPENT)
    assert (found.fine_tune_share, found.fine_tunes) == (0.0, 0.0)
    assert found.seconds == pytest.approx(0.5 + 0.75 * (1.0 + found.steps * 0.01) + 2.0 + 20 * 0.001)


def test_techniques_that_fine_tune_take_longer() -> None:
    """All techniques: between a tenth and three trainings' worth of fine-tuning, by one or two of them."""
    given = problem()
    everything = trial_time._estimate(given, candidate(given), SPENT)
    alone = trial_time._estimate(replace(given, compressors=(find("quantization"),)), candidate(given), SPENT)
    assert 0.1 < everything.fine_tune_share < 3
    assert 0.3 < everything.fine_tunes < 3
    assert everything.seconds > alone.seconds
    assert trial_time._estimate(given, candidate(given), SPENT) == everything
