"""Structured pruning: whole filters and neurons are removed, so the network really shrinks.

What goes is what `compressors.importance` finds least important in each group
of channels that `compressors.channel_groups` finds.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compressors.channel_groups import ChannelGroup, ChannelMap, Indices, channel_map
from compressors.compressor import CompressionError, Context, Hyperparameter, Network, Stage, require_fine_tune
from compressors.importance import METRICS, Metric, relative_importance
from compressors.layers import Conv2D, Dense, DepthwiseConv2D
from compressors.narrowing import narrowed, sliced
from compressors.topology import Topology
from devices.suggestion import suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuredPruning:
    """Settings of structured pruning.

    Attributes
    ----------
    filters
        Share of the filters to remove from each group of convolutions, 0 <= share < 1;
        rounded to whole filters, halves up.  A group of one filter stays whole.
    neurons
        The same for each group of dense layers.
    metric
        Which filters are least important; `compressors.importance` says how each judges.  ``taylor``, which a
        search takes, loses least as a rule, and alone needs gradients on labelled data.
    fine_tune
        Share of the recipe's epochs to train afterwards, 0 (none) to 1.
    overrides
        (group, share) pairs that replace `filters` or `neurons` for one group;
        a group is named after its first layer.

    Raises
    ------
    ValueError
        When a share is out of range, the metric unknown or a group named twice.
    """

    filters: float = 0.1
    neurons: float = 0.1
    metric: Metric = "l2"
    fine_tune: float = 0.5
    overrides: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        shares = (("filters", self.filters), ("neurons", self.neurons), *self.overrides)
        for name, share in shares:
            if not 0.0 <= share < 1.0:
                raise ValueError(f"share of {name} to prune is {share}, must be at least 0 and below 1")
        require_fine_tune(self.fine_tune)
        if self.metric not in METRICS:
            raise ValueError(f"metric is {self.metric!r}, must be one of {', '.join(METRICS)}")
        names = [name for name, _ in self.overrides]
        if len(set(names)) < len(names):
            raise ValueError(f"overrides name a group twice: {', '.join(names)}")

    @property
    def is_identity(self) -> bool:
        """True when no share is above zero."""
        return not any((self.filters, self.neurons, *(share for _, share in self.overrides)))


class StructuredPruner:
    """Removes the least important filters and neurons, along with all that hangs on them."""

    name: str = "structured_pruning"
    stage: Stage = Stage.STRUCTURED_PRUNING
    settings: type[StructuredPruning] = StructuredPruning
    hyperparameters: tuple[Hyperparameter, ...] = (
        Hyperparameter(name="filters", values=(0.0, 0.125, 0.25, 0.375, 0.5)),
        Hyperparameter(name="neurons", values=(0.0, 0.125, 0.25, 0.375, 0.5)),
        # Of five metrics it loses least on most networks (tests/benchmarks/pruning_metrics.py); a search has gradients.
        Hyperparameter(name="metric", values=("taylor",), ordered=False),
    )

    def outline(self, topology: Topology, settings: StructuredPruning) -> Topology:
        """The narrowed topology, exactly as `compress` makes it.

        Raises
        ------
        CompressionError
            When no channel would be removed, a layer would lose all of them,
            or an override names no group.
        """
        channels = channel_map(topology)
        widths = _widths(topology, channels, settings)
        return narrowed(topology, channels.kept(tuple(np.arange(len(g.units)) < width for g, width in widths)))

    def compress(self, network: Network, settings: StructuredPruning, context: Context) -> Network:
        """A new, smaller network; fine-tuned when the settings say so.

        Raises
        ------
        CompressionError
            As `outline`; also when the network has unsupported layers or
            weights that are not finite.
        """
        from compressors.network import build, set_weights, topology_of, weights_of

        topology, weights = topology_of(network), weights_of(network)
        kept = kept_channels(network, settings, context)
        context.say_left("structured_pruning", unprunable(topology))
        pruned = build(narrowed(topology, kept))
        set_weights(pruned, sliced(topology, weights, kept))
        if settings.fine_tune > 0.0:
            context.fine_tune(pruned, settings.fine_tune)
        return pruned


def kept_channels(network: Network, settings: StructuredPruning, context: Context) -> dict[str, Indices]:
    """Positions that stay on each layer's last axis, ascending, by layer name.

    Raises
    ------
    CompressionError
        As `StructuredPruner.compress`.
    """
    from compressors.network import require_finite, topology_of, weights_of

    topology, weights = topology_of(network), weights_of(network)
    channels = channel_map(topology)
    widths = _widths(topology, channels, settings)
    require_finite(weights)
    pruned = [group for group, width in widths if width < len(group.units)]
    importance = relative_importance(
        topology,
        weights,
        settings.metric,
        list(dict.fromkeys(name for group in pruned for unit in group.units for name, _ in unit)),
        functools.partial(context.batch_gradients, network, f"structured pruning by {settings.metric}"),
    )
    return channels.kept(tuple(_most_important(group, width, importance) for group, width in widths))


def unprunable(topology: Topology) -> tuple[tuple[str, str], ...]:
    """(layer, reason) of the convolutions and dense layers whose channels must all stay, in execution order."""
    channels = channel_map(topology)
    units: list[tuple[str, int]] = [(g.fixed, len(g.units)) for g in channels.groups for _ in g.units]
    found = []
    for layer in topology.layers:
        if not isinstance(layer.spec, Conv2D | Dense | DepthwiseConv2D):
            continue
        owners = [units[owner] for owner in channels.owners[layer.name] if owner >= 0]
        if not owners:
            found.append((layer.name, "its channels are the network's input channels"))
        elif all(fixed for fixed, _ in owners):
            found.append((layer.name, owners[0][0]))
        elif all(fixed or size == 1 for fixed, size in owners):
            found.append((layer.name, "it has one channel, which must stay"))
    return tuple(found)


def _widths(topology: Topology, channels: ChannelMap, settings: StructuredPruning) -> list[tuple[ChannelGroup, int]]:
    """How many units stay of each group: decided by the settings alone."""
    shares = dict(settings.overrides)
    names = {group.name for group in channels.groups if not group.fixed}
    for name in shares:
        if name not in names:
            reason = dict(unprunable(topology)).get(name, suggestion(name, names))
            raise CompressionError(f"structured pruning cannot prune a group {name!r}: {reason}")
    widths = []
    for group in channels.groups:
        share = 0.0 if group.fixed else shares.get(group.name, getattr(settings, group.kind))
        units = len(group.units)
        width = width_left(units, share)
        if width == 0 and (units > 1 or group.name in shares):
            raise CompressionError(_emptied(group, share))
        widths.append((group, max(1, width)))
    if all(width == len(group.units) for group, width in widths):
        raise CompressionError(_nothing_removed(topology, settings, widths))
    return widths


def width_left(units: int, share: float) -> int:
    """How many of `units` a share leaves, 0 to units: what goes is rounded, halves up."""
    # The small number keeps products such as 0.29 * 50 from falling just below a half.
    return units - math.floor(units * share + 0.5 + 1e-9)


def _emptied(group: ChannelGroup, share: float) -> str:
    units = len(group.units)
    remedy = f"{(units - 1) / units:.3g} leaves one" if units > 1 else "leave it out of the overrides"
    return f"a share of {share} of layer {group.name!r} removes all its {units} {group.kind}: {remedy}"


def _nothing_removed(topology: Topology, settings: StructuredPruning, widths: list[tuple[ChannelGroup, int]]) -> str:
    free = [f"{group.name} ({len(group.units)} {group.kind})" for group, _ in widths if not group.fixed]
    if not free:
        return nothing_to_prune(topology)
    return (
        f"structured pruning with filters={settings.filters}, neurons={settings.neurons} removes nothing from "
        f"{', '.join(free)}: raise the share, or leave the technique out"
    )


def nothing_to_prune(topology: Topology) -> str:
    """The sentence that says why no channel of `topology` can go."""
    reasons = "; ".join(f"{name}: {reason}" for name, reason in unprunable(topology))
    return f"structured pruning finds nothing to prune: {reasons or 'no layer has filters or neurons'}"


def _most_important(
    group: ChannelGroup, width: int, importance: Mapping[str, npt.NDArray[np.float64]]
) -> npt.NDArray[np.bool_]:
    """Units that stay, bool (units,); among equals the lower index stays."""
    stays = np.ones(len(group.units), np.bool_)
    if width < len(group.units):
        scores = np.array([sum(importance[name][channel] for name, channel in unit) for unit in group.units])
        stays[np.argsort(-scores, kind="stable")[width:]] = False
    return stays
