"""The end of a given network: one probability for every class of the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from compressors.layers import Activation, Dense, Dropout, Flatten, Reshape
from compressors.topology import Layer, Topology
from search.errors import DataError
from spaces.given import GivenNetwork

if TYPE_CHECKING:
    from search.datasets.dataset import Dataset

Array: TypeAlias = npt.NDArray[np.float32]

_LOGITS = "the network ends without a softmax, its outputs are taken for logits: a softmax was put behind them"
_VALUES = "its outputs are taken for values in the targets' unit: its last layer was scaled to give them standardised"
_BINARY = (
    "the network has one output, the probability of {label!r}: it was given one for every class, which is the same"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A network with its end made right.

    Attributes
    ----------
    network
        Gives (n, classes) probabilities, or (n, targets) standardised values.
    probabilities
        What it gives, from the outputs of the network as it was.
    notes
        What was done, a sentence each.
    """

    network: GivenNetwork
    probabilities: Callable[[Array], Array]
    notes: tuple[str, ...] = ()


def head_of(given: GivenNetwork, data: Dataset) -> Head:
    """Look at the network's end, and make it a softmax over the data's classes, or values as others here give them.

    Raises
    ------
    DataError
        When its outputs are not what the data's task needs, or not as many as the data has.
    """
    if data.task == "regression":
        return _standardised(given, data)
    outputs, classes = given.topology.output_shape, data.n_classes
    last = _last_that_computes(given.topology)
    activation = _activation(last)
    if outputs == (1,) and classes == 2 and isinstance(last.spec, Dense) and activation in ("sigmoid", "linear"):
        return _two_outputs(given, last, data, is_logit=activation == "linear")
    if outputs == given.topology.input_shape and outputs != (classes,):
        raise DataError(
            f"it gives {outputs} values for inputs of the same shape, as an autoencoder does, and no class: "
            "compress takes classifiers"
        )
    if outputs != (classes,):
        raise DataError(
            f"it has outputs of shape {outputs}, data {data.name!r} has {classes} classes: "
            "give the data it was made for, every class of it in the training part"
        )
    if activation in ("softmax", "sigmoid"):
        return Head(network=given, probabilities=lambda raw: raw)
    if activation != "linear":
        raise DataError(f"it ends in {activation}, which gives no probabilities: end it in a softmax")
    return _with_softmax(given)


def _last_that_computes(topology: Topology) -> Layer:
    """The layer that makes the output's values: what only shapes them is passed over."""
    layers = {layer.name: layer for layer in topology.layers}
    layer = topology.layers[-1]
    while isinstance(layer.spec, Flatten | Reshape | Dropout):
        layer = layers[layer.inputs[0]]
    return layer


def _activation(layer: Layer) -> str:
    if isinstance(layer.spec, Activation):
        return layer.spec.function
    return str(getattr(layer.spec, "activation", "linear"))


def _standardised(given: GivenNetwork, data: Dataset) -> Head:
    """Outputs in the targets' unit, scaled as networks here learn them, by other weights of the last layer.

    With W x + b in the unit, W x / deviation + (b - mean) / deviation is the same, standardised.
    """
    outputs, last = given.topology.output_shape, _last_that_computes(given.topology)
    if outputs != (data.n_outputs,):
        raise DataError(
            f"it has outputs of shape {outputs}, data {data.name!r} has {data.n_outputs} targets: "
            "give the data it was made for"
        )
    if not isinstance(last.spec, Dense) or last.spec.activation != "linear" or not last.spec.use_bias:
        raise DataError(
            "it predicts values and does not end in a dense layer with a bias and without an activation: end it so"
        )
    mean = np.array([target.mean for target in data.targets], np.float32)
    deviation = np.array([target.deviation for target in data.targets], np.float32)
    kernel, bias = given.weights[last.name]
    weights = {**given.weights, last.name: (kernel / deviation, (bias - mean) / deviation)}
    return Head(
        network=GivenNetwork(topology=given.topology, weights=weights),
        probabilities=lambda raw: np.asarray((raw - mean) / deviation, np.float32),
        notes=(_VALUES,),
    )


def _with_softmax(given: GivenNetwork) -> Head:
    names, last = {layer.name for layer in given.topology.layers}, given.topology.layers[-1].name
    name = "softmax"
    while name in names:
        name += "_"
    layers = (*given.topology.layers, Layer(name=name, spec=Activation(function="softmax"), inputs=(last,)))
    network = GivenNetwork(topology=Topology(layers=layers), weights=given.weights)
    return Head(network=network, probabilities=_softmax, notes=(_LOGITS,))


def _softmax(raw: Array) -> Array:
    powers = np.exp(raw - raw.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def _two_outputs(given: GivenNetwork, last: Layer, data: Dataset, *, is_logit: bool) -> Head:
    """A softmax over (0, z) is (1 - sigmoid(z), sigmoid(z)): the second class is the network's one output."""
    assert isinstance(last.spec, Dense)
    wider = replace(last, spec=replace(last.spec, units=2, activation="softmax"))
    layers = tuple(wider if layer is last else layer for layer in given.topology.layers)
    weights = dict(given.weights)
    weights[last.name] = tuple(np.concatenate([0 * array, array], axis=-1) for array in given.weights[last.name])

    def probabilities(raw: Array) -> Array:
        second = 1 / (1 + np.exp(-raw)) if is_logit else raw
        return np.concatenate([1 - second, second], axis=-1)

    return Head(
        network=GivenNetwork(topology=Topology(layers=layers), weights=weights),
        probabilities=probabilities,
        notes=(_BINARY.format(label=data.labels[1]),),
    )
