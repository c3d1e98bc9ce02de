"""A given network whose layers get 4-bit or 8-bit weights by what each suffers, in a child process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from compressors.quantization_aware_training import QuantizationAwareTraining
from search.errors import JobError
from search.record import Score
from search.worker import TrialTask, opened, score_of

if TYPE_CHECKING:
    from compressors.compressor import Context, Network


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedTarget:
    """Up to where layers get 4-bit weights, the cheapest first; one of the two is set.

    Attributes
    ----------
    largest_loss
        Accuracy on the validation split, 0..1, that all rounded weights together
        may cost the network while everything else of it is float.
    most_bytes
        Bytes of the model file before it is coded, at least 1.

    Raises
    ------
    JobError
        When both or none are set, or a number is out of its range.
    """

    largest_loss: float | None = None
    most_bytes: int | None = None

    def __post_init__(self) -> None:
        if (self.largest_loss is None) is (self.most_bytes is None):
            raise JobError("--mixed-loss and --mixed-bytes both say how many layers get 4-bit weights: give one")
        if self.largest_loss is not None and not 0.0 <= self.largest_loss < 1.0:
            raise JobError(f"--mixed-loss is {self.largest_loss}, must be at least 0 and below 1")
        if self.most_bytes is not None and self.most_bytes < 1:
            raise JobError(f"--mixed-bytes is {self.most_bytes}, must be at least 1")

    def chosen(self, network: Network, settings: Quantization, context: Context) -> Quantization:
        """The settings with the layers that get 4 bits in ``overrides``.

        Raises
        ------
        CompressionError
            When the target cannot be met.
        """
        from compressors.mixed_precision import within_bytes, within_loss

        if self.largest_loss is not None:
            return within_loss(network, settings, context, self.largest_loss)
        assert self.most_bytes is not None  # checked at birth
        return within_bytes(network, settings, context, self.most_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedOutcome:
    """The file, measured, and the plan that makes it again: the one given, with the layers that got 4 bits."""

    content: bytes
    score: Score
    plan: CompressionPlan


def require_mixable(plan: CompressionPlan) -> None:
    """Refuse a plan that has decided already what is to be chosen.

    Raises
    ------
    JobError
        When its quantisation is not plain int8, or it trains for its quantisation.
    """
    settings = plan.quantization
    ways = "--mixed-loss and --mixed-bytes choose between 8-bit and 4-bit weights of int8 files"
    if (settings.weight_bits, settings.activation_bits) != (8, 8):
        raise JobError(
            f"{ways}: the plan has {settings.weight_bits}-bit weights and {settings.activation_bits}-bit activations, "
            "leave weight_bits and activation_bits out of it"
        )
    if settings.overrides:
        raise JobError(f"{ways}: the plan gives layers their bits itself, leave quantization's overrides out of it")
    if any(isinstance(step, QuantizationAwareTraining) for step in plan.steps):
        raise JobError(
            f"{ways} once a network is trained, and quantization_aware_training trains for bits that are known: "
            "leave it out, or train with the plan.yaml that is written"
        )


def with_quantization(plan: CompressionPlan, settings: Quantization) -> CompressionPlan:
    """The plan with another quantisation."""
    return CompressionPlan.of(*(settings if isinstance(step, Quantization) else step for step in plan.steps))


def run_mixed(task: TrialTask, target: MixedTarget) -> MixedOutcome:
    """Apply the plan of the task's candidate, with 4-bit weights in the layers that suffer least from them.

    Layers are measured after the plan's steps before quantisation.

    Raises
    ------
    RuntimeError
        When the plan cannot be applied or the target not be met, in words.
    """
    with opened(task) as (network, context, data):
        plan = task.candidate.plan
        shaped = plan.shape(network, context)
        mixed = with_quantization(plan, target.chosen(shaped, plan.quantization, context))
        artifact = mixed.convert(shaped, context)
        return MixedOutcome(content=artifact.content, score=score_of(artifact, shaped, task, data), plan=mixed)
