"""Quantisation-aware training: the network trains on while it computes as the quantised file will.

Jacob et al., *Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference*, CVPR 2018, section 3, with the wrappers of
the TensorFlow model optimisation toolkit (tfmot).  What differs from tfmot's
own scheme:

- weights and activations are rounded where the file rounds them and with the
  scales that the file will have, as the plan's quantisation says: depthwise
  weights by channel, four bits, powers of two, normalisation in the weights.
  So nothing is refused that the file can hold;
- ranges start where calibration finds them instead of at -6..6, and follow
  the batches faster (0.99 instead of 0.999), so that a short training does not
  end worse than it began;
- the result is an ordinary network with its ranges beside it.

Zeros stay zeros and clusters stay clusters, whichever an earlier stage made:
tfmot calls the three forms PQAT, CQAT and PCQAT.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from compressors.compressor import (
    CompressionError,
    Context,
    Hyperparameter,
    Network,
    Projections,
    Stage,
    require_fine_tune,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from compressors.topology import Topology

_MOST_CLUSTERS = 64  # distinct values up to which weights count as clustered


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationAwareTraining:
    """Settings of quantisation-aware training.

    Attributes
    ----------
    fine_tune
        Share of the recipe's epochs to train, 0 to 1; 0 leaves the technique out.
    momentum
        Share of an activation's range that a batch leaves as it is, at least 0
        and below 1.

    Raises
    ------
    ValueError
        When a value is out of range.
    """

    fine_tune: float = 0.5
    momentum: float = 0.99

    def __post_init__(self) -> None:
        require_fine_tune(self.fine_tune)
        if not 0.0 <= self.momentum < 1.0:
            raise ValueError(f"momentum is {self.momentum}, must be at least 0 and below 1")

    @property
    def is_identity(self) -> bool:
        """True when nothing is trained."""
        return self.fine_tune == 0.0


class QuantizationAwareTrainer:
    """Trains a network for the file that it becomes."""

    name: str = "quantization_aware_training"
    stage: Stage = Stage.QUANTIZATION_AWARE_TRAINING
    settings: type[QuantizationAwareTraining] = QuantizationAwareTraining
    hyperparameters: tuple[Hyperparameter, ...] = (Hyperparameter(name="fine_tune", values=(0.0, 0.25, 0.5)),)

    def outline(self, topology: Topology, settings: QuantizationAwareTraining) -> Topology:  # noqa: ARG002  # the protocol's
        """The topology as it is."""
        return topology

    def compress(self, network: Network, settings: QuantizationAwareTraining, context: Context) -> Network:
        """A network of the same layers with trained weights, and the ranges of its activations beside it.

        Zeros and clusters of its kernels stay.  It computes in float32.

        Raises
        ------
        CompressionError
            When the file would have float activations, the network has no
            weights or unsupported layers, or calibration data or weights do
            not fit or are not finite.
        """
        from compressors.network import build, set_weights, topology_of, weights_of
        from compressors.qat_network import emulation, folded_projections
        from compressors.qat_parts import folding_of
        from compressors.quantization import Quantization, calibration_inputs
        from compressors.trained_ranges import attach_ranges

        quantization = context.quantization or Quantization()
        require_integers(quantization.activation_bits)
        samples = calibration_inputs(network, quantization, context)
        topology, weights = topology_of(network), weights_of(network)
        if not weights:
            raise CompressionError("quantization_aware_training finds no weights to train: leave it out")
        folding, projections = folding_of(topology, weights), _structure(network)
        emulated = emulation(folding, samples, quantization, settings.momentum)
        context.fine_tune(emulated.network, settings.fine_tune, projections=folded_projections(folding, projections))
        restored = folding.restored(emulated.weights())
        result = build(topology)
        set_weights(result, {name: _kept(projections, name, arrays) for name, arrays in restored.items()})
        attach_ranges(result, emulated.ranges())
        return result


def _kept(
    projections: Projections, layer: str, weights: tuple[npt.NDArray[np.float32], ...]
) -> tuple[npt.NDArray[np.float32], ...]:
    """The weights with what `projections` keep, down to the last bit."""
    if layer not in projections:
        return weights
    return (projections[layer](weights[0]).numpy(), *weights[1:])


def require_integers(activation_bits: int) -> None:
    """Refuse a file whose activations are floats: it has no ranges to train for.

    Raises
    ------
    CompressionError
        When `activation_bits` is 32.
    """
    if activation_bits == 32:
        raise CompressionError(
            "quantization_aware_training trains for integer activations, but quantization keeps them as floats "
            "(activation_bits is 32): give 8 or 16, or leave out the training"
        )


def _structure(network: Network) -> Projections:
    """What earlier stages made of the kernels: clusters where there are any, zeros otherwise."""
    from compressors.structure import cluster_projections, zero_projections

    return {
        **zero_projections(network),
        **cluster_projections(network, _MOST_CLUSTERS, per_channel=True),
        **cluster_projections(network, _MOST_CLUSTERS),
    }
