"""The best network of a run so far teaches the trials after it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from compressors.catalog import COMPRESSORS
from compressors.distillation import Distillation
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from search.best_teacher import BestOfRun
from search.job import BEST
from search.record import TrialRecord
from search.store import RunFolder, create_run
from spaces.candidate import Architecture, Candidate, TrainingRecipe
from tests.search.records import make_record
from tests.search.runs import JOB, problem

LEARNER = replace(JOB, teacher=BEST)
RECIPE = TrainingRecipe(epochs=1, batch_size=8, learning_rate=0.01)


def candidate(width: int, *, learns: bool = False) -> Candidate:
    steps = (Distillation(), Quantization()) if learns else (Quantization(),)
    return Candidate(
        architecture=Architecture.of("mlp", {"width": width}), plan=CompressionPlan.of(*steps), recipe=RECIPE
    )


def key_of(each: Candidate) -> str:
    return f"w{dict(each.architecture.values)['width']}"


def replayed(record: TrialRecord) -> Candidate:
    """Trial n trained a network of width n."""
    return candidate(record.trial)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    made = create_run(tmp_path, LEARNER)
    made.cache_file("w0").parent.mkdir()
    return made


def best_of(run: RunFolder) -> BestOfRun:
    wanted = replace(problem(LEARNER), compressors=COMPRESSORS)
    return BestOfRun(problem=wanted, run=run, weights_key=key_of, replay=replayed)


def test_the_most_accurate_whose_weights_are_there(run: RunFolder) -> None:
    """By the artifact on validation, the lower trial among equals; one without weights in the cache is passed over."""
    records = [make_record(0, correct=None), *(make_record(n, correct=c) for n, c in ((1, 200), (2, 300), (3, 300)))]
    records.append(make_record(4, correct=310))
    for number in (1, 2, 3):
        run.cache_file(f"w{number}").write_bytes(b"weights")
    found = best_of(run).best(records)
    assert found is not None
    assert (found.trial, found.digest, found.weights_file) == (2, "w2", run.cache_file("w2"))
    assert found.architecture == candidate(2).architecture
    assert best_of(run).best(records[:1]) is None


def test_what_was_trained_in_this_sitting_is_not_drawn_again(run: RunFolder) -> None:
    teachers = best_of(run)
    teachers.replay = lambda _: pytest.fail("drawn again")
    teachers.keep(5, candidate(7))
    run.cache_file("w7").write_bytes(b"weights")
    found = teachers.best([make_record(5)])
    assert found is not None
    assert found.digest == "w7"


@pytest.mark.parametrize("teacher", ["largest", "mine.keras"])
def test_another_teacher_was_asked_for(run: RunFolder, teacher: str) -> None:
    run.cache_file("w1").write_bytes(b"weights")
    teachers = replace(best_of(run), problem=replace(problem(replace(JOB, teacher=teacher)), compressors=COMPRESSORS))
    assert teachers.best([make_record(1)]) is None
    assert teachers.refusal(candidate(1, learns=True), None) == ""


def test_who_cannot_learn(run: RunFolder) -> None:
    """Before there is a network to learn from, and from its own; what does not learn is not asked."""
    teachers = best_of(run)
    run.cache_file("w1").write_bytes(b"weights")
    teacher = teachers.best([make_record(1)])
    assert teachers.refusal(candidate(2, learns=True), None) == "no network of this run to learn from yet"
    assert "learn from itself" in teachers.refusal(candidate(1, learns=True), teacher)
    assert teachers.refusal(candidate(2, learns=True), teacher) == ""
    assert teachers.refusal(candidate(1), teacher) == teachers.refusal(candidate(1), None) == ""
