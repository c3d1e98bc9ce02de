"""The end of a given network that gives values: targets as networks here learn them, or its input back."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from compressors.layers import Dense, DepthwiseConv2D, Flatten, Reshape, Spec
from compressors.topology import Layer, Topology
from search.errors import DataError
from search.networks.head import Array, Head, activation_of, fresh_name, last_that_computes
from spaces.given import GivenNetwork

if TYPE_CHECKING:
    from search.datasets.dataset import Dataset

_SCALED = "its outputs are taken for values in the targets' unit: its last layer was scaled to give them standardised"
_PUT_BEHIND = (
    "its outputs are taken for values in the targets' unit: a fixed layer behind them standardises them, which adds "
    "somewhat to flash, arena and time (a last Dense layer without an activation would need none)"
)
_AS_THEY_ARE = (
    "its outputs are taken for standardised values, (value - mean) / deviation of the training part, which errs less "
    "on validation than taking them for values in the targets' unit"
)
_PRECISION = 1e-6  # of a sum in single precision, over the size of what was summed

Vector = npt.NDArray[np.float64]


def standardised(given: GivenNetwork, data: Dataset) -> Head:
    """The network of a regression, giving (value - mean) / deviation as networks here learn it.

    A file does not say on which scale its network predicts.  As in ``score``,
    its outputs are taken for what errs less on the validation split: values in
    the targets' unit, or standardised ones, which stay as they are.

    Raises
    ------
    DataError
        When it has another number of outputs than the data has targets, they
        are not finite, or it was trained on neither of the two scales.
    """
    from search.evaluate import float_outputs
    from search.metrics.measure import in_units, not_finite
    from search.networks.target_scale import require_known_scale

    outputs = given.topology.output_shape
    if outputs != (data.n_outputs,):
        raise DataError(
            f"it has outputs of shape {outputs}, data {data.name!r} has {data.n_outputs} targets: "
            "give the data it was made for"
        )
    raw = float_outputs(given.build(), data.validation)
    if wrong := not_finite(raw, "validation"):
        raise DataError(wrong)
    are_in_units = in_units(data, raw)
    said = require_known_scale(given, data, raw, are_in_units=are_in_units)
    if not are_in_units:
        return Head(network=given, answers=lambda raw: raw, notes=(_AS_THEY_ARE, *said))
    mean, deviation = data.target_scale
    last = last_that_computes(given.topology)
    is_linear = isinstance(last.spec, Dense) and activation_of(last) == "linear"
    return Head(
        network=_scaled(given, last, 1 / deviation, -mean / deviation)
        if is_linear
        else _with_scaling(given, 1 / deviation, -mean / deviation),
        answers=lambda raw: data.standardised(raw).astype(np.float32),
        rounding=_PRECISION * float(np.abs(mean / deviation).max()),
        notes=(_SCALED if is_linear else _PUT_BEHIND, *said),
    )


def _scaled(given: GivenNetwork, last: Layer, factor: Vector, offset: Vector) -> GivenNetwork:
    """The network with another last layer: of W x + b, (factor W) x + (factor b + offset)."""
    assert isinstance(last.spec, Dense)
    kernel, *bias = given.weights[last.name]
    shifted = factor * (bias[0].astype(np.float64) if bias else 0.0) + offset
    biased = replace(last, spec=replace(last.spec, use_bias=True))
    layers = tuple(biased if layer is last else layer for layer in given.topology.layers)
    weights = {**given.weights, last.name: ((kernel * factor).astype(np.float32), shifted.astype(np.float32))}
    return GivenNetwork(topology=Topology(layers=layers), weights=weights)


def _with_scaling(given: GivenNetwork, factor: Vector, offset: Vector) -> GivenNetwork:
    """The network with a layer behind it that multiplies and shifts every output, as `compressors` makes Rescaling."""
    bare, image = _without_shaping(given.topology), (1, 1, len(factor))
    layers = list(bare.layers)
    if bare.output_shape != image:
        layers.append(_behind(layers, given.topology, "standardised_image", Reshape(shape=image)))
    spec = DepthwiseConv2D(kernel=(1, 1), use_bias=True, is_fixed=True)
    layers.append(_behind(layers, given.topology, "standardised", spec))
    weights = {layers[-1].name: (factor.reshape(1, 1, -1, 1).astype(np.float32), offset.astype(np.float32))}
    layers.append(_behind(layers, given.topology, "standardised_vector", Reshape(shape=(len(factor),))))
    return GivenNetwork(topology=Topology(layers=tuple(layers)), weights={**given.weights, **weights})


def _behind(layers: list[Layer], topology: Topology, name: str, spec: Spec) -> Layer:
    return Layer(name=fresh_name(name, topology), spec=spec, inputs=(layers[-1].name,))


def _without_shaping(topology: Topology) -> Topology:
    """Without the layers at its end that only shape: of two shapings in a row a converter makes one, or none."""
    layers = topology.layers
    while isinstance(layers[-1].spec, Flatten | Reshape):
        layers = layers[:-1]
    return Topology(layers=layers)


def giving_back(given: GivenNetwork, data: Dataset) -> Head:
    """The network of an anomaly detector, giving as many values as an input has, in one row.

    Raises
    ------
    DataError
        When it gives another number of values.
    """
    outputs = given.topology.output_shape
    if math.prod(outputs) != data.n_outputs:
        raise DataError(
            f"it has outputs of shape {outputs}, inputs of data {data.name!r} have {data.n_outputs} values: anomalies "
            "are found by what a network cannot give back, give an autoencoder"
        )
    if outputs == (data.n_outputs,):
        return Head(network=given, answers=lambda raw: raw)
    flat = _without_shaping(given.topology)
    if flat.output_shape != (data.n_outputs,):
        layers = list(flat.layers)
        flat = Topology(layers=(*layers, _behind(layers, given.topology, "flat", Flatten())))
    return Head(network=GivenNetwork(topology=flat, weights=given.weights), answers=_in_rows)


def _in_rows(raw: Array) -> Array:
    return raw.reshape(len(raw), -1)
