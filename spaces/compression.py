"""Draws how a network is compressed."""

from __future__ import annotations

from typing import Any

from compressors.compressor import Compressor, Hyperparameter, Value
from compressors.plan import CompressionPlan
from compressors.settings_mapping import from_values
from spaces.trial import Trial, ordered_parameter, suggest_ordered, suggest_unordered


def draw_plan(trial: Trial, compressors: tuple[Compressor[Any], ...]) -> CompressionPlan:
    """Draw settings for every technique given; what changes nothing is left out of the plan.

    Parameters
    ----------
    trial
        Draws ``<technique>/<field>``: an index for ordered values, a category
        otherwise, nothing where there is one value only.
    compressors
        The techniques to choose from; one of them quantises.

    Raises
    ------
    compressors.plan.PlanError
        When the techniques cannot stand in one plan.
    ValueError
        When a technique offers a value that its own settings refuse.
    """
    settings = []
    for compressor in compressors:
        drawn = {wish.name: _draw(trial, f"{compressor.name}/{wish.name}", wish) for wish in compressor.hyperparameters}
        settings.append(from_values(compressor.settings, drawn))
    return CompressionPlan.of(*settings)


def plan_parameters(compressors: tuple[Compressor[Any], ...], *, strongest: bool) -> dict[str, Value]:
    """The parameters under which `draw_plan` gives the weakest or the strongest plan there is.

    Every technique lists its values from the weakest to the strongest.
    """
    parameters: dict[str, Value] = {}
    for compressor in compressors:
        for wish in compressor.hyperparameters:
            name, value = f"{compressor.name}/{wish.name}", wish.values[-1 if strongest else 0]
            if wish.ordered:
                parameters |= ordered_parameter(name, value, wish.values)
            elif len(wish.values) > 1:
                parameters[name] = value
    return parameters


def _draw(trial: Trial, name: str, wish: Hyperparameter) -> Value:
    suggest = suggest_ordered if wish.ordered else suggest_unordered
    return suggest(trial, name, wish.values)
