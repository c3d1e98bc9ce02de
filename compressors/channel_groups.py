"""Which channels of a topology can only be removed together.

A *producer* (Conv2D, Dense) makes new channels.  Every other layer hands
channels on: a depthwise convolution repeats each one, Flatten spreads it over
all positions, Reshape hands it on where the last axis stays, Add welds the
channels of its inputs together.  Following that through the network gives, for
each element of a layer's last axis, the set of produced channels it stands or
falls with.  The idea is that of dependency graphs in Fang et al., *DepGraph:
Towards Any Structural Pruning*, CVPR 2023; here the coupling is resolved
channel by channel, so that concatenations and flattened images need no offsets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from compressors.layers import Activation, Add, Concatenate, Conv2D, Dense, DepthwiseConv2D, Flatten, Input, Reshape
from compressors.topology import Layer, Topology

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelGroup:
    """Producers whose channels stand or fall together.

    Attributes
    ----------
    name
        Name of the first producer.
    kind
        ``"filters"`` when a convolution is among the producers, else ``"neurons"``.
    units
        What can be removed one by one: each a tuple of (producer, channel), all
        units of a group with the same producers and the same number of channels
        of each.  So the widths left depend on how many units stay, not on which.
    fixed
        Why no unit may be removed; empty when units may.
    """

    name: str
    kind: Literal["filters", "neurons"]
    units: tuple[tuple[tuple[str, int], ...], ...]
    fixed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMap:
    """The groups of a topology, and the unit that each channel belongs to.

    Attributes
    ----------
    groups
        In the order of their first producer.
    owners
        By layer name: for each element of the layer's last axis the number of
        its unit, counted through all groups, int64 (elements,); -1 for channels
        of the input or of a Reshape, which belong to no unit.
    """

    groups: tuple[ChannelGroup, ...]
    owners: dict[str, Indices]

    def kept(self, stays: tuple[npt.NDArray[np.bool_], ...]) -> dict[str, Indices]:
        """Positions that stay on each layer's last axis, ascending.

        `stays` says of each group which units stay, bool (units,).
        """
        flags = np.concatenate([*stays, [True]])  # owner -1 reads the last flag: what belongs to no unit stays
        return {name: np.flatnonzero(flags[owner]) for name, owner in self.owners.items()}


def channel_map(topology: Topology) -> ChannelMap:
    """Follow every channel through the topology."""
    channels = _Channels(topology)
    units = channels.units()
    signatures: dict[tuple[str, ...], list[int]] = {}
    for root, members in units.items():
        signatures.setdefault(tuple(name for name, _ in members), []).append(root)
    groups: list[ChannelGroup] = []
    numbers: dict[int, int] = {}
    for signature, roots in signatures.items():
        numbers.update({root: len(numbers) + i for i, root in enumerate(roots)})
        groups.append(
            ChannelGroup(
                name=signature[0],
                kind="filters" if any(name in channels.convolutions for name in signature) else "neurons",
                units=tuple(units[root] for root in roots),
                fixed=next((channels.fixed[root] for root in roots if root in channels.fixed), ""),
            )
        )
    owners = {
        name: np.array([numbers.get(channels.root(c), -1) for c in ids], np.int64)
        for name, ids in channels.of_layer.items()
    }
    return ChannelMap(groups=tuple(groups), owners=owners)


_OUTPUT = "its channels are the network's outputs"
_INPUT = "its channels are added to the network's input, whose channels are given"
_RESHAPED = "a Reshape spreads its channels over other axes"
_SOFTMAX = "a softmax weighs its channels against each other, so none can be left out"


class _Channels:
    """Channel numbers on each layer's last axis, with a union-find over them."""

    def __init__(self, topology: Topology) -> None:
        self.of_layer: dict[str, list[int]] = {}
        self.convolutions: set[str] = set()
        self.fixed: dict[int, str] = {}
        self._parent: list[int] = []
        self._member: list[tuple[str, int] | None] = []  # None for a channel of the input or a Reshape
        reasons: list[tuple[int, str]] = []
        shapes = topology.shapes()
        for layer in topology.layers:
            reads = [self.of_layer[name] for name in layer.inputs]
            positions = math.prod(shapes[layer.inputs[0]][:-1]) if reads else 1
            self.of_layer[layer.name] = self._follow(layer, reads, positions)
            if isinstance(layer.spec, Conv2D | Dense | Activation | DepthwiseConv2D) and _is_softmax(layer):
                reasons += [(channel, _SOFTMAX) for channel in self.of_layer[layer.name]]
            if _mixes(layer, reads):
                reasons += [(channel, _RESHAPED) for channel in (*reads[0], *self.of_layer[layer.name])]
        given = self.of_layer[topology.layers[0].name]
        reasons += [(channel, _INPUT) for channel in given]
        reasons += [(channel, _OUTPUT) for channel in self.of_layer[topology.layers[-1].name]]
        for channel, reason in reasons:  # the last one wins: being the output is the plainest reason
            self.fixed[self.root(channel)] = reason

    def _follow(self, layer: Layer, reads: list[list[int]], positions: int) -> list[int]:
        match layer.spec:
            case Input(shape=shape):
                return [self._new(None) for _ in range(shape[-1])]
            case Conv2D(filters=width):
                self.convolutions.add(layer.name)
                return [self._new((layer.name, i)) for i in range(width)]
            case Dense(units=width):
                return [self._new((layer.name, i)) for i in range(width)]
            case DepthwiseConv2D(depth_multiplier=multiplier):
                return [channel for channel in reads[0] for _ in range(multiplier)]
            case Flatten() | Reshape(shape=(_,)):
                return reads[0] * positions
            case Reshape(shape=shape) if _mixes(layer, reads):
                return [self._new(None) for _ in range(shape[-1])]
            case Concatenate():
                return [channel for read in reads for channel in read]
            case Add():
                self._weld(reads)
        return reads[0]

    def _new(self, member: tuple[str, int] | None) -> int:
        self._parent.append(len(self._parent))
        self._member.append(member)
        return len(self._parent) - 1

    def root(self, channel: int) -> int:
        """The lowest channel welded to `channel`."""
        while self._parent[channel] != channel:
            self._parent[channel] = self._parent[self._parent[channel]]
            channel = self._parent[channel]
        return channel

    def _weld(self, reads: list[list[int]]) -> None:
        for summands in zip(*reads, strict=True):
            for other in summands[1:]:
                low, high = sorted((self.root(summands[0]), self.root(other)))
                self._parent[high] = low

    def units(self) -> dict[int, tuple[tuple[str, int], ...]]:
        """Produced channels by root; roots that hold no produced channel are left out."""
        units: dict[int, list[tuple[str, int]]] = {}
        for channel, member in enumerate(self._member):
            if member is not None:
                units.setdefault(self.root(channel), []).append(member)
        return {root: tuple(members) for root, members in units.items()}


def _mixes(layer: Layer, reads: list[list[int]]) -> bool:
    """True for a Reshape that takes the last axis apart."""
    spec = layer.spec
    return isinstance(spec, Reshape) and len(spec.shape) > 1 and spec.shape[-1] != len(reads[0])


def _is_softmax(layer: Layer) -> bool:
    spec = layer.spec
    name = spec.function if isinstance(spec, Activation) else getattr(spec, "activation", "")
    return name == "softmax"
