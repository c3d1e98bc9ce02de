"""The Optuna study inside a run folder: opened, asked, told and settled by one coordinator.

Optuna's numbers are the trials' numbers.  A candidate over budget or seen
before is told as PRUNED, so that it never counts as trained, with its
constraints, so that the sampler learns from it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy import event, exc

from compressors.compressor import Value
from search.errors import StorageError
from search.front import named_objectives
from search.job import Job
from search.record import TrialRecord
from search.sampler import CandidateSampler
from search.store import RunFolder
from spaces.compression import Techniques, stage_parameters

_STATES = {"complete": TrialState.COMPLETE, "rejected": TrialState.PRUNED, "failed": TrialState.FAIL}


def _storage(run: RunFolder) -> RDBStorage:
    """SQLite with a write-ahead log: no fsync a parameter, and nothing acknowledged is lost to a kill."""
    file = str(run.study_file.resolve())
    if any(character in file for character in "?#%"):
        raise StorageError(f"{file}: SQLite cannot open a path with '?', '#' or '%': choose another --runs-dir")
    try:
        storage = RDBStorage(f"sqlite:///{file}", engine_kwargs={"connect_args": {"timeout": 60}})
    except (exc.SQLAlchemyError, RuntimeError) as error:
        raise StorageError(f"{file} cannot be opened as a study: {error}") from error

    @event.listens_for(storage.engine, "connect")
    def _pragmas(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    storage.engine.dispose()  # the connection that made the tables has no listener yet
    return storage


def _sampler(job: Job, compressors: Techniques) -> CandidateSampler:
    names = frozenset(technique.name for technique in compressors)
    return CandidateSampler(job.strategy, job.seed, names, stage_parameters(compressors))


def open_study(run: RunFolder, job: Job, compressors: Techniques, anchors: Iterable[Mapping[str, Value]]) -> Study:
    """The run's study, made or found, with the anchors queued once.

    Parameters
    ----------
    compressors
        What plans are drawn from.
    anchors
        Parameters of the candidates to try first.

    Raises
    ------
    StorageError
        When the file is not a study or cannot be written.
    """
    logging.getLogger("alembic").setLevel(logging.ERROR)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=_storage(run),
        study_name=run.name,
        directions=["maximize" if each.direction == "max" else "minimize" for each in named_objectives(job.trade_off)],
        sampler=_sampler(job, compressors),
        load_if_exists=True,
    )
    if not study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED)):
        for anchor in anchors:
            study.enqueue_trial(dict(anchor), skip_if_exists=True)
    return study


def ask(study: Study, again: FrozenTrial | None = None) -> Trial:
    """The next trial: a queued one, else a new one; or an unsettled one `again` from its start.

    Parameters drawn before a kill are read back, the others are drawn as they
    would have been.
    """
    if again is None:
        return study.ask()
    return Trial(study, again._trial_id)  # the only way to go on with a trial of a killed process


def unsettled(study: Study) -> tuple[FrozenTrial, ...]:
    """Trials that were asked and never told, in order."""
    return tuple(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))


def tell(study: Study, job: Job, record: TrialRecord, trial: Trial | None = None) -> None:
    """Tell a trial from its record, constraints first.

    Constraints are told relative to their limits, because the sampler adds
    them up: bytes and milliseconds have no sum.
    """
    frozen = study.get_trials(deepcopy=False)[record.trial]
    trial = trial or Trial(study, frozen._trial_id)
    for name, value in relative_excess(record).items():
        if name not in trial.constraints:
            trial.set_constraint(name, value)
    values = None
    if record.score is not None:
        values = [float(objective.of(record.score)) for objective in named_objectives(job.trade_off)]
    study.tell(record.trial, values, state=_STATES[record.state])


def relative_excess(record: TrialRecord) -> dict[str, float]:
    """Excess over each limit as a share of the limit."""
    footprint = record.score.footprint if record.score is not None else record.predicted
    if footprint is None:
        return {}
    figures = {name: float(getattr(footprint, name)) for name in record.excess}
    return {name: value / max(figures[name] - value, 1e-9) for name, value in record.excess.items()}
