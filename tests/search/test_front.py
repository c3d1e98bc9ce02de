"""The front holds what it should, its measure behaves, and a pick is the best of its kind."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.footprint import Budget
from search.errors import JobError, NothingFitsError
from search.front import (
    DEFAULT_OBJECTIVES,
    OBJECTIVES,
    UNLIMITED_LATENCY_MS,
    front,
    hypervolume,
    knee,
    named_objectives,
    nearest_miss,
    pick,
    reference_point,
)
from search.metrics.measurement import Measurement
from search.record import TrialRecord

MakeRecord = Callable[..., TrialRecord]

# Few distinct values, so that ties and equal points are common; some are over a limit.
points = st.lists(
    st.tuples(
        st.integers(0, 4).map(lambda part: 90 * part),
        st.integers(1, 8).map(lambda part: 10_000 * part),
        st.integers(1, 6).map(lambda part: 10_000 * part),
        st.integers(1, 5).map(lambda part: 10.0 * part),
    ),
    max_size=25,
)
some_objectives = st.sets(st.sampled_from(DEFAULT_OBJECTIVES), min_size=1).map(lambda names: tuple(sorted(names)))


def made(record: MakeRecord, drawn: list[tuple[int, int, int, float]]) -> list[TrialRecord]:
    return [
        record(trial, correct=correct, model_bytes=model, activation_bytes=activation, latency_ms=latency)
        for trial, (correct, model, activation, latency) in enumerate(drawn)
    ]


def losses(each: TrialRecord, names: tuple[str, ...]) -> list[float]:
    return [objective.loss(each) for objective in named_objectives(names)]


def dominates(a: TrialRecord, b: TrialRecord, names: tuple[str, ...]) -> bool:
    pairs = list(zip(losses(a, names), losses(b, names), strict=True))
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


@given(drawn=points, names=some_objectives)
def test_the_front_is_what_nothing_feasible_dominates(
    record: MakeRecord, drawn: list[tuple[int, int, int, float]], names: tuple[str, ...]
) -> None:
    """By the definition, point by point: kept exactly when feasible, undominated, and the first of its equals."""
    records = made(record, drawn)
    feasible = [each for each in records if each.feasible]
    expected = {
        each.trial
        for each in feasible
        if not any(dominates(other, each, names) for other in feasible)
        and not any(losses(other, names) == losses(each, names) and other.trial < each.trial for other in feasible)
    }
    best = front(records, names)
    assert {each.trial for each in best} == expected
    flash = [each.score.footprint.flash_bytes for each in best if each.score]
    assert flash == sorted(flash)


@given(drawn=points, names=some_objectives, seed=st.integers(0, 99))
def test_the_order_of_records_does_not_matter(
    record: MakeRecord, drawn: list[tuple[int, int, int, float]], names: tuple[str, ...], seed: int, budget: Budget
) -> None:
    """Records arrive in the order trials end, which differs from run to run."""
    records = made(record, drawn)
    shuffled = random.Random(seed).sample(records, len(records))
    assert front(shuffled, names) == front(records, names)
    reference = reference_point(budget)
    assert hypervolume(shuffled, names, reference) == pytest.approx(hypervolume(records, names, reference))


@given(drawn=points, names=some_objectives)
def test_hypervolume_grows_with_records_and_stays_a_share(
    record: MakeRecord, drawn: list[tuple[int, int, int, float]], names: tuple[str, ...], budget: Budget
) -> None:
    """It never falls when a trial is added, is 0..1, and the front alone has all of it."""
    records = made(record, drawn)
    reference = reference_point(budget)
    volumes = [hypervolume(records[:count], names, reference) for count in range(len(records) + 1)]
    assert volumes[0] == 0.0
    assert all(b >= a - 1e-12 for a, b in pairwise(volumes))
    assert all(0.0 <= volume <= 1.0 for volume in volumes)
    assert hypervolume(front(records, names), names, reference) == pytest.approx(volumes[-1])


def test_hypervolume_of_one_point_is_the_box_it_spans(record: MakeRecord, budget: Budget) -> None:
    """270 of 360 right, 40 of 100 kB flash, 10 of 50 kB RAM, 10 of 40 ms: .75 x .6 x .8 x .75."""
    only = record(0, correct=270, model_bytes=10_000, activation_bytes=5_000, latency_ms=10.0)
    volume = hypervolume([only], DEFAULT_OBJECTIVES, reference_point(budget))
    assert volume == pytest.approx(0.75 * 0.6 * 0.8 * 0.75)
    assert hypervolume([only], ("accuracy",), reference_point(budget)) == pytest.approx(0.75)


def errors(record: MakeRecord, trial: int, rmse: float, **options: Any) -> TrialRecord:
    """A trial scored by its error, in place of its accuracy."""
    made = record(trial, **options)
    assert made.score is not None
    found = {"rmse": Measurement(value=rmse, n=360, low=0.9 * rmse, high=1.1 * rmse)}
    return replace(made, score=replace(made.score, metrics=found))


def test_an_error_is_better_the_smaller_it_is(record: MakeRecord, budget: Budget) -> None:
    """It is measured from the baseline's error down to 0; what is worse than the baseline adds nothing."""
    objectives, reference = ("rmse", "flash_bytes"), reference_point(budget, {"rmse": 20.0})
    small, good = errors(record, 0, 10.0, model_bytes=10_000), errors(record, 1, 5.0, model_bytes=20_000)
    poor, worse = errors(record, 2, 15.0, model_bytes=30_000), errors(record, 3, 21.0, model_bytes=5_000)
    assert front([small, good, poor], objectives) == (small, good)
    assert hypervolume([small], objectives, reference) == pytest.approx(0.5 * 0.6)
    assert hypervolume([small, worse], objectives, reference) == pytest.approx(0.5 * 0.6)
    assert reference["accuracy"] == 0.0
    assert pick([small, good], "quality", objectives) is good
    assert pick([small, good], "rmse", objectives) is good
    assert pick([small, good], "flash", objectives) is small
    with pytest.raises(JobError, match="trials have no accuracy: known: rmse"):
        pick([small, good], "accuracy", objectives)


def test_of_classifiers_as_accurate_the_surer_is_kept(record: MakeRecord, budget: Budget) -> None:
    """A log loss is better the smaller it is: it keeps the larger of two networks, which accuracy drops."""
    small, sure = (
        replace(made, score=replace(made.score, metrics={**made.score.metrics, "log_loss": found}))
        for made, loss in ((record(0, model_bytes=10_000), 0.5), (record(1, model_bytes=20_000), 0.125))
        for found in (Measurement(value=loss, n=10, low=0.0, high=1.0),)
        if made.score is not None
    )
    by_loss, reference = ("log_loss", "flash_bytes"), reference_point(budget, {"log_loss": 0.7})
    assert front([small, sure], ("accuracy", "flash_bytes")) == (small,)
    assert front([small, sure], by_loss) == (small, sure)
    assert pick([small, sure], "quality", by_loss) is sure
    assert hypervolume([sure], by_loss, reference) == pytest.approx((1 - 0.125 / 0.7) * 0.5)


def test_without_an_objective_of_quality_the_metric_of_the_trials_counts(record: MakeRecord) -> None:
    small, good = errors(record, 0, 10.0, model_bytes=10_000), errors(record, 1, 5.0, model_bytes=20_000)
    assert pick([small, good], "quality", ("flash_bytes",)) is good


def test_a_point_slower_than_the_reference_adds_nothing(record: MakeRecord, budget: Budget) -> None:
    """Without a latency limit a model of two seconds is feasible, and outside the box."""
    unlimited = replace(budget, latency_ms=None)
    slow = replace(record(0, latency_ms=2000.0), excess={"flash_bytes": -1.0})
    assert reference_point(unlimited)["latency_ms"] == UNLIMITED_LATENCY_MS
    assert front([slow]) == (slow,)
    assert hypervolume([slow], DEFAULT_OBJECTIVES, reference_point(unlimited)) == 0.0


def test_a_reference_that_spans_no_box_is_refused(record: MakeRecord, budget: Budget) -> None:
    """An objective that the reference lacks cannot be scaled."""
    with pytest.raises(ValueError, match="needs a ram_bytes other than 0"):
        hypervolume([record(0)], ("accuracy", "ram_bytes"), {"accuracy": 0.0})


def test_infeasible_and_unscored_records_are_never_on_the_front(run: list[TrialRecord]) -> None:
    """Trial 4 is the most accurate of the run and over a limit; 5 to 7 have no score."""
    assert [each.trial for each in front(run)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "at least one objective"),
        (("accuracy", "flash_byte"), "did you mean 'flash_bytes'"),
        (("accuracy", "accuracy"), "named twice"),
    ],
)
def test_wrong_objectives_are_refused(names: tuple[str, ...], message: str) -> None:
    """The message says what is wrong and what to write."""
    with pytest.raises(JobError, match=message):
        front([], names)


def test_every_default_objective_has_a_reference(budget: Budget) -> None:
    """An objective without one would have no hypervolume."""
    assert set(DEFAULT_OBJECTIVES) <= {objective.name for objective in OBJECTIVES}
    assert set(DEFAULT_OBJECTIVES) <= set(reference_point(budget))


def test_the_knee_of_a_bent_line_is_its_corner(record: MakeRecord) -> None:
    """Four points on an L: the one in the corner is farthest from the line through the ends."""
    line = [
        record(index, correct=c, model_bytes=m)
        for index, (c, m) in enumerate([(100, 10_000), (300, 12_000), (320, 40_000), (340, 70_000)])
    ]
    assert knee(line, ("accuracy", "flash_bytes")).trial == 1


def test_costs_that_go_together_do_not_outvote_accuracy(record: MakeRecord) -> None:
    """On the same L with three costs that rise together, plain summing would pick the smallest and worst network."""
    line = [
        record(index, correct=correct, model_bytes=cost, activation_bytes=cost // 2, latency_ms=cost / 2000)
        for index, (correct, cost) in enumerate([(100, 10_000), (220, 30_000), (290, 34_000), (300, 60_000)])
    ]
    assert knee(line).trial == knee(line, ("accuracy", "flash_bytes")).trial == 2


def test_the_knee_of_small_fronts(record: MakeRecord) -> None:
    """One point is its own knee; of two, both on the line between the ends, the more accurate is."""
    small, accurate = record(3, correct=200, model_bytes=5_000), record(8, correct=300, model_bytes=50_000)
    assert knee([small]) is small
    assert knee([small, accurate], ("accuracy", "flash_bytes")) is accurate
    assert knee([accurate, small], ("accuracy", "flash_bytes")) is accurate


def test_an_objective_in_which_all_agree_does_not_move_the_knee(record: MakeRecord) -> None:
    """RAM and latency are equal here: they may neither divide by zero nor count."""
    line = [
        record(0, correct=100),
        record(1, correct=300, model_bytes=12_000),
        record(2, correct=310, model_bytes=60_000),
    ]
    assert knee(line, DEFAULT_OBJECTIVES) is knee(line, ("accuracy", "flash_bytes")) is line[1]


@given(drawn=points)
def test_the_knee_is_on_the_front(record: MakeRecord, drawn: list[tuple[int, int, int, float]]) -> None:
    """Whatever the shape, the knee is one of the points given, and does not depend on their order."""
    best = front(made(record, drawn))
    if best:
        assert knee(best) in best
        assert knee(best[::-1]) == knee(best)


@pytest.mark.parametrize(("how", "trial"), [("accuracy", 2), ("flash", 0), ("ram", 0), ("latency", 0), ("knee", 1)])
def test_a_pick_is_the_best_of_its_kind(run: list[TrialRecord], how: str, trial: int) -> None:
    """Trial 2 is the most accurate, 0 the smallest and fastest, 1 nearly as accurate at a third of the flash."""
    assert pick(front(run), how).trial == trial


def test_a_tied_pick_is_the_more_accurate(record: MakeRecord) -> None:
    """Two models of the same RAM: nobody wants the worse one."""
    pair = [record(0, correct=200, model_bytes=5_000), record(1, correct=300, model_bytes=9_000)]
    assert pick(pair, "ram").trial == 1


def test_a_pick_that_cannot_be_is_refused() -> None:
    """A misspelt way is a usage error, an empty front means that nothing fits."""
    with pytest.raises(JobError, match="did you mean 'latency'"):
        pick([], "latancy")
    for how in ("knee", "flash"):
        with pytest.raises(NothingFitsError, match="Raise the budget"):
            pick([], how)


def test_the_nearest_miss_is_measured_in_shares_of_the_limit(record: MakeRecord, budget: Budget) -> None:
    """1 kB over 100 kB of flash is nearer than 2 ms over 40 ms; rejected trials, never trained, do not count."""
    slow, big = record(0, latency_ms=42.0), record(1, model_bytes=71_000)
    untrained = record(2, correct=None, model_bytes=70_001)
    assert nearest_miss([slow, big, untrained], budget) is big
    assert nearest_miss([untrained], budget) is None
    assert nearest_miss([slow, record(3)], budget) is None
