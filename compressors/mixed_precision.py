"""Which layers get 4-bit weights and which keep 8: by how much the network suffers when one layer alone gets 4.

The idea is that of sensitivity analysis in HAQ (Wang et al., CVPR 2019) and
HAWQ (Dong et al., ICCV 2019), with the measured error in place of a learnt
policy or of second derivatives: networks for microcontrollers are small enough
to try every layer.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from compressors.compressor import CompressionError, Context, Network
from compressors.lower import lower
from compressors.network import build, set_weights, topology_of, weights_of
from compressors.quantization import Quantization
from compressors.scaling import weight_scales
from devices.slim import predicted_bytes

if TYPE_CHECKING:
    import numpy.typing as npt

    from compressors.topology import Topology

_OPERATORS = {"Conv2D": "CONV_2D", "Dense": "FULLY_CONNECTED"}
_TECHNIQUE = "mixed precision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What 4-bit weights in one layer save and cost.

    Attributes
    ----------
    layer
        Name of the layer.
    saved_bytes
        Bytes of weights that go, half of those with 8 bits.
    error
        Mean square difference of the network's outputs from those with float
        weights, as a share of the outputs' variance, >= 0.
    loss
        Accuracy lost, below 0 where some is won; None without labelled data.
    """

    layer: str
    saved_bytes: int
    error: float
    loss: float | None


def sensitivity(network: Network, settings: Quantization, context: Context) -> tuple[Sensitivity, ...]:
    """What each convolution and dense layer suffers from 4-bit weights, in the order of the layers.

    The weights of one layer are rounded as `settings` say, all else stays
    float; a normalisation behind it is not folded in, which matters only where
    a layer has one scale.

    Raises
    ------
    CompressionError
        When the network is none that `compressors.network` describes.
    """
    topology = topology_of(network)
    samples = context.calibration[: settings.calibration_samples]
    expected = network(samples, training=False).numpy()
    before = None if context.evaluate is None else context.evaluate(network)
    table = []
    for name in _candidates(topology):
        rounded = _rounded(network, topology, settings, (name,))
        error = np.square(rounded(samples, training=False).numpy() - expected).mean() / (expected.var() or 1.0)
        loss = None if context.evaluate is None or before is None else before - context.evaluate(rounded)
        saved = int(weights_of(network)[name][0].size) // 2
        table.append(Sensitivity(layer=name, saved_bytes=saved, error=float(error), loss=loss))
    return tuple(table)


def within_bytes(network: Network, settings: Quantization, context: Context, most_bytes: int) -> Quantization:
    """Settings whose file has at most `most_bytes` bytes, with 4-bit weights where a byte saved costs the least error.

    Raises
    ------
    CompressionError
        When even 4 bits in all layers make a larger file.
    """
    topology, chosen = topology_of(network), _with(settings, ())
    names: list[str] = []
    for name in _cheapest_first(sensitivity(network, settings, context)):
        if predicted_bytes(lower(topology, chosen)) <= most_bytes:
            break
        names.append(name)
        chosen = _with(settings, names)
    least = predicted_bytes(lower(topology, chosen))
    if least > most_bytes:
        raise CompressionError(
            f"with 4-bit weights in all layers that can have them the file has {least:,} bytes, the limit is "
            f"{most_bytes:,}: raise it, or prune filters"
        )
    return chosen


def within_loss(network: Network, settings: Quantization, context: Context, largest_loss: float) -> Quantization:
    """Settings with 4-bit weights in as many layers as the accuracy allows, the cheapest first.

    Parameters
    ----------
    largest_loss
        Most accuracy, 0..1, that all rounded weights together may cost on the
        validation split.

    Raises
    ------
    CompressionError
        When no labelled data was handed down.
    """
    topology, before = topology_of(network), context.score(network, _TECHNIQUE)
    names: list[str] = []
    for name in _cheapest_first(sensitivity(network, settings, context)):
        rounded = _rounded(network, topology, settings, (*names, name))
        if before - context.score(rounded, _TECHNIQUE) <= largest_loss:
            names.append(name)
    return _with(settings, names)


def _candidates(topology: Topology) -> list[str]:
    return [layer.name for layer in topology.layers if type(layer.spec).__name__ in _OPERATORS]


def _cheapest_first(table: tuple[Sensitivity, ...]) -> list[str]:
    return [each.layer for each in sorted(table, key=lambda each: each.error / max(each.saved_bytes, 1))]


def _with(settings: Quantization, names: Collection[str]) -> Quantization:
    return replace(settings, weight_bits=8, overrides=tuple((name, 4.0) for name in names))


def _rounded(network: Network, topology: Topology, settings: Quantization, names: Collection[str]) -> Network:
    """A copy of the network with the weights of some layers rounded to 4 bits."""
    operators = {layer.name: _OPERATORS[type(layer.spec).__name__] for layer in topology.layers if layer.name in names}
    weights = weights_of(network)
    for name, operator in operators.items():
        kernel, *others = weights[name]
        weights[name] = (_rounded_kernel(kernel, operator, settings), *others)
    copy = build(topology)
    set_weights(copy, weights)
    return copy


def _rounded_kernel(kernel: npt.NDArray[np.float32], operator: str, settings: Quantization) -> npt.NDArray[np.float32]:
    """Kernel (..., channels) as 4 bits hold it."""
    channels = kernel.shape[-1]
    by_channel = kernel.reshape(-1, channels).T.astype(np.float64)
    rows = by_channel.reshape(settings.weight_scales(operator, 4, channels), -1)
    scales = weight_scales(rows, 4, settings.scales, least_error=settings.calibration == "mse")[:, np.newaxis]
    rounded = np.clip(np.rint(rows / scales), -7, 7) * scales
    return rounded.reshape(by_channel.shape).T.reshape(kernel.shape).astype(np.float32)
