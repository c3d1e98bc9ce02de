"""Magnitude pruning: the smallest weights of each kernel become zero while the network trains on.

It is that of the TensorFlow model optimisation toolkit (tfmot): Zhu and Gupta,
*To prune, or not to prune*, 2017, equation 1 is the polynomial schedule.
Differing from tfmot, begin and end are shares of the fine-tune, so that a
schedule cannot begin after training ends, and the last update of the masks
always has the full sparsity.  Rounds of pruning and training are those of Han
et al., *Learning both Weights and Connections for Efficient Neural Networks*,
NIPS 2015, section 3.4.

Zeros make neither the ``.tflite`` smaller nor an inference faster; they shrink
what is downloaded, see `compressors.weight_masks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from compressors.compressor import CompressionError, Context, Hyperparameter, Network, Stage
from compressors.layers import Conv2D, Dense, DepthwiseConv2D
from compressors.pruning_patterns import CHANNEL_PATTERNS, Pattern, misfit, parts, parts_left
from compressors.pruning_wrappers import Steering, prune_while_training
from compressors.structure import kernels_of
from compressors.topology import Topology
from compressors.weight_masks import (
    checked_copy,
    kept_of,
    kernel_shapes,
    require_rounds,
    require_shares,
    require_some_left,
    sparsity_after,
)

Schedule = Literal["polynomial", "constant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MagnitudePruning:
    """Settings of magnitude pruning.

    Attributes
    ----------
    sparsity
        Share of the weights of every kernel that become 0, 0 (none) to below
        1: of the kernels of standard convolutions and dense layers, under the
        pattern ``block`` of dense layers only.
    schedule
        ``constant`` prunes to the full sparsity at the first update of the
        masks, ``polynomial`` more with every update.
    begin, end
        When the masks are first and last updated, in shares of the
        fine-tune's steps: 0 <= begin < end <= 1.
    frequency
        Steps from one update of the masks to the next, >= 1.
    pattern
        ``unstructured``; ``2:4``, ``1:4``, ``4:8``: at most so many of so many
        consecutive input channels stay, consecutive in the file too;
        ``block``: 4 consecutive inputs of a neuron stay or go together.
        A pattern of channels sets the sparsity (0.5, 0.75, 0.5) and is made at
        the first step.
    rounds
        Times that the network is pruned and fine-tuned, >= 1; every round
        removes the same share of what is left.
    fine_tune
        Share of the recipe's epochs to train, above 0 to 1, in equal parts
        for the rounds; each part is an epoch at least.

    Raises
    ------
    ValueError
        When a value is out of range, the schedule would end before it began
        or never prune, or the pattern contradicts another setting.
    """

    sparsity: float = 0.5
    schedule: Schedule = "polynomial"
    begin: float = 0.0
    end: float = 0.6
    frequency: int = 1
    pattern: Pattern = "unstructured"
    rounds: int = 1
    fine_tune: float = 0.5

    def __post_init__(self) -> None:
        require_shares(sparsity=self.sparsity, fine_tune=self.fine_tune)
        if self.fine_tune == 0.0:
            raise ValueError("fine_tune is 0.0, must be above 0: magnitude pruning happens while the network trains")
        require_rounds(self.rounds, self.fine_tune)
        for name, value, choices in (("schedule", self.schedule, Schedule), ("pattern", self.pattern, Pattern)):
            if value not in get_args(choices):
                raise ValueError(f"{name} is {value!r}, must be one of {', '.join(map(repr, get_args(choices)))}")
        self._check_schedule()
        if self.pattern in CHANNEL_PATTERNS and not self.is_identity:
            self._check_pattern()

    def _check_schedule(self) -> None:
        if not 0.0 <= self.begin < 1.0:
            raise ValueError(
                f"begin is {self.begin}, must be at least 0 and below 1: pruning would begin after training ends, "
                "for begin and end are shares of the fine-tune's steps"
            )
        if not self.begin < self.end <= 1.0:
            raise ValueError(
                f"end is {self.end}, must be above begin ({self.begin}) and at most 1: "
                "the schedule would end before it began"
            )
        if self.frequency < 1:
            raise ValueError(f"frequency is {self.frequency}, must be at least 1 step")

    def _check_pattern(self) -> None:
        kept, width = CHANNEL_PATTERNS[self.pattern]
        expected = 1.0 - kept / width
        if self.sparsity != expected:
            raise ValueError(f"pattern {self.pattern!r} is a sparsity of {expected}, not of {self.sparsity}: give that")
        if (self.schedule, self.begin, self.rounds) != ("constant", 0.0, 1):
            raise ValueError(
                f"pattern {self.pattern!r} is made once, at the first step: "
                "give schedule 'constant', begin 0 and 1 round"
            )

    @property
    def is_identity(self) -> bool:
        """True when no weight is removed."""
        return self.sparsity == 0.0


class MagnitudePruner:
    """Sets the smallest weights to zero."""

    name: str = "magnitude_pruning"
    stage: Stage = Stage.WEIGHT_PRUNING
    settings: type[MagnitudePruning] = MagnitudePruning
    hyperparameters: tuple[Hyperparameter, ...] = (
        Hyperparameter(name="sparsity", values=(0.0, 0.3, 0.5, 0.7, 0.8, 0.9)),
    )

    def outline(self, topology: Topology, settings: MagnitudePruning) -> Topology:
        """The topology as it is: zeros leave shapes alone.

        Raises
        ------
        CompressionError
            When there is nothing to prune, or a layer would be left empty.
        """
        units = _units(topology, settings)
        if not units:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in unpruned(topology, settings))
            raise CompressionError(f"magnitude pruning finds nothing to prune by the pattern: {reasons}")
        require_some_left(units, settings.sparsity)
        return topology

    def compress(self, network: Network, settings: MagnitudePruning, context: Context) -> Network:
        """A new network of the same layers, the smallest weights of each 0; weights that were 0 stay so.

        Layers that stay as they are, with the reason: `unpruned`.

        Raises
        ------
        CompressionError
            As `outline`; also when the network has unsupported layers or
            weights that are not finite, the fine-tune has too few steps for
            the schedule, or so many weights are equal that none of them is
            smallest.
        """
        from compressors.network import topology_of

        units = _units(self.outline(topology_of(network), settings), settings)
        pruned = checked_copy(network)
        reached = 0.0
        for number in range(1, settings.rounds + 1):
            sparsity = sparsity_after(number, settings.rounds, settings.sparsity)
            prune_while_training(pruned, tuple(units), settings, Steering(settings, reached, sparsity), context)
            _require_sparse(pruned, units, settings, sparsity)
            reached = sparsity
        return pruned


def unpruned(topology: Topology, settings: MagnitudePruning) -> tuple[tuple[str, str], ...]:
    """(layer, reason) of the layers whose kernels stay whole, in execution order."""
    shapes, found = kernel_shapes(topology, MagnitudePruner.name), []
    for layer in topology.layers:
        if isinstance(layer.spec, DepthwiseConv2D):
            found.append((layer.name, "a depthwise kernel has a few weights a channel, each of which counts"))
        elif isinstance(layer.spec, Conv2D | Dense) and (reason := misfit(shapes[layer.name], settings.pattern)):
            found.append((layer.name, reason))
    return tuple(found)


def _units(topology: Topology, settings: MagnitudePruning) -> dict[str, int]:
    """How many weights (or blocks) of each pruned layer can go one by one."""
    shapes = kernel_shapes(topology, MagnitudePruner.name)
    return {
        name: parts(shape, settings.pattern) for name, shape in shapes.items() if not misfit(shape, settings.pattern)
    }


def _require_sparse(network: Network, units: Mapping[str, int], settings: MagnitudePruning, sparsity: float) -> None:
    """Refuse a result with fewer zeros than asked for: tfmot keeps all weights that equal the least one kept."""
    if settings.pattern in CHANNEL_PATTERNS:
        return  # counted group by group
    kernels = kernels_of(network)
    for name, count in units.items():
        left = parts_left(kernels[name], settings.pattern)
        if left > kept_of(count, sparsity) + 1:  # tfmot rounds in single precision
            raise CompressionError(
                f"layer {name!r} kept {left} of {count} weights instead of {kept_of(count, sparsity)}: weights of "
                "equal size stay together; prune by gradient_pruning or sensitivity_pruning"
            )
