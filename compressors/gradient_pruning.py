"""Gradient pruning: the weights go whose removal changes the loss least.

Importance is ``sum over batches of |gradient x weight|``, the change of the
loss to first order when the weight becomes 0: Lee et al., *SNIP: Single-shot
Network Pruning based on Connection Sensitivity*, ICLR 2019, section 4, and
Molchanov et al., *Importance Estimation for Neural Network Pruning*, CVPR
2019, section 3.  Differing from the first, the network is trained and many
batches are looked at; differing from the second, the importances of batches
are added without being squared.

Zeros make neither the ``.tflite`` smaller nor an inference faster; they shrink
what is downloaded, see `compressors.weight_masks`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from compressors.compressor import CompressionError, Context, Hyperparameter, Network, Stage
from compressors.structure import kernels_of, zero_projections
from compressors.topology import Topology
from compressors.weight_masks import (
    Mask,
    checked_copy,
    kept_of,
    kernel_shapes,
    mask_kernels,
    most_important,
    require_rounds,
    require_shares,
    require_some_left,
    sparsity_after,
)

Importance = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientPruning:
    """Settings of gradient pruning.

    Attributes
    ----------
    sparsity
        Share of the weights of standard convolutions and dense layers that
        become 0, 0 (none) to below 1.
    scope
        ``layer`` for the share in every kernel, ``global`` for the share of
        all kernels together, taken wherever the importance is least.
    rounds
        Times that weights are removed and the network fine-tuned, >= 1; every
        round removes the same share of what is left.
    fine_tune
        Share of the recipe's epochs to train afterwards, 0 (none) to 1, in
        equal parts after every round; each part is an epoch at least.

    Raises
    ------
    ValueError
        When a value is out of range, or rounds have no fine-tuning between them.
    """

    sparsity: float = 0.5
    scope: Literal["layer", "global"] = "layer"
    rounds: int = 1
    fine_tune: float = 0.5

    def __post_init__(self) -> None:
        require_shares(sparsity=self.sparsity, fine_tune=self.fine_tune)
        require_rounds(self.rounds, self.fine_tune)
        if self.scope not in ("layer", "global"):
            raise ValueError(f"scope is {self.scope!r}, must be 'layer' or 'global'")

    @property
    def is_identity(self) -> bool:
        """True when no weight is removed."""
        return self.sparsity == 0.0


class GradientPruner:
    """Sets weights to zero that hardly matter to the loss."""

    name: str = "gradient_pruning"
    stage: Stage = Stage.WEIGHT_PRUNING
    settings: type[GradientPruning] = GradientPruning
    hyperparameters: tuple[Hyperparameter, ...] = (
        Hyperparameter(name="sparsity", values=(0.0, 0.3, 0.5, 0.7, 0.8, 0.9)),
        Hyperparameter(name="scope", values=("layer", "global"), ordered=False),
    )

    def outline(self, topology: Topology, settings: GradientPruning) -> Topology:
        """The topology as it is: zeros leave shapes alone.

        Raises
        ------
        CompressionError
            When there is nothing to prune, or a layer would be left empty
            (under the scope ``global`` that shows with the weights only).
        """
        shapes = kernel_shapes(topology, self.name)
        if settings.scope == "layer":
            require_some_left({name: math.prod(shape) for name, shape in shapes.items()}, settings.sparsity)
        return topology

    def compress(self, network: Network, settings: GradientPruning, context: Context) -> Network:
        """A new network of the same layers, the least important weights 0.

        Raises
        ------
        CompressionError
            As `outline`; also when the network has unsupported layers or
            weights or gradients that are not finite, or no labelled data was
            handed down.
        """
        from compressors.network import topology_of

        topology = topology_of(network)
        self.outline(topology, settings)
        pruned = checked_copy(network)
        for number in range(1, settings.rounds + 1):
            importances = _importances(pruned, list(kernel_shapes(topology, self.name)), context)
            sparsity = sparsity_after(number, settings.rounds, settings.sparsity)
            mask_kernels(pruned, _masks(importances, sparsity, settings.scope))
            if settings.fine_tune > 0.0:
                share = settings.fine_tune / settings.rounds
                context.fine_tune(pruned, share, projections=zero_projections(pruned))
        return pruned


def _importances(network: Network, names: list[str], context: Context) -> dict[str, Importance]:
    """Importance of every weight by layer, in the kernel's shape."""
    kernels = kernels_of(network)
    importances = {name: np.zeros(kernels[name].shape, np.float64) for name in names}
    batches = 0
    for gradients in context.batch_gradients(network, GradientPruner.name):
        batches += 1
        for name in names:
            gradient = gradients[name][0]
            if gradient is None:
                raise CompressionError(f"layer {name!r} is not trained, so that it has no gradients: unfreeze it")
            importances[name] += np.abs(gradient.astype(np.float64) * kernels[name])
    if batches == 0:
        raise CompressionError("the gradients of no batch were handed down: give at least one sample")
    for name, importance in importances.items():
        if not np.isfinite(importance).all():
            raise CompressionError(f"layer {name!r} has gradients that are not finite: lower the learning rate")
    return importances


def _masks(importances: Mapping[str, Importance], sparsity: float, scope: str) -> dict[str, Mask]:
    """True for the weights that stay."""
    if scope == "layer":
        return {name: most_important(each, kept_of(each.size, sparsity)) for name, each in importances.items()}
    joined = np.concatenate([each.ravel() for each in importances.values()])
    mask = most_important(joined, kept_of(joined.size, sparsity))
    parts = np.split(mask, np.cumsum([each.size for each in importances.values()])[:-1])
    masks = {name: part.reshape(importances[name].shape) for name, part in zip(importances, parts, strict=True)}
    for name, part in masks.items():
        if not part.any():
            raise CompressionError(
                f"sparsity {sparsity:g} over all layers would leave nothing of layer {name!r}: "
                "lower the sparsity, or give scope 'layer'"
            )
    return masks
