"""What is tried first, and what is said when nothing fits."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from search import warm_start
from search.errors import NothingFitsError
from search.job import Limits
from search.screen import Screened
from search.warm_start import extreme_plans, first_candidates, screened_anchor
from spaces.candidate import Architecture
from spaces.catalog import find_space
from tests.search.records import footprint
from tests.search.runs import JOB, problem


def test_too_small_a_board_is_told_in_numbers() -> None:
    """Only the limits that are broken, each with what it exceeds by, needs and has; and in which space."""
    given = problem(replace(JOB, budget=Limits(flash_bytes=30_000, ram_bytes=9_000)))
    cost = footprint(model_bytes=10_000, activation_bytes=3_000)  # 40,000 bytes of flash, 8,000 of RAM
    screened = Screened(
        candidate=SimpleNamespace(architecture=Architecture.of("mlp", {})),  # type: ignore[arg-type]  # only its space
        key="k",
        footprint=cost,
        excess=dict(cost.excess_over(given.budget)),
        draw_seconds=0.0,
        screen_seconds=0.0,
    )
    assert warm_start._too_small(given, screened) == (
        "nothing fits nucleo-l432kc: the smallest candidate (mlp) exceeds flash_bytes by 10000 (needs 40000, has 30000)"
    )


def test_all_anchors_but_the_smallest_are_queued_in_rounds() -> None:
    """The second of every space, then the third, each but quantised; the smallest only tells if a board will do."""
    given = replace(problem(), spaces=(find_space("mlp"), find_space("autokeras_dense")))
    queued = first_candidates(given)
    names = [str(parameters["space"]) for parameters in queued]
    assert names[:4] == ["mlp", "autokeras_dense"] * 2
    assert len(queued) == sum(len(space.anchors((12,))) - 1 for space in given.spaces)
    assert all(parameters["structured_pruning"] == "none" for parameters in queued)


def test_an_anchor_is_costed_under_a_plan() -> None:
    """The strongest plans make the smaller files, and the space may be the only one of the problem."""
    given = problem()
    *strongest, weakest = (
        screened_anchor(given, "mlp", find_space("mlp").anchors((12,))[-1], plan) for plan in extreme_plans(given)
    )
    assert max(each.footprint.model_bytes for each in strongest) < weakest.footprint.model_bytes
    assert any(each.footprint.stored_bytes is None for each in strongest)
    assert list(weakest.candidate.plan.as_mapping()) == ["quantization"]
    assert weakest.fits


def test_nothing_is_queued_for_a_board_that_is_too_small() -> None:
    """The rule is broken by the smallest network of the only space."""
    with pytest.raises(NothingFitsError, match=r"smallest candidate \(mlp\) exceeds ram_bytes"):
        first_candidates(problem(replace(JOB, budget=Limits(ram_bytes=900))))
