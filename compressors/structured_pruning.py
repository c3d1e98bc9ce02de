"""Structured pruning: whole filters and neurons are removed, so the network really shrinks.

Importance is the norm of a filter's weights, as in Li et al., *Pruning Filters
for Efficient ConvNets*, ICLR 2017, section 3.1 (there L1).  Differing from it,
the norms of a layer are divided by their mean before those of welded layers
are added, so that no layer decides by the size of its weights alone.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from compressors.channel_groups import ChannelGroup, ChannelMap, Indices, channel_map
from compressors.compressor import CompressionError, Context, Hyperparameter, Network, Stage
from compressors.layers import BatchNormalization, Conv2D, Dense, DepthwiseConv2D
from compressors.topology import Layer, Topology
from devices.suggestion import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    Weights = Mapping[str, tuple[npt.NDArray[np.float32], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuredPruning:
    """Settings of structured pruning.

    Attributes
    ----------
    filters
        Share of the filters to remove from each group of convolutions, 0 <= share < 1;
        rounded to whole filters, halves up, at least one is kept.
    neurons
        The same for each group of dense layers.
    metric
        Norm that says how important a filter is.
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
    metric: Literal["l1", "l2"] = "l2"
    fine_tune: float = 0.5
    overrides: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        shares = (("filters", self.filters), ("neurons", self.neurons), *self.overrides)
        for name, share in shares:
            if not 0.0 <= share < 1.0:
                raise ValueError(f"share of {name} to prune is {share}, must be at least 0 and below 1")
        if not 0.0 <= self.fine_tune <= 1.0:
            raise ValueError(f"fine_tune is {self.fine_tune}, must be a share of the epochs from 0 to 1")
        if self.metric not in ("l1", "l2"):
            raise ValueError(f"metric is {self.metric!r}, must be 'l1' or 'l2'")
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
    )

    def outline(self, topology: Topology, settings: StructuredPruning) -> Topology:
        """The narrowed topology, exactly as `compress` makes it.

        Raises
        ------
        CompressionError
            When no channel would be removed, or an override names no group.
        """
        channels = channel_map(topology)
        widths = _widths(topology, channels, settings)
        return _narrowed(topology, channels.kept(tuple(_first(group, n) for group, n in widths)))

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
        channels = channel_map(topology)
        widths = _widths(topology, channels, settings)
        norms = _relative_norms(topology, weights, settings.metric)
        kept = channels.kept(tuple(_most_important(group, n, norms) for group, n in widths))
        pruned = build(_narrowed(topology, kept))
        set_weights(pruned, _sliced(topology, weights, kept))
        if settings.fine_tune > 0.0:
            context.fine_tune(pruned, settings.fine_tune)
        return pruned


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
        widths.append((group, _width(len(group.units), share)))
    if all(width == len(group.units) for group, width in widths):
        raise CompressionError(_nothing_removed(topology, settings, widths))
    return widths


def _width(units: int, share: float) -> int:
    # The small number keeps products such as 0.29 * 50 from falling just below a half.
    return max(1, units - math.floor(units * share + 0.5 + 1e-9))


def _nothing_removed(topology: Topology, settings: StructuredPruning, widths: list[tuple[ChannelGroup, int]]) -> str:
    free = [f"{group.name} ({len(group.units)} {group.kind})" for group, _ in widths if not group.fixed]
    if not free:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in unprunable(topology))
        return f"structured pruning finds nothing to prune: {reasons or 'no layer has filters or neurons'}"
    return (
        f"structured pruning with filters={settings.filters}, neurons={settings.neurons} removes nothing from "
        f"{', '.join(free)}: raise the share, or leave the technique out"
    )


def _first(group: ChannelGroup, width: int) -> npt.NDArray[np.bool_]:
    return np.arange(len(group.units)) < width


def _most_important(
    group: ChannelGroup, width: int, norms: Mapping[str, npt.NDArray[np.float64]]
) -> npt.NDArray[np.bool_]:
    """Units that stay, bool (units,); among equals the lower index stays."""
    importance = np.array([sum(norms[name][channel] for name, channel in unit) for unit in group.units])
    stays = np.zeros(len(group.units), np.bool_)
    stays[np.argsort(-importance, kind="stable")[:width]] = True
    return stays


def _relative_norms(
    topology: Topology, weights: Weights, metric: Literal["l1", "l2"]
) -> dict[str, npt.NDArray[np.float64]]:
    """Norm of each output channel's kernel over the layer's mean norm, by producer."""
    norms = {}
    for layer in topology.layers:
        if isinstance(layer.spec, Conv2D | Dense):
            kernel = weights[layer.name][0].astype(np.float64)
            rows = kernel.reshape(-1, kernel.shape[-1])
            norm = np.linalg.norm(rows, ord=1 if metric == "l1" else 2, axis=0)
            if not np.isfinite(norm).all():
                raise CompressionError(f"layer {layer.name!r} has weights that are not finite: its training diverged")
            norms[layer.name] = norm / (norm.mean() or 1.0)
    return norms


def _narrowed(topology: Topology, kept: Mapping[str, Indices]) -> Topology:
    def narrow(layer: Layer) -> Layer:
        width = len(kept[layer.name])
        match layer.spec:
            case Conv2D():
                return dataclasses.replace(layer, spec=dataclasses.replace(layer.spec, filters=width))
            case Dense():
                return dataclasses.replace(layer, spec=dataclasses.replace(layer.spec, units=width))
        return layer

    return Topology(layers=tuple(narrow(layer) for layer in topology.layers))


def _sliced(topology: Topology, weights: Weights, kept: Mapping[str, Indices]) -> Weights:
    """The weights of the channels that stay, by layer name."""
    sliced = {}
    for layer in topology.layers:
        if layer.name not in weights:
            continue
        out = kept[layer.name]
        if isinstance(layer.spec, BatchNormalization):
            sliced[layer.name] = tuple(vector[out] for vector in weights[layer.name])
            continue
        kernel, *bias = weights[layer.name]
        kernel = kernel[..., kept[layer.inputs[0]], :]
        if not isinstance(layer.spec, DepthwiseConv2D):  # its last axis is the multiplier, which stays whole
            kernel = kernel[..., out]
        sliced[layer.name] = (kernel, *(vector[out] for vector in bias))
    return sliced
