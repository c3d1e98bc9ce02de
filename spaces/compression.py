"""Draws how a network is compressed: which technique of each stage, and how strongly."""

from __future__ import annotations

import itertools
from typing import Any

from compressors.compressor import Compressor, Hyperparameter, Value
from compressors.plan import CompressionPlan
from compressors.settings_mapping import from_values
from spaces.trial import Trial, ordered_parameter, suggest_ordered, suggest_unordered

Stages = list[tuple[str, tuple[Compressor[Any], ...]]]


def draw_plan(trial: Trial, compressors: tuple[Compressor[Any], ...]) -> CompressionPlan:
    """Draw one technique for every stage, and its settings; what changes nothing is left out of the plan.

    Parameters
    ----------
    trial
        Draws ``<stage>``, the name of a technique, where a stage has several,
        and ``<technique>/<field>``: an index for ordered values, a category
        otherwise, nothing where there is one value only.
    compressors
        The techniques to choose from, by stage; one of them quantises.

    Raises
    ------
    compressors.plan.PlanError
        When the techniques cannot stand in one plan.
    ValueError
        When a technique offers a value that its own settings refuse.
    """
    settings = []
    for stage, techniques in _stages(compressors):
        chosen = suggest_unordered(trial, stage, tuple(technique.name for technique in techniques))
        technique = next(each for each in techniques if each.name == chosen)
        drawn = {wish.name: _draw(trial, f"{technique.name}/{wish.name}", wish) for wish in technique.hyperparameters}
        settings.append(from_values(technique.settings, drawn))
    return CompressionPlan.of(*settings)


def plan_parameters(compressors: tuple[Compressor[Any], ...], *, strongest: bool) -> dict[str, Value]:
    """The parameters under which `draw_plan` gives the weakest or the strongest plan there is.

    Every technique lists its values from the weakest to the strongest; of a
    stage with several techniques the first is taken.
    """
    parameters: dict[str, Value] = {}
    for stage, (technique, *others) in _stages(compressors):
        if others:
            parameters[stage] = technique.name
        for wish in technique.hyperparameters:
            name, value = f"{technique.name}/{wish.name}", wish.values[-1 if strongest else 0]
            if wish.ordered:
                parameters |= ordered_parameter(name, value, wish.values)
            elif len(wish.values) > 1:
                parameters[name] = value
    return parameters


def _stages(compressors: tuple[Compressor[Any], ...]) -> Stages:
    """Techniques by the name of their stage, in the order of work."""
    groups = itertools.groupby(sorted(compressors, key=lambda each: each.stage), key=lambda each: each.stage)
    return [(stage.name.lower(), tuple(techniques)) for stage, techniques in groups]


def _draw(trial: Trial, name: str, wish: Hyperparameter) -> Value:
    suggest = suggest_ordered if wish.ordered else suggest_unordered
    return suggest(trial, name, wish.values)
