"""The best network of a run so far, as the teacher of the trials that come after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from search.front import named_objectives, quality_of
from search.job import BEST
from search.problem import Problem
from search.record import TrialRecord
from search.store import RunFolder
from spaces.candidate import Architecture, Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class BestTeacher:
    """A trained network of this run.

    Attributes
    ----------
    trial
        The trial that it was trained in.
    architecture, weights_file
        The float network, before compression, and its trained weights in the run's cache.
    digest
        Its identity: the key of its weights in the cache.
    """

    trial: int
    architecture: Architecture
    weights_file: Path
    digest: str


@dataclass(slots=True, kw_only=True)
class BestOfRun:
    """Finds the network to learn from where the job's teacher is ``best``; elsewhere there is none.

    Attributes
    ----------
    weights_key
        Cache key of a candidate's float network.
    replay
        The candidate of a recorded trial, drawn anew from its parameters.
    """

    problem: Problem
    run: RunFolder
    weights_key: Callable[[Candidate], str]
    replay: Callable[[TrialRecord], Candidate]
    _networks: dict[int, tuple[Architecture, str]] = field(default_factory=dict)

    @property
    def is_wanted(self) -> bool:
        """True where trials may learn from the run's best network."""
        return self.problem.learns and self.problem.job.teacher == BEST

    def keep(self, trial: int, candidate: Candidate) -> None:
        """Remember what is trained in a trial, so that it need not be drawn again."""
        self._networks[trial] = (candidate.architecture, self.weights_key(candidate))

    def best(self, records: Sequence[TrialRecord]) -> BestTeacher | None:
        """The network of the trial whose artifact is best on the validation split; None before there is one.

        Whether it fits the board does not matter to a teacher.  Ties go to the lower trial number.
        """
        if not self.is_wanted:
            return None
        (quality,) = named_objectives((quality_of(self.problem.job.trade_off) or self.problem.job.metric,))
        scored = [record for record in records if record.score is not None]
        for record in sorted(scored, key=lambda each: (quality.loss(each), each.trial)):
            if record.trial not in self._networks:
                self.keep(record.trial, self.replay(record))
            architecture, key = self._networks[record.trial]
            file = self.run.cache_file(key)
            if file.exists():
                return BestTeacher(trial=record.trial, architecture=architecture, weights_file=file, digest=key)
        return None

    def refusal(self, candidate: Candidate, teacher: BestTeacher | None) -> str:
        """Why a candidate that learns from the run's best network cannot; empty where it can, or learns from none."""
        if not self.is_wanted or not candidate.plan.learns:
            return ""
        if teacher is None:
            return "no network of this run to learn from yet"
        if teacher.digest == self.weights_key(candidate):
            return f"it would learn from itself: its network is the best so far, of trial {teacher.trial}"
        return ""
