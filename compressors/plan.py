"""A compression plan: the techniques applied to one network, in order."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

from compressors.catalog import COMPRESSORS, find, technique_of
from compressors.compressor import CompressionError, Context, Network, Settings, Stage, Value
from compressors.quantization import Quantization
from compressors.quantization_aware_training import QuantizationAwareTraining, require_integers
from compressors.settings_mapping import as_values, from_values
from compressors.topology import Topology
from devices.artifact import Artifact


class PlanError(ValueError):
    """Steps that cannot stand in one plan; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressionPlan:
    """Settings records of the techniques applied, at most one per stage, in stage order.

    Exactly one of them quantises, for only a quantised network becomes a file.
    Made by `of`, which puts the steps in order.

    Raises
    ------
    PlanError
        When steps are out of order, change nothing, repeat a technique or
        stage, or do not quantise exactly once.
    """

    steps: tuple[Settings, ...]

    def __post_init__(self) -> None:
        techniques = [technique_of(step) for step in self.steps]
        names = [technique.name for technique in techniques]
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated:
            raise PlanError(f"the plan names {repeated} twice: give its settings once")
        if any(step.is_identity for step in self.steps) or techniques != sorted(techniques, key=lambda t: t.stage):
            raise PlanError(f"steps {', '.join(names)} are out of order or change nothing: use CompressionPlan.of")
        for one, other in itertools.pairwise(techniques):
            if one.stage is other.stage is not Stage.QUANTIZATION:
                raise PlanError(
                    f"{one.name} and {other.name} both belong to the stage {one.stage.name.lower()}, "
                    "of which a plan has one technique: leave one out"
                )
        quantisers = [technique.name for technique in techniques if technique.stage is Stage.QUANTIZATION]
        if len(quantisers) != 1:
            raise PlanError(
                f"a plan quantises exactly once, this one has {', '.join(quantisers) or 'no quantisation'}: "
                f"name one of {', '.join(_names(Stage.QUANTIZATION))}"
            )
        if any(isinstance(step, QuantizationAwareTraining) for step in self.steps):
            try:
                require_integers(self.quantization.activation_bits)
            except CompressionError as error:
                raise PlanError(str(error)) from error

    @property
    def quantization(self) -> Quantization:
        """Settings of the step that makes the file."""
        return next(step for step in self.steps if isinstance(step, Quantization))

    @property
    def learns(self) -> bool:
        """True when a step learns from a teacher."""
        return technique_of(self.steps[0]).stage is Stage.DISTILLATION

    @classmethod
    def of(cls, *settings: Settings) -> CompressionPlan:
        """A plan of these settings in any order; settings that change nothing are left out.

        Raises
        ------
        PlanError
            When a technique is named twice or the plan does not quantise exactly once.
        """
        steps = (step for step in settings if not step.is_identity)
        return cls(steps=tuple(sorted(steps, key=lambda step: technique_of(step).stage)))

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Mapping[str, Value]]) -> CompressionPlan:
        """A plan from fields by technique, in any order; the inverse of `as_mapping`.

        Raises
        ------
        PlanError
            When a technique or field is unknown, with a guess, a value is of
            the wrong type or out of range, or `of` refuses the steps.
        """
        steps = []
        for name, values in mapping.items():
            try:
                steps.append(from_values(find(name).settings, values))
            except ValueError as error:
                raise PlanError(f"compression {name!r}: {error}") from error
        return cls.of(*steps)

    def as_mapping(self) -> dict[str, dict[str, Value]]:
        """Every field of every step by technique, ready for JSON."""
        return {technique_of(step).name: as_values(step) for step in self.steps}

    def outline(self, topology: Topology) -> Topology:
        """The topology that the plan will make of `topology`, without weights.

        Raises
        ------
        CompressionError
            When a technique cannot be applied.
        """
        for step in self.steps:
            topology = technique_of(step).outline(topology, step)
        return topology

    def shape(self, network: Network, context: Context) -> Network:
        """Apply all steps before quantisation.

        The given network is not changed; it is returned itself when there is
        no such step.

        Raises
        ------
        CompressionError
            When a technique cannot be applied.
        """
        context = replace(context, quantization=self.quantization)
        for step in self.steps:
            technique = technique_of(step)
            if technique.stage < Stage.QUANTIZATION:
                network = technique.compress(network, step, context)
        return network

    def convert(self, network: Network, context: Context) -> Artifact:
        """Quantise what `shape` gave, and apply the steps after that.

        Raises
        ------
        CompressionError
            When a technique cannot be applied.
        """
        result: Network | Artifact = network
        for step in self.steps:
            technique = technique_of(step)
            if technique.stage >= Stage.QUANTIZATION:
                result = technique.compress(result, step, context)
        assert isinstance(result, Artifact)  # every plan has a quantisation
        return result


def _names(stage: Stage) -> list[str]:
    return [technique.name for technique in COMPRESSORS if technique.stage is stage]
