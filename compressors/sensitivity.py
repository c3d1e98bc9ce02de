"""How much accuracy each layer loses when its own weights are pruned, and a sparsity shared out by that.

Measured as in Han et al., *Learning both Weights and Connections for Efficient
Neural Networks*, NIPS 2015, section 5 (figure 6): one layer at a time is
pruned by magnitude, without training, and the network is scored.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compressors.compressor import CompressionError, Context, Network
from compressors.structure import kernels_of
from compressors.weight_masks import checked_copy, kept_of, kernel_shapes, most_important, set_kernels

Floats = npt.NDArray[np.float64]

SPARSITIES = (0.4, 0.6, 0.8, 0.95)
# Accuracy that a layer's whole kernel counts as losing beside what was measured: so layers whose measured
# losses are equal get equal sparsities, and every allowed loss has one answer.
_SLOPE = 1e-3
_HALVINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityRow:
    """Accuracy of the network with one layer at one sparsity, 0 < sparsity < 1, all else as it was."""

    layer: str
    sparsity: float
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityTable:
    """What pruning costs, layer by layer; accuracies are what `compressors.compressor.Context.evaluate` gives.

    Attributes
    ----------
    accuracy
        Of the network as it was.
    rows
        By layer in execution order, then by rising sparsity.
    """

    accuracy: float
    rows: tuple[SensitivityRow, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in execution order."""
        return tuple(dict.fromkeys(row.layer for row in self.rows))

    def losses(self, layer: str) -> tuple[tuple[float, float], ...]:
        """(sparsity, accuracy lost) of a layer, from (0, 0) on; a gain is a loss below 0."""
        rows = (row for row in self.rows if row.layer == layer)
        return ((0.0, 0.0), *((row.sparsity, self.accuracy - row.accuracy) for row in rows))

    def as_csv(self, name: str = "accuracy") -> str:
        """Comma-separated lines under the head ``layer,sparsity,NAME``, sparsity 0 for every layer included."""
        lines = [f"layer,sparsity,{name}"]
        for layer in self.layers:
            for sparsity, loss in self.losses(layer):
                lines.append(f"{layer},{sparsity:g},{self.accuracy - loss:.6g}")
        return "\n".join(lines) + "\n"


def sensitivity_table(
    network: Network, context: Context, sparsities: tuple[float, ...] = SPARSITIES
) -> SensitivityTable:
    """Score the network with every layer pruned alone, at every sparsity.

    The network is not changed.  It is scored 1 + layers x sparsities times.

    Raises
    ------
    CompressionError
        When sparsities do not rise between 0 and 1, there is nothing to
        prune, weights are not finite, or no labelled data was handed down.
    """
    from compressors.network import topology_of

    rising = all(low < high for low, high in itertools.pairwise(sparsities))
    if not sparsities or not rising or not 0.0 < sparsities[0] <= sparsities[-1] < 1.0:
        raise CompressionError(f"sparsities are {sparsities}, must rise from above 0 to below 1")
    names = kernel_shapes(topology_of(network), "sensitivity_pruning")
    copy = checked_copy(network)
    kernels = {name: kernel for name, kernel in kernels_of(copy).items() if name in names}
    accuracy = context.score(copy, "sensitivity_pruning")
    rows = []
    for name in names:
        for sparsity in sparsities:
            mask = most_important(np.abs(kernels[name]), kept_of(kernels[name].size, sparsity))
            set_kernels(copy, {name: kernels[name] * mask})
            score = context.score(copy, "sensitivity_pruning")
            rows.append(SensitivityRow(layer=name, sparsity=sparsity, accuracy=score))
        set_kernels(copy, {name: kernels[name]})
    return SensitivityTable(accuracy=accuracy, rows=tuple(rows))


def shared_out(table: SensitivityTable, sizes: Mapping[str, int], sparsity: float) -> dict[str, float]:
    """Sparsities by layer whose mean over all weights is `sparsity`.

    Every layer gets the largest sparsity, among those measured and those on
    straight lines between them, up to which it loses no more than one allowed
    loss, the same for all layers; that loss is found by bisection.  A layer
    gets no more than the greatest sparsity that was measured.

    Parameters
    ----------
    sizes
        Weights of each layer of the table, >= 1.
    sparsity
        0 to the greatest sparsity of the table.

    Raises
    ------
    CompressionError
        When `sparsity` is above what was measured.
    """
    highest = max(row.sparsity for row in table.rows)
    if not 0.0 <= sparsity <= highest:
        raise CompressionError(
            f"sparsity {sparsity} is above {highest}, the greatest at which layers were pruned alone: "
            "lower it, or measure further"
        )
    weights = np.array([sizes[layer] for layer in table.layers], np.float64)
    curves = [_curve(table, layer) for layer in table.layers]

    def allowed(loss: float) -> Floats:
        return np.array([np.interp(loss, losses, sparsities) for losses, sparsities in curves])

    low, high = 0.0, max(losses[-1] for losses, _ in curves)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if float(allowed(middle) @ weights) / weights.sum() < sparsity:
            low = middle
        else:
            high = middle
    return dict(zip(table.layers, allowed(high).tolist(), strict=True))


def _curve(table: SensitivityTable, layer: str) -> tuple[Floats, Floats]:
    """Losses, strictly rising, and the sparsities at which they are met."""
    sparsities, losses = np.array(table.losses(layer), np.float64).T
    return np.maximum.accumulate(losses) + _SLOPE * sparsities, sparsities
