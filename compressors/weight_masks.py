"""Which single weights are set to zero: what the techniques of weight pruning share.

Pruned are the kernels of standard convolutions and dense layers.  Biases and
normalisations stay, and so do depthwise kernels, which are a few weights a
channel: pruning them loses much and saves next to nothing.

Zeros do not make a ``.tflite`` smaller, nor an inference faster: the kernels of
TensorFlow Lite Micro multiply them like any other weight.  They shrink what is
downloaded, for `devices.coding.package.pack` codes frequent values in few bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from compressors.compressor import CompressionError, Network, require_fine_tune
from compressors.layers import Conv2D, Dense
from compressors.topology import Topology

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def kernel_shapes(topology: Topology, technique: str) -> dict[str, tuple[int, ...]]:
    """Shapes of the kernels that are pruned, by layer in execution order: (h, w, in, out) or (in, out).

    Raises
    ------
    CompressionError
        When there is none.
    """
    shapes, found = topology.shapes(), dict[str, tuple[int, ...]]()
    for layer in topology.layers:
        if isinstance(layer.spec, Conv2D):
            found[layer.name] = (*layer.spec.kernel, shapes[layer.inputs[0]][-1], layer.spec.filters)
        elif isinstance(layer.spec, Dense):
            found[layer.name] = (shapes[layer.inputs[0]][-1], layer.spec.units)
    if not found:
        raise CompressionError(
            f"{technique} finds nothing to prune: the network has no standard convolution and no dense layer"
        )
    return found


def kept_of(units: int, sparsity: float) -> int:
    """How many of so many weights stay, rounded to the nearest, halves up."""
    return math.floor(units * (1.0 - sparsity) + 0.5 + 1e-9)  # the small number: 5 x (1 - 0.9) is just below a half


def require_some_left(units: Mapping[str, int], sparsity: float) -> None:
    """Refuse a sparsity under which a layer of so many weights (or blocks) would keep none.

    Raises
    ------
    CompressionError
        When a layer would be empty.
    """
    for name, count in units.items():
        if kept_of(count, sparsity) < 1:
            highest = math.floor((1.0 - 0.5 / count) * 1000) / 1000
            raise CompressionError(
                f"sparsity {sparsity} would leave nothing of layer {name!r}, whose kernel has {count} parts to prune: "
                f"give at most {highest:g}"
            )


def checked_copy(network: Network) -> Network:
    """A copy of a network, layer by layer, that shares nothing with it.

    Raises
    ------
    CompressionError
        When a layer is not supported or has weights that are not finite.
    """
    from compressors.network import copied, require_finite, weights_of

    copy = copied(network)
    require_finite(weights_of(copy))
    return copy


def most_important(importance: npt.NDArray[np.floating], kept: int) -> Mask:
    """True for the `kept` most important weights; among equals the lower index stays."""
    mask = np.zeros(importance.size, np.bool_)
    mask[np.argsort(-importance.ravel(), kind="stable")[:kept]] = True
    return mask.reshape(importance.shape)


def set_kernels(network: Network, kernels: Mapping[str, Floats]) -> None:
    """Replace the kernels of the layers named, in place."""
    for name, kernel in kernels.items():
        network.get_layer(name).weights[0].assign(kernel)


def mask_kernels(network: Network, masks: Mapping[str, Mask]) -> None:
    """Set to 0, in place, the weights of kernels whose mask is False."""
    set_kernels(
        network,
        {
            name: np.where(mask, network.get_layer(name).weights[0].numpy(), np.float32(0.0))
            for name, mask in masks.items()
        },
    )


def sparsity_after(round_: int, rounds: int, sparsity: float) -> float:
    """Sparsity after round 1..rounds: each round removes the same share of what is left, the last reaches `sparsity`.

    Han et al., *Learning both Weights and Connections for Efficient Neural
    Networks*, NIPS 2015, section 3.4, prunes in rounds; the shares are ours.
    """
    return sparsity if round_ == rounds else 1.0 - (1.0 - sparsity) ** (round_ / rounds)


def require_shares(*, sparsity: float, fine_tune: float) -> None:
    """Refuse shares out of range: `sparsity` 0 to below 1, `fine_tune` 0 to 1.

    Raises
    ------
    ValueError
        When one is.
    """
    if not 0.0 <= sparsity < 1.0:
        raise ValueError(f"sparsity is {sparsity}, must be a share of the weights of at least 0 and below 1")
    require_fine_tune(fine_tune)


def require_rounds(rounds: int, fine_tune: float) -> None:
    """Refuse fewer than 1 round, and several without training between them.

    Raises
    ------
    ValueError
        When it is so.
    """
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}, must be at least 1")
    if rounds > 1 and fine_tune == 0.0:
        raise ValueError(f"{rounds} rounds without fine-tuning are one round: give fine_tune above 0, or 1 round")
