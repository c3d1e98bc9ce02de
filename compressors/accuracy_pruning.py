"""Structured pruning down to an accuracy: the strongest common share that the network bears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compressors.channel_groups import channel_map
from compressors.compressor import CompressionError, Context, Hyperparameter, Network, Stage, require_fine_tune
from compressors.importance import METRICS, Metric
from compressors.structured_pruning import StructuredPruner, StructuredPruning, nothing_to_prune, width_left
from compressors.topology import Topology

_MAX_LOSS = 0.01  # where the settings say neither
_ROUNDING = 1e-9  # 0.75 - 0.01 is not quite 0.74


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyPruning:
    """Settings of pruning to an accuracy, which is that of the float network on the validation split.

    Attributes
    ----------
    min_accuracy
        Accuracy to keep, above 0 up to 1; None for no such limit.
    max_loss
        Accuracy that may be lost, 0 to below 1; None for no such limit.  With both
        limits both are kept, with neither at most 0.01 is lost.
    metric
        Which filters are least important; as in `StructuredPruning`.
    fine_tune
        Share of the recipe's epochs to train each pruned network, 0 (none) to 1.
    step
        Shares tried are multiples of it, above 0 up to 0.5.

    Raises
    ------
    ValueError
        When a value is out of range or the metric unknown.
    """

    min_accuracy: float | None = None
    max_loss: float | None = None
    metric: Metric = "l2"
    fine_tune: float = 0.25
    step: float = 0.0625

    def __post_init__(self) -> None:
        if self.min_accuracy is not None and not 0.0 < self.min_accuracy <= 1.0:
            raise ValueError(f"min_accuracy is {self.min_accuracy}, must be above 0 and at most 1")
        if self.max_loss is not None and not 0.0 <= self.max_loss < 1.0:
            raise ValueError(f"max_loss is {self.max_loss}, must be at least 0 and below 1")
        if self.metric not in METRICS:
            raise ValueError(f"metric is {self.metric!r}, must be one of {', '.join(METRICS)}")
        require_fine_tune(self.fine_tune)
        if not 0.0 < self.step <= 0.5:
            raise ValueError(f"step is {self.step}, must be above 0 and at most 0.5")

    @property
    def is_identity(self) -> bool:
        """False: what is pruned is known afterwards only."""
        return False

    def floor(self, before: float) -> float:
        """The accuracy to keep, for a network that has `before`."""
        limits = [] if self.max_loss is None else [before - self.max_loss]
        limits += [] if self.min_accuracy is None else [self.min_accuracy]
        return max(limits, default=before - _MAX_LOSS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyPruned:
    """What pruning to an accuracy found.

    Attributes
    ----------
    network
        The smallest network that kept the accuracy: the very one that was
        evaluated; the given one where no share held.
    share
        Of the filters and neurons of each group that it lost; 0 where no share held.
    failed
        Lowest share that was tried and did not hold; None where all held.
    accuracy_before, accuracy_after
        Of the given network and of `network`.
    floor
        The accuracy that was to be kept.
    tried
        (share, accuracy) of each pruned network, in the order of work.
    """

    network: Network
    share: float
    failed: float | None
    accuracy_before: float
    accuracy_after: float
    floor: float
    tried: tuple[tuple[float, float], ...]

    @property
    def evaluations(self) -> int:
        """Networks evaluated, the given one among them."""
        return 1 + len(self.tried)


class AccuracyPruner:
    """Removes as many filters and neurons as the accuracy allows, the same share of each group.

    A joint search leaves it out (`hyperparameters` is empty): how far it goes
    is known after training only, so `outline` is an upper bound.
    """

    name: str = "accuracy_pruning"
    stage: Stage = Stage.STRUCTURED_PRUNING
    settings: type[AccuracyPruning] = AccuracyPruning
    hyperparameters: tuple[Hyperparameter, ...] = ()

    def outline(self, topology: Topology, settings: AccuracyPruning) -> Topology:
        """`topology` itself: an upper bound, for what the accuracy allows cannot be foretold.

        Raises
        ------
        CompressionError
            When nothing can be pruned.
        """
        _levels(topology, settings.step)
        return topology

    def compress(self, network: Network, settings: AccuracyPruning, context: Context) -> Network:
        """The network that `prune_to_accuracy` finds; the given one where no share holds.

        Raises
        ------
        CompressionError
            As `prune_to_accuracy`.
        """
        return prune_to_accuracy(network, settings, context).network


def prune_to_accuracy(network: Network, settings: AccuracyPruning, context: Context) -> AccuracyPruned:
    """Find the strongest share that keeps the accuracy, by bisection over multiples of ``settings.step``.

    Bisection takes it that accuracy falls with the share.  Where it does not,
    a stronger share may have held; the one found has held all the same, for
    its network was evaluated.  Each network is made of the strongest one that
    held so far, with the fine-tuning that it had, and is fine-tuned on.

    Raises
    ------
    CompressionError
        When there is no labelled data or only one class, the given network
        already misses the accuracy, nothing can be pruned, or the pruner
        refuses the network.
    """
    from compressors.network import topology_of

    if len(context.labels) == 1:
        raise CompressionError(
            f"accuracy pruning needs two classes, the data has one, {context.labels[0]!r}: any network is always right"
        )
    levels = _levels(topology_of(network), settings.step)
    before = context.score(network, "accuracy pruning")
    floor = settings.floor(before)
    if before < floor - _ROUNDING:
        raise CompressionError(
            f"the network has an accuracy of {before:.4f} before pruning, {floor:.4f} must be kept: "
            "train it further or ask for less"
        )
    best, after, held, failed = network, before, -1, len(levels)
    tried: list[tuple[float, float]] = []
    while failed - held > 1:
        middle = (held + failed) // 2
        share, widths = levels[middle]
        candidate = StructuredPruner().compress(best, _down_to(widths, topology_of(best), settings), context)
        accuracy = context.score(candidate, "accuracy pruning")
        tried.append((share, accuracy))
        if accuracy >= floor - _ROUNDING:
            best, after, held = candidate, accuracy, middle
        else:
            failed = middle
    return AccuracyPruned(
        network=best,
        share=levels[held][0] if held >= 0 else 0.0,
        failed=levels[failed][0] if failed < len(levels) else None,
        accuracy_before=before,
        accuracy_after=after,
        floor=floor,
        tried=tuple(tried),
    )


Widths = Mapping[str, int]


def _free_groups(topology: Topology) -> dict[str, int]:
    """Units by name of the groups that may lose some."""
    groups = channel_map(topology).groups
    return {group.name: len(group.units) for group in groups if not group.fixed and len(group.units) > 1}


def _levels(topology: Topology, step: float) -> list[tuple[float, Widths]]:
    """(share, units left by group) for the multiples of `step` below 1, weakest first; those that change nothing out.

    A small group keeps one unit where the share would take all.
    """
    groups = _free_groups(topology)
    levels: list[tuple[float, Widths]] = []
    previous: Widths = groups
    for count in range(1, round(1 / step) + 1):
        share = count * step
        widths = {name: max(1, width_left(units, share)) for name, units in groups.items()}
        if share < 1.0 and widths != previous:
            levels.append((share, widths))
            previous = widths
    if not levels:
        raise CompressionError(nothing_to_prune(topology))
    return levels


def _down_to(widths: Widths, now: Topology, settings: AccuracyPruning) -> StructuredPruning:
    """Settings that narrow the groups of `now` to `widths`."""
    groups = _free_groups(now)
    shares = tuple((name, (units - widths[name]) / units) for name, units in groups.items())
    return StructuredPruning(
        filters=0.0, neurons=0.0, metric=settings.metric, fine_tune=settings.fine_tune, overrides=shares
    )
