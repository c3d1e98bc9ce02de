"""Sensitivity pruning: layers that lose little accuracy are pruned more.

The loss of every layer is measured at several sparsities
(`compressors.sensitivity`), the sparsity asked for is shared out so that each
layer loses the same alone, the smallest weights of each kernel become 0, and
the network is fine-tuned.

Zeros make neither the ``.tflite`` smaller nor an inference faster; they shrink
what is downloaded, see `compressors.weight_masks`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from compressors.compressor import Context, Hyperparameter, Network, Stage
from compressors.sensitivity import SPARSITIES, sensitivity_table, shared_out
from compressors.structure import kernels_of, zero_projections
from compressors.topology import Topology
from compressors.weight_masks import checked_copy, kernel_shapes, mask_kernels, most_important, require_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityPruning:
    """Settings of sensitivity pruning.

    Attributes
    ----------
    sparsity
        Share of all weights of standard convolutions and dense layers that
        become 0, 0 (none) to 0.95; met but for one weight a layer.
    fine_tune
        Share of the recipe's epochs to train afterwards, 0 (none) to 1.

    Raises
    ------
    ValueError
        When a value is out of range.
    """

    sparsity: float = 0.5
    fine_tune: float = 0.5

    def __post_init__(self) -> None:
        require_shares(sparsity=self.sparsity, fine_tune=self.fine_tune)
        if self.sparsity > SPARSITIES[-1]:
            raise ValueError(
                f"sparsity is {self.sparsity}, must be at most {SPARSITIES[-1]}, the greatest that is measured"
            )

    @property
    def is_identity(self) -> bool:
        """True when no weight is removed."""
        return self.sparsity == 0.0


class SensitivityPruner:
    """Sets the smallest weights to zero, most of them where the network minds least."""

    name: str = "sensitivity_pruning"
    stage: Stage = Stage.WEIGHT_PRUNING
    settings: type[SensitivityPruning] = SensitivityPruning
    hyperparameters: tuple[Hyperparameter, ...] = (
        Hyperparameter(name="sparsity", values=(0.0, 0.3, 0.5, 0.7, 0.8, 0.9)),
    )

    def outline(self, topology: Topology, settings: SensitivityPruning) -> Topology:  # noqa: ARG002  # the protocol's signature
        """The topology as it is: zeros leave shapes alone.

        Raises
        ------
        CompressionError
            When there is nothing to prune.
        """
        kernel_shapes(topology, self.name)
        return topology

    def compress(self, network: Network, settings: SensitivityPruning, context: Context) -> Network:
        """A new network of the same layers, the smallest weights of each 0; no layer is emptied.

        The network is scored as often as `sensitivity_table` says.

        Raises
        ------
        CompressionError
            As `outline`; also when the network has unsupported layers or
            weights that are not finite, or no labelled data was handed down.
        """
        table = sensitivity_table(network, context)
        pruned = checked_copy(network)
        kernels = {name: np.abs(kernel) for name, kernel in kernels_of(pruned).items() if name in table.layers}
        shares = shared_out(table, {name: kernel.size for name, kernel in kernels.items()}, settings.sparsity)
        # Rounded up, so that every layer keeps a weight.  The small number keeps products from landing just above.
        kept = {name: math.ceil(kernels[name].size * (1.0 - share) - 1e-6) for name, share in shares.items()}
        mask_kernels(pruned, {name: most_important(kernels[name], count) for name, count in kept.items()})
        if settings.fine_tune > 0.0:
            context.fine_tune(pruned, settings.fine_tune, projections=zero_projections(pruned))
        return pruned
