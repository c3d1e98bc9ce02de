"""Draws how a network is compressed: which technique of each stage, if any, and how strongly."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from compressors.compressor import Compressor, Settings, Stage, Value
from compressors.plan import CompressionPlan
from compressors.settings_mapping import from_values
from spaces.trial import Trial, ordered_parameter, suggest_ordered, suggest_unordered

NONE = "none"
# Zeros and clusters make a file smaller by its coding alone.
_FOR_CODING = (Stage.WEIGHT_PRUNING, Stage.CLUSTERING)

Techniques = tuple[Compressor[Any], ...]


def draw_plan(trial: Trial, compressors: Techniques) -> CompressionPlan:
    """Draw one technique or none for every stage, and its settings.

    Where there are techniques that code the file, theirs is drawn first, and
    weight pruning and clustering are drawn only where the file is coded: an
    uncoded file is no smaller for zeros and clusters.

    Parameters
    ----------
    trial
        Draws ``<stage>``, the name of a technique or ``none``, and
        ``<technique>/<field>``: an index for ordered values, a category
        otherwise, nothing where there is one value only.  One technique of
        quantisation is always drawn.
    compressors
        The techniques to choose from; one of them quantises.  Those
        without hyperparameters are left out: there is nothing to draw.

    Raises
    ------
    compressors.plan.PlanError
        When the techniques cannot stand in one plan.
    ValueError
        When a technique offers a value that its own settings refuse.
    """
    stages = _stages(compressors)
    coding = _draw_step(trial, Stage.CODING, stages.pop(Stage.CODING)) if Stage.CODING in stages else ()
    uncoded = Stage.CODING in _stages(compressors) and not coding
    drawn = [
        step
        for stage, techniques in stages.items()
        if not (uncoded and stage in _FOR_CODING)
        for step in _draw_step(trial, stage, techniques)
    ]
    return CompressionPlan.of(*drawn, *coding)


def plan_parameters(compressors: Techniques, *, strongest: bool, coded: bool = True) -> dict[str, Value]:
    """The parameters under which `draw_plan` gives the weakest or the strongest plan there is.

    The weakest has no technique but quantisation; of a stage with several
    techniques the strongest has the first.  Every technique lists its values
    from the weakest to the strongest.

    Parameters
    ----------
    coded
        False leaves coding out of the strongest, which may take flash for RAM.
    """
    parameters: dict[str, Value] = {}
    for stage, (technique, *others) in _stages(compressors).items():
        left_out = stage is not Stage.QUANTIZATION and (not strongest or (stage is Stage.CODING and not coded))
        if others or stage is not Stage.QUANTIZATION:
            parameters[_name(stage)] = NONE if left_out else technique.name
        if not left_out:
            parameters |= _settings_parameters(technique, -1 if strongest else 0)
    return parameters


def stage_parameters(compressors: Techniques) -> Mapping[str, bool]:
    """Parameters that name the technique of a stage, with True where a random plan should mostly do without.

    False for quantisation, which every plan has, and for stages that are drawn
    only where the file is coded.
    """
    always = (Stage.QUANTIZATION, *_FOR_CODING)
    return {_name(stage): stage not in always for stage in _stages(compressors)}


def _settings_parameters(technique: Compressor[Any], position: int) -> Mapping[str, Value]:
    parameters: dict[str, Value] = {}
    for wish in technique.hyperparameters:
        values = _strengths(technique, wish.name, wish.values)
        name = f"{technique.name}/{wish.name}"
        if wish.ordered:
            parameters |= ordered_parameter(name, values[position], values)
        elif len(values) > 1:
            parameters[name] = values[position]
    return parameters


def _stages(compressors: Techniques) -> dict[Stage, Techniques]:
    """Techniques that have something to draw by their stage, in the order of work."""
    drawn = sorted((each for each in compressors if each.hyperparameters), key=lambda each: each.stage)
    return {stage: tuple(group) for stage, group in itertools.groupby(drawn, key=lambda each: each.stage)}


def _name(stage: Stage) -> str:
    return stage.name.lower()


def _draw_step(trial: Trial, stage: Stage, techniques: Techniques) -> tuple[Settings, ...]:
    """Settings of the technique drawn; empty where it is none, or changes nothing."""
    names = tuple(technique.name for technique in techniques)
    chosen = suggest_unordered(trial, _name(stage), names if stage is Stage.QUANTIZATION else (NONE, *names))
    for technique in techniques:
        if technique.name == chosen:
            drawn: Settings = from_values(technique.settings, _draw_settings(trial, technique))
            return () if drawn.is_identity else (drawn,)
    return ()


def _draw_settings(trial: Trial, technique: Compressor[Any]) -> dict[str, Value]:
    drawn: dict[str, Value] = {}
    for wish in technique.hyperparameters:
        suggest = suggest_ordered if wish.ordered else suggest_unordered
        values = _strengths(technique, wish.name, wish.values)
        drawn[wish.name] = suggest(trial, f"{technique.name}/{wish.name}", values)
    return drawn


def _strengths(technique: Compressor[Any], name: str, values: tuple[Value, ...]) -> tuple[Value, ...]:
    """The values that do not turn the technique off by themselves: for that, its stage has ``none``."""
    on = tuple(value for value in values if not from_values(technique.settings, {name: value}).is_identity)
    return on or values
