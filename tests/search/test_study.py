"""The study keeps what it was told, and a killed one goes on as if it had not been killed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from compressors.catalog import COMPRESSORS
from search.errors import StorageError
from search.job import Job
from search.sampler import STRATEGIES, branch_point
from search.store import RunFolder, create_run
from search.study import ask, open_study, relative_excess, tell, unsettled
from tests.search.records import make_record

JOB = Job(data="digits", device="nucleo-l432kc", trials=3, name="first", seed=5)


def drawn(trial: optuna.Trial) -> dict[str, Any]:
    """A small conditional draw with compression."""
    name = trial.suggest_categorical("space", ["a", "b"])
    trial.suggest_int(f"{name}/width#", 0, 9)
    trial.suggest_float("recipe/learning_rate", 1e-3, 1e-2, log=True)
    trial.suggest_int("structured_pruning/filters#", 0, 4)
    return trial.params


def finish(study: optuna.Study, run: RunFolder, trial: optuna.Trial) -> None:
    record = dataclasses.replace(
        make_record(trial.number, correct=50 + trial.number, model_bytes=5000 - 10 * trial.number), drawn=trial.params
    )
    run.write_trial(record, b"model")
    tell(study, JOB, record, trial)


def searched(folder: Path, strategy: str, n: int, *, reopen: bool) -> list[dict[str, Any]]:
    """Parameters of n trials; with `reopen` the study is opened anew, and each trial's draw cut off once."""
    job = dataclasses.replace(JOB, strategy=strategy)
    run = create_run(folder, job)
    study = open_study(run, job, COMPRESSORS, ())
    for _ in range(n):
        trial = ask(study)
        if reopen:
            trial.suggest_categorical("space", ["a", "b"])  # killed in the middle of the draw
            study = open_study(run, job, COMPRESSORS, ())
            (again,) = unsettled(study)
            trial = ask(study, again)
        drawn(trial)
        finish(study, run, trial)
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize("strategy", [name for name, _ in STRATEGIES])
def test_a_killed_study_draws_what_it_would_have_drawn(tmp_path: Path, strategy: str) -> None:
    """Opened anew before every draw, past the random start and with branches: the same parameters."""
    straight = searched(tmp_path / "straight", strategy, 20, reopen=False)
    assert searched(tmp_path / "killed", strategy, 20, reopen=True) == straight
    assert len({str(params) for params in straight}) > 10


def test_anchors_come_first_and_once(tmp_path: Path) -> None:
    """Queued parameters are the first trials; opening again queues nothing."""
    run = create_run(tmp_path, JOB)
    anchors: list[dict[str, Any]] = [{"space": "a", "a/width#": 3}, {"space": "b", "b/width#": 7}]
    open_study(run, JOB, COMPRESSORS, anchors)
    study = open_study(run, JOB, COMPRESSORS, anchors)
    assert len(study.trials) == 2
    assert [drawn(ask(study))["space"] for _ in anchors] == ["a", "b"]
    assert len(open_study(run, JOB, COMPRESSORS, anchors).trials) == 2


def test_states_and_constraints_are_told(tmp_path: Path) -> None:
    """Rejected is PRUNED with its constraints, failed is FAIL, complete has its objectives."""
    run = create_run(tmp_path, JOB)
    study = open_study(run, JOB, COMPRESSORS, ())
    over = {"flash_bytes": 4500.0, "ram_bytes": -100.0}
    records = [
        make_record(0),
        dataclasses.replace(make_record(1), state="rejected", score=None, excess=over),
        dataclasses.replace(make_record(2), state="failed", score=None),
    ]
    for record in records:
        tell(study, JOB, record, ask(study))
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]
    assert study.trials[0].values == [300 / 360, 40_000.0, 10_000.0, 10.0]
    assert study.trials[1].constraints["flash_bytes"] == pytest.approx(4500 / (40_000 - 4500))
    assert study.trials[1].constraints["ram_bytes"] < 0


def test_excess_is_told_relative_to_the_limit() -> None:
    """1,000 bytes over a limit of 39,000 is 1/39."""
    record = dataclasses.replace(make_record(0), excess={"flash_bytes": 1000.0})
    assert relative_excess(record) == {"flash_bytes": pytest.approx(1000 / 39_000)}


def test_telling_a_trial_half_told_before_a_kill(tmp_path: Path) -> None:
    """Constraints that were stored before the kill are not stored twice."""
    run = create_run(tmp_path, JOB)
    study = open_study(run, JOB, COMPRESSORS, ())
    trial = ask(study)
    trial.set_constraint("flash_bytes", -0.5)
    again = open_study(run, JOB, COMPRESSORS, ())
    tell(again, JOB, make_record(0))
    assert again.trials[0].state is TrialState.COMPLETE


def test_branches_take_a_front_network(tmp_path: Path) -> None:
    """Every third trial repeats a front trial's network and draws its compression anew; queued ones never do."""
    run = create_run(tmp_path, JOB)
    study = open_study(run, JOB, COMPRESSORS, ())
    for _ in range(12):
        trial = ask(study)
        drawn(trial)
        finish(study, run, trial)
    trial = ask(study)
    assert trial.number == 12
    point = branch_point(study, study.trials[12], JOB.seed)
    assert point is not None
    assert point.number in {best.number for best in study.best_trials}
    params = drawn(trial)
    network = {name: value for name, value in params.items() if not name.startswith("structured_pruning/")}
    assert network == {name: point.params[name] for name in network}
    assert branch_point(study, study.trials[11], JOB.seed) is None


def test_a_study_that_is_none_is_refused(tmp_path: Path) -> None:
    """A damaged database and a path that SQLite cannot take end with a sentence."""
    run = create_run(tmp_path, JOB)
    run.study_file.write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError, match="cannot be opened as a study"):
        open_study(run, JOB, COMPRESSORS, ())
    odd = RunFolder(tmp_path / "a?b")
    with pytest.raises(StorageError, match="another --runs-dir"):
        open_study(odd, JOB, COMPRESSORS, ())
