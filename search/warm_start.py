"""What a search tries first: known good networks, the smaller ones of all spaces before the larger ones."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from compressors.compressor import Stage, Value
from search.errors import NothingFitsError
from search.frontends import parameters_of
from search.problem import Problem

if TYPE_CHECKING:
    from search.screen import Screened

# Of a network that is not trained; any that can be drawn will do.
_RECIPE: Mapping[str, Value] = {"recipe/batch_size#": 0, "recipe/learning_rate": 1e-2, "recipe/shift": 0}


def first_candidates(problem: Problem) -> tuple[Mapping[str, Value], ...]:
    """Parameters of the trials to queue, without their recipes.

    Raises
    ------
    NothingFitsError
        When the smallest network of every space is over budget as strongly
        compressed as a plan can.
    """
    from spaces.compression import plan_parameters

    weakest = plan_parameters(problem.compressors, strongest=False)
    rows = {space.name: space.anchors(problem.data.input_shape) for space in problem.spaces}
    _check_smallest(problem, rows)
    rounds = range(1, max(len(row) for row in rows.values()))  # the smallest only tells that a device is too small
    first = parameters_of(problem.job.frontend)[0]
    return tuple(
        {**first, "space": name, **row[index], **weakest}
        for index in rounds
        for name, row in rows.items()
        if index < len(row)
    )


def _check_smallest(problem: Problem, rows: Mapping[str, tuple[Mapping[str, Value], ...]]) -> None:
    from search.screen import CandidateError

    missed: list[Screened] = []
    reason = ""
    frontends = parameters_of(problem.job.frontend)
    for (name, row), plan, frontend in itertools.product(rows.items(), extreme_plans(problem), frontends):
        try:
            smallest = screened_anchor(problem, name, row[0], {**plan, **frontend})
        except CandidateError as error:  # a small network may have nothing left to prune, a device no such kernels
            reason = str(error)
            continue
        if smallest.fits:
            return
        missed.append(smallest)
    if not missed:
        raise NothingFitsError(f"nothing can be built for {problem.device.name}: {reason}")
    raise NothingFitsError(_too_small(problem, min(missed, key=lambda each: _worst_share(problem, each))))


def extreme_plans(problem: Problem) -> tuple[Mapping[str, Value], ...]:
    """Parameters of the strongest plan uncoded and with each coding, and of the weakest, which only quantises."""
    from spaces.compression import NONE, plan_parameters

    codings = [NONE, *(each.name for each in problem.compressors if each.stage is Stage.CODING)]
    strongest = (plan_parameters(problem.compressors, strongest=True, coding=coding) for coding in codings)
    return (*strongest, plan_parameters(problem.compressors, strongest=False))


def screened_anchor(problem: Problem, space: str, anchor: Mapping[str, Value], plan: Mapping[str, Value]) -> Screened:
    """An anchor of a space under the parameters of a plan, and of a front-end, the first by default; not trained.

    Raises
    ------
    search.screen.CandidateError
        When it cannot be built: a small network may have nothing left to prune, a device no such kernels.
    """
    from optuna.trial import FixedTrial

    from search.screen import draw

    return draw(
        FixedTrial({**parameters_of(problem.job.frontend)[0], "space": space, **anchor, **plan, **_RECIPE}), problem
    )


def _worst_share(problem: Problem, screened: Screened) -> float:
    """Largest excess as a share of its limit: bytes and milliseconds are not compared."""
    return max(value / float(getattr(problem.budget, name)) for name, value in screened.excess.items())


def _too_small(problem: Problem, nearest: Screened) -> str:
    broken = ", ".join(
        f"{name} by {value:.10g} (needs {getattr(nearest.footprint, name):.10g}, has "
        f"{getattr(problem.budget, name):.10g})"
        for name, value in nearest.excess.items()
        if value > 0
    )
    space = nearest.candidate.architecture.space
    return f"nothing fits {problem.device.name}: the smallest candidate ({space}) exceeds {broken}"
