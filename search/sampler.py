"""Strategies: how the next candidate is drawn from what the study knows.

A strategy is one function and one line in `STRATEGIES`.  All are wrapped in
`CandidateSampler`, so that a draw is a function of the job's seed, the trial's
number, the parameter's name and the finished trials, and of nothing else: a
killed search goes on as if it had not been killed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from search.seeds import seed_of
from spaces.compression import NONE

# Rejected candidates count as seen, so the first random ones are soon past.
_STARTUP_TRIALS = 16
# Every third trial takes the network of a front point and compresses it anew:
# its float training is in the run's cache, so it costs a fraction of a trial.
_BRANCH_EVERY = 3
_BRANCH_AFTER = 8
# Of half a dozen stages, each with a fine-tune of its own, a random plan should use one or two.
_LEFT_OUT = 2 / 3


def _tpe(seed: int) -> BaseSampler:
    """Multi-objective tree-structured Parzen estimator (Ozaki et al. 2022), one parameter at a time."""
    return TPESampler(seed=seed, n_startup_trials=_STARTUP_TRIALS)


def _random(seed: int) -> BaseSampler:
    """Independent uniform draws: the baseline."""
    return RandomSampler(seed=seed)


STRATEGIES: tuple[tuple[str, Callable[[int], BaseSampler]], ...] = (("tpe", _tpe), ("random", _random))


class CandidateSampler(BaseSampler):
    """A strategy's sampler, made anew for every parameter of every trial, with a seed of its own.

    Parameters
    ----------
    strategy
        A name in `STRATEGIES`.
    seed
        The job's seed.
    techniques
        Names of the compression techniques: a parameter ``technique/...`` is
        drawn anew in a branch, all others but `stages` are the branch point's.
    stages
        `spaces.compression.stage_parameters`: drawn anew in a branch, which is
        there to compress; elsewhere, where the strategy would draw at random,
        those that are True are ``none`` two times in three.
    """

    def __init__(self, strategy: str, seed: int, techniques: frozenset[str], stages: Mapping[str, bool]) -> None:
        self._make, self._seed = dict(STRATEGIES)[strategy], seed
        self._stages, self._compression = stages, techniques | stages.keys()
        self._is_random = strategy == "random"
        self._point: tuple[int, FrozenTrial | None] = (-1, None)

    def infer_relative_search_space(
        self,
        study: Study,  # noqa: ARG002  (the base class's signature)
        trial: FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        """Nothing is drawn jointly: parameters of other branches would be missing."""
        return {}

    def sample_relative(
        self,
        study: Study,  # noqa: ARG002  (the base class's signature)
        trial: FrozenTrial,  # noqa: ARG002
        search_space: dict[str, BaseDistribution],  # noqa: ARG002
    ) -> dict[str, Any]:
        """Nothing is drawn jointly."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """One parameter: the branch point's, else drawn with a sampler of its own seed."""
        if self._point[0] != trial.number:
            self._point = (trial.number, branch_point(study, trial, self._seed))
        point = self._point[1]
        if point is not None and param_name.split("/")[0] not in self._compression and param_name in point.params:
            return point.params[param_name]
        seed = seed_of(self._seed, trial.number, param_name)
        if point is None and self._stages.get(param_name) and self._draws_at_random(study):
            return _sparingly(param_distribution, seed)
        sampler = self._make(seed)
        return sampler.sample_independent(study, trial, param_name, param_distribution)

    def _draws_at_random(self, study: Study) -> bool:
        seen = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        return self._is_random or len(seen) < _STARTUP_TRIALS


def _sparingly(distribution: BaseDistribution, seed: int) -> str:
    """``none`` two times in three, else one of the other choices."""
    assert isinstance(distribution, CategoricalDistribution)
    rng, used = np.random.default_rng(seed), [str(choice) for choice in distribution.choices if choice != NONE]
    return NONE if rng.random() < _LEFT_OUT else used[rng.integers(len(used))]


def branch_point(study: Study, trial: FrozenTrial, seed: int) -> FrozenTrial | None:
    """The front trial whose network `trial` compresses anew; None where it draws a new network.

    Queued trials bring their own parameters and never branch.
    """
    if trial.number % _BRANCH_EVERY or "fixed_params" in trial.system_attrs:
        return None
    if len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))) < _BRANCH_AFTER:
        return None
    front = sorted(study.best_trials, key=lambda best: best.number)
    return front[seed_of(seed, trial.number, "branch") % len(front)] if front else None
