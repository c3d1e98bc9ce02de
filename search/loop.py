"""The search: ask, screen, train in workers, tell, until trials or minutes are used up.

One coordinator owns ask, tell and every file of the run; workers get a task
and send back an outcome.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile

from optuna.study import Study
from optuna.trial import FixedTrial, FrozenTrial, Trial, TrialState

from devices.footprint import exceeded
from search.best_teacher import BestOfRun, BestTeacher
from search.clock import Clock
from search.errors import StorageError
from search.files import write_whole
from search.front import front
from search.pool import Failure, Pool
from search.problem import Problem
from search.record import InterpreterName, Score, Seconds, State, TrialRecord
from search.screen import CandidateError, Screened, draw
from search.store import RunFolder
from search.study import ask, tell, unsettled
from search.trained_network import float_key
from search.worker import Outcome, TrialTask, run_trial
from spaces.candidate import Candidate

# Drawing on and on without a new feasible candidate means that there is none left.
_MOST_REJECTED_IN_A_ROW = 200
# A trial is only started when it is likely to end before the deadline.
_SAFETY = 1.3


@dataclass(slots=True)
class _Running:
    """A trial in a worker."""

    trial: Trial
    screened: Screened
    task: TrialTask


@dataclass(slots=True, kw_only=True)
class Search:
    """A search under way.

    `report` is called with every record that is told, in order.
    """

    problem: Problem
    run: RunFolder
    study: Study
    pool: Pool
    clock: Clock
    interpreter: InterpreterName
    report: Callable[[TrialRecord], None]
    records: list[TrialRecord] = field(default_factory=list)
    _running: dict[int, _Running] = field(default_factory=dict)
    _unsettled: list[FrozenTrial] = field(default_factory=list)
    _keys: dict[str, int] = field(default_factory=dict)
    _teachers: BestOfRun = field(init=False)
    _digests: tuple[str, ...] = ()
    _rejected_in_a_row: int = 0

    def __post_init__(self) -> None:
        self._digests = tuple(data.digest() for data in self.problem.datasets)
        self._teachers = BestOfRun(
            problem=self.problem, run=self.run, weights_key=self._weights_key, replay=self._replayed
        )

    def go(self) -> str:
        """Search until the job is done or its time is up; why it stopped, as a sentence's end."""
        self._settle()
        while self._fill() or self._running:
            self._collect()
            if self._running and self.clock.left <= self._reserve():
                self._abandon()
        return self._stop_reason() or "nothing left to do"

    def _settle(self) -> None:
        """Take up an interrupted run: told trials are read, recorded ones told, the others asked again.

        Raises
        ------
        StorageError
            When the study and the trials' folders do not belong together.
        """
        self.records = list(self.run.records())
        self._keys = {record.key: record.trial for record in self.records if record.state != "rejected"}
        self._rejected_in_a_row = sum(1 for _ in takewhile(lambda each: each.state == "rejected", self.records[::-1]))
        recorded = {record.trial: record for record in self.records}
        self._check_whole(set(recorded))
        for frozen in unsettled(self.study):
            if frozen.number in recorded:
                tell(self.study, self.problem.job, recorded[frozen.number])
            else:
                self._unsettled.append(frozen)

    def _check_whole(self, recorded: set[int]) -> None:
        trials = self.study.get_trials(deepcopy=False)
        finished = {trial.number for trial in trials if trial.state.is_finished()}
        known = {trial.number for trial in trials if trial.state is not TrialState.WAITING}
        odd = sorted((finished - recorded) | (recorded - known))
        if odd:
            raise StorageError(
                f"run {self.run.name!r}: study.db and the folders in trials/ disagree about trial {odd[0]}: "
                "one of them was removed or is of another run; restore it, or choose another --name"
            )

    def _fill(self) -> bool:
        """Give every free worker a trial; True where one was given."""
        given = False
        while self.pool.free and self._stop_reason() is None:
            given = self._start_one() or given
        return given

    def _stop_reason(self) -> str | None:
        """Why no further trial is started; None while one is."""
        trials = self.problem.job.trials
        trained = sum(record.state != "rejected" for record in self.records) + len(self._running)
        if trials is not None and trained >= trials:
            return f"{trained} trials trained"
        if self._rejected_in_a_row >= _MOST_REJECTED_IN_A_ROW:
            return f"no new candidate that fits in {_MOST_REJECTED_IN_A_ROW} draws"
        if self.clock.left <= self._reserve() + _SAFETY * self._usual_seconds():
            return "no time for another trial"
        return None

    def _usual_seconds(self) -> float:
        """Median seconds of a trained trial; 0 before the first."""
        return statistics.median([r.seconds.total for r in self.records if r.score is not None] or [0.0])

    def _reserve(self) -> float:
        """Seconds to keep for opening the test split: front points at the speed of validation."""
        scored = [record.seconds.score for record in self.records if record.score is not None]
        if not scored:
            return 2.0
        data = self.problem.data
        points = max(6, len(front(self.records, self.problem.job.trade_off)))
        each = statistics.median(scored) * len(data.test) / len(data.validation)
        return 3.0 + 1.2 * points * each / self.pool.workers

    def _start_one(self) -> bool:
        """Draw one candidate; True when it went to a worker, False when it was rejected."""
        began = time.perf_counter()
        trial = ask(self.study, self._unsettled.pop(0) if self._unsettled else None)
        teacher = self._teachers.best(self.records)
        try:
            screened = draw(trial, self.problem if teacher is None else replace(self.problem, teacher=teacher.digest))
        except CandidateError as error:
            seconds = Seconds(draw=time.perf_counter() - began)
            self._reject(trial, f"cannot be built: {error}", key=f"trial-{trial.number}", seconds=seconds)
            return False
        screened = replace(screened, draw_seconds=time.perf_counter() - began - screened.screen_seconds)
        twin = self._keys.get(screened.key)
        if twin is not None:
            self._reject_screened(trial, screened, f"same candidate as trial {twin}")
        elif not screened.fits:
            self._reject_screened(trial, screened, f"over budget untrained: {exceeded(screened.excess)}")
        elif reason := self._teachers.refusal(screened.candidate, teacher):
            self._reject_screened(trial, screened, reason)
        else:
            self._submit(trial, screened, teacher)
            return True
        return False

    def _weights_key(self, candidate: Candidate, variant: int = 0) -> str:
        return float_key(self.problem.job.seed, candidate, self._digests[variant])

    def _replayed(self, record: TrialRecord) -> Candidate:
        return replayed(record, self.problem)

    def _submit(self, trial: Trial, screened: Screened, best: BestTeacher | None) -> None:
        """Send a candidate to a worker."""
        folder = self.run.trial_folder(trial.number)
        folder.mkdir(parents=True, exist_ok=True)
        weights = self._weights_key(screened.candidate, screened.variant)
        teacher_file = self.run.teacher_file if self.problem.teacher else None
        task = TrialTask(
            class_weights=self.problem.class_weights,
            candidate=screened.candidate,
            key=screened.key,
            device=self.problem.device,
            data_file=self.run.data_file_of(screened.variant),
            weights_file=self.run.cache_file(weights),
            log_file=folder / "log.txt",
            seed=self.problem.job.seed,
            interpreter=self.interpreter,
            network_file=None if self.problem.given is None else self.run.network_file,
            teacher_file=teacher_file if best is None else best.weights_file,
            teacher=None if best is None else best.architecture,
        )
        self._teachers.keep(trial.number, screened.candidate)
        if best is not None and screened.candidate.plan.learns:
            self.run.log("taught", trial=trial.number, teacher=best.trial)
        self._rejected_in_a_row = 0
        self._keys[screened.key] = trial.number
        self._running[trial.number] = _Running(trial, screened, task)
        self.pool.submit(trial.number, run_trial, task)

    def _collect(self) -> None:
        """Tell what has ended; wait no longer than the deadline allows."""
        timeout = self.clock.left - self._reserve()
        results = self.pool.next_results(None if timeout == float("inf") else max(timeout, 0.0))
        for number, result in results.items():
            running = self._running.pop(number)
            if isinstance(result, Failure):
                self._fail(running, result)
            else:
                self._complete(running, result)

    def _abandon(self) -> None:
        """Drop what cannot end in time; a later sitting of the run takes it up again."""
        for number in self.pool.running:
            self.run.log("abandoned", trial=number)
        self._running.clear()
        self.pool.cancel()

    def _complete(self, running: _Running, outcome: Outcome) -> None:
        if outcome.weights is not None:
            running.task.weights_file.parent.mkdir(exist_ok=True)
            write_whole(running.task.weights_file, outcome.weights)
        excess = dict(outcome.score.footprint.excess_over(self.problem.budget))
        seconds = replace(outcome.seconds, draw=running.screened.draw_seconds, screen=running.screened.screen_seconds)
        record = _record(
            running.trial, "complete", running.screened, excess=excess, score=outcome.score, seconds=seconds
        )
        record = replace(record, notes=outcome.notes)
        self._tell(running.trial, record, outcome.content)

    def _fail(self, running: _Running, failure: Failure) -> None:
        record = _record(running.trial, "failed", running.screened, reason=failure.reason)
        self._tell(running.trial, record)

    def _reject_screened(self, trial: Trial, screened: Screened, reason: str) -> None:
        self._rejected_in_a_row += 1
        self._tell(trial, _record(trial, "rejected", screened, reason=reason))

    def _reject(self, trial: Trial, reason: str, *, key: str, seconds: Seconds) -> None:
        self._rejected_in_a_row += 1
        record = TrialRecord(
            trial=trial.number,
            state="rejected",
            reason=reason,
            space=str(trial.params.get("space", self.problem.spaces[0].name)),
            drawn=trial.params,
            key=key,
            seconds=seconds,
        )
        self._tell(trial, record)

    def _tell(self, trial: Trial, record: TrialRecord, content: bytes | None = None) -> None:
        """Files first, then the study: what the study knows is on disk."""
        self.run.write_trial(record, content)
        tell(self.study, self.problem.job, record, trial)
        self.records.append(record)
        self.run.log(
            "told", trial=record.trial, state=record.state, reason=record.reason, elapsed=round(self.clock.elapsed, 3)
        )
        self.report(record)


def _record(
    trial: Trial,
    state: State,
    screened: Screened,
    *,
    reason: str = "",
    excess: Mapping[str, float] | None = None,
    score: Score | None = None,
    seconds: Seconds | None = None,
) -> TrialRecord:
    return TrialRecord(
        trial=trial.number,
        state=state,
        reason=reason,
        space=screened.candidate.architecture.space,
        drawn=trial.params,
        compression=screened.candidate.plan.as_mapping(),
        key=screened.key,
        excess=screened.excess if excess is None else excess,
        predicted=screened.footprint,
        score=score,
        seconds=seconds or Seconds(draw=screened.draw_seconds, screen=screened.screen_seconds),
    )


def replayed(record: TrialRecord, problem: Problem) -> Candidate:
    """The candidate of a record, drawn again."""
    # In runs from before it was drawn, all positions were averaged.
    averaged = {f"{space.name}/keeps_bands": False for space in problem.spaces}
    return draw(FixedTrial({**averaged, **record.drawn}), problem).candidate
