"""Draws how a network is compressed: which technique of each stage, if any, and how strongly."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from compressors.catalog import technique_of
from compressors.clustering import Clustering
from compressors.compressor import Compressor, Settings, Stage, Value
from compressors.lookup_tables import LookUpTables, TableCompressor
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from compressors.settings_mapping import from_values
from spaces.trial import Trial, ordered_parameter, suggest_ordered, suggest_unordered

NONE = "none"
# Zeros and clusters make a file smaller by its coding alone.
FOR_CODING = (Stage.WEIGHT_PRUNING, Stage.CLUSTERING)

Techniques = tuple[Compressor[Any], ...]


def draw_plan(trial: Trial, compressors: Techniques) -> CompressionPlan:
    """Draw one technique or none for every stage, and its settings.

    Where there are techniques that code the file, theirs is drawn first, and
    weight pruning and clustering are drawn only where the file is coded: an
    uncoded file is no smaller for zeros and clusters.  Look-up tables are left
    out of the plan, and with them what was drawn for coding's sake, where they
    would hold nothing: they take clustered 8-bit weights, 4-bit ones are
    stored as they are.  So no near twin of another candidate is trained.

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
        if not (uncoded and stage in FOR_CODING)
        for step in _draw_step(trial, stage, techniques)
    ]
    if any(isinstance(step, LookUpTables) for step in coding) and not _fill_tables(drawn):
        drawn = [step for step in drawn if technique_of(step).stage not in FOR_CODING]
        coding = ()
    return CompressionPlan.of(*drawn, *coding)


def _fill_tables(steps: Sequence[Settings]) -> bool:
    """True where weights are clustered and have 8 bits; others have too many values, or are no int8 tensors."""
    is_clustered = any(isinstance(step, Clustering) for step in steps)
    return is_clustered and any(isinstance(step, Quantization) and step.weight_bits == 8 for step in steps)


def plan_parameters(compressors: Techniques, *, strongest: bool, coding: str = NONE) -> dict[str, Value]:
    """The parameters under which `draw_plan` gives the weakest or the strongest plan there is.

    The weakest has no technique but quantisation; of a stage with several
    techniques the strongest has the last.  Every technique lists its values
    from the weakest to the strongest.

    Parameters
    ----------
    coding
        The technique that codes the file of the strongest, none by default: one may take flash for RAM.  With
        look-up tables quantisation is at its weakest, for they hold 8-bit weights.
    """
    parameters: dict[str, Value] = {}
    for stage, techniques in _stages(compressors).items():
        named = [each for each in techniques if stage is not Stage.CODING or each.name == coding]
        left_out = stage is not Stage.QUANTIZATION and (not strongest or not named)
        if len(techniques) > 1 or stage is not Stage.QUANTIZATION:
            parameters[_name(stage)] = NONE if left_out else named[-1].name
        if not left_out:
            is_weak = not strongest or (stage is Stage.QUANTIZATION and coding == TableCompressor.name)
            parameters |= _settings_parameters(named[-1], 0 if is_weak else -1)
    return parameters


def stage_parameters(compressors: Techniques) -> Mapping[str, bool]:
    """Parameters that name the technique of a stage, with True where a random plan should mostly do without.

    False for quantisation, which every plan has, and for stages that are drawn
    only where the file is coded.
    """
    stages = _stages(compressors)
    always = (Stage.QUANTIZATION, *(FOR_CODING if Stage.CODING in stages else ()))
    return {_name(stage): stage not in always for stage in stages}


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
