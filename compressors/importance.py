"""How important each filter or neuron is: the least important ones are pruned.

Within a layer importance is divided by its mean, so that layers whose channels
are welded together can be added without one of them deciding by its size alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from compressors.compressor import CompressionError
from compressors.layers import Activation, BatchNormalization, Dropout, Pooling2D
from compressors.topology import Topology

if TYPE_CHECKING:
    from compressors.compressor import Gradients

Metric = Literal["l1", "l2", "geometric_median", "bn_scale", "taylor"]
METRICS: tuple[str, ...] = get_args(Metric)

Weights = Mapping[str, tuple[npt.NDArray[np.float32], ...]]
Floats = npt.NDArray[np.float64]


def relative_importance(
    topology: Topology,
    weights: Weights,
    metric: Metric,
    producers: Collection[str],
    gradients: Callable[[], Iterator[Gradients]],
) -> dict[str, Floats]:
    """Importance of each output channel over the layer's mean, by producer, float64 (channels,), at least 0.

    Parameters
    ----------
    metric
        ``l1``, ``l2``: norm of the filter's kernel, as in Li et al., *Pruning
        Filters for Efficient ConvNets*, ICLR 2017, section 3.1 (there L1).
        ``geometric_median``: sum of the distances to the layer's other
        filters, least for the filter that the others can stand in for; He et
        al., *Filter Pruning via Geometric Median*, CVPR 2019, section 3.3.
        ``bn_scale``: size of gamma in the BatchNormalization that follows;
        Liu et al., *Network Slimming*, ICCV 2017, section 3.
        ``taylor``: mean over batches of the squared sum of gradient x weight,
        Molchanov et al., *Importance Estimation for Neural Network Pruning*,
        CVPR 2019, section 3.1.  The sum runs over kernel and bias, and over
        gamma and beta of a BatchNormalization that follows: the loss does not
        feel the size of the weights in front of one, so their own sum is zero.
    producers
        Names of the convolutions and dense layers to judge.
    gradients
        Called for ``taylor`` only.

    Raises
    ------
    CompressionError
        For ``bn_scale`` where no scaling BatchNormalization follows; for
        ``taylor`` where a layer is not trained, there is no batch, or
        gradients are not finite.
    """
    if metric == "taylor":
        return _over_mean(_taylor(topology, weights, gradients(), producers))
    if metric == "bn_scale":
        return _over_mean({name: _bn_scale(topology, weights, name) for name in producers})
    judge = {"l1": _l1, "l2": _l2, "geometric_median": _geometric_median}[metric]
    return _over_mean({name: judge(_filters(weights[name][0])) for name in producers})


def _over_mean(importance: Mapping[str, Floats]) -> dict[str, Floats]:
    return {name: values / (values.mean() or 1.0) for name, values in importance.items()}


def _filters(kernel: npt.NDArray[np.float32]) -> Floats:
    """Kernel as (channels, weights of the channel)."""
    return kernel.astype(np.float64).reshape(-1, kernel.shape[-1]).T


def _l1(filters: Floats) -> Floats:
    return np.asarray(np.abs(filters).sum(axis=1))


def _l2(filters: Floats) -> Floats:
    return np.asarray(np.linalg.norm(filters, axis=1))


def _geometric_median(filters: Floats) -> Floats:
    # One filter at a time: all differences at once would need channels^2 x weights numbers.
    return np.array([np.linalg.norm(filters - one, axis=1).sum() for one in filters])


def _bn_scale(topology: Topology, weights: Weights, producer: str) -> Floats:
    """Sum of |gamma| over the normalisations that follow."""
    following = _normalizations(topology, producer)
    if not following:
        raise CompressionError(
            f"metric 'bn_scale' needs a BatchNormalization behind layer {producer!r}, which has none: "
            "choose another metric, or give the layer's group the share 0 in overrides"
        )
    return np.asarray(sum(np.abs(_gamma(topology, weights, name, "bn_scale")) for name in following))


def _normalizations(topology: Topology, producer: str) -> list[str]:
    """Normalisations that read `producer`, directly or behind layers that keep its channels apart."""
    found, reached = [], {producer}
    for layer in topology.layers:
        if reached.isdisjoint(layer.inputs):
            continue
        if isinstance(layer.spec, BatchNormalization):
            found.append(layer.name)
        elif isinstance(layer.spec, Activation | Dropout | Pooling2D):
            reached.add(layer.name)
    return found


def _gamma(topology: Topology, weights: Weights, name: str, metric: str) -> Floats:
    spec = next(layer.spec for layer in topology.layers if layer.name == name)
    if isinstance(spec, BatchNormalization) and not spec.scale:
        raise CompressionError(
            f"metric {metric!r} needs the scale of BatchNormalization {name!r}, which was made with scale=False: "
            "choose another metric"
        )
    return weights[name][0].astype(np.float64)


def _taylor(
    topology: Topology, weights: Weights, batches: Iterator[Gradients], producers: Collection[str]
) -> dict[str, Floats]:
    gates = {name: _gate_weights(topology, weights, name) for name in producers}
    squares: dict[str, Floats] = {name: np.zeros(weights[name][0].shape[-1]) for name in producers}
    count = 0
    for gradients in batches:
        count += 1
        for name, parts in gates.items():
            slope = sum(_slope(layer, index, weights, gradients) for layer, index in parts)
            squares[name] += np.square(slope)
    if not count:
        raise CompressionError("metric 'taylor' needs a batch of labelled data, and there is none: give data")
    return {name: total / count for name, total in squares.items()}


def _gate_weights(topology: Topology, weights: Weights, producer: str) -> list[tuple[str, int]]:
    """(layer, index) of the weights that a factor on the producer's channels would scale."""
    parts = [(producer, index) for index in range(len(weights[producer]))]
    for name in _normalizations(topology, producer):
        _gamma(topology, weights, name, "taylor")  # refuses where there is none
        trained = len(weights[name]) - 2  # the moving mean and variance come last
        parts += [(name, index) for index in range(trained)]
    return parts


def _slope(layer: str, index: int, weights: Weights, gradients: Gradients) -> Floats:
    """Sum of gradient x weight by channel: the loss's slope by a factor on the channel, at 1."""
    gradient = gradients[layer][index]
    if gradient is None:
        raise CompressionError(
            f"metric 'taylor' needs gradients of layer {layer!r}, which is not trained: set trainable, or choose 'l2'"
        )
    if not np.isfinite(gradient).all():
        raise CompressionError(f"gradients of layer {layer!r} are not finite: the network's training diverged")
    product = gradient.astype(np.float64) * weights[layer][index]
    return np.asarray(product.reshape(-1, product.shape[-1]).sum(axis=0))
