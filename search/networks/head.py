"""The end of a given network: what networks here give for the data's task.

That is a probability for every class; values are in `search.networks.value_head`.
"""

from __future__ import annotations

import math
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
_BINARY = (
    "the network has one output, the probability of {label!r}: it was given one for every class, which is the same"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A network with its end made right.

    Attributes
    ----------
    network
        Gives (n, classes) probabilities, (n, targets) standardised values, or
        (n, values of an input) as which it gives an input back.
    answers
        What it gives, from the outputs of the network as it was.
    rounding
        How far what it gives may be from that by single precision alone, beside
        what is due to its own size: a large mean that is taken off leaves it.
    notes
        What was done, a sentence each.
    """

    network: GivenNetwork
    answers: Callable[[Array], Array]
    rounding: float = 0.0
    notes: tuple[str, ...] = ()


def head_of(given: GivenNetwork, data: Dataset) -> Head:
    """Look at the network's end, and make it what networks here give for the data's task.

    Parameters
    ----------
    given
        Takes inputs of the data's shape.

    Raises
    ------
    DataError
        When its outputs are not what the data's task needs, or not as many as the data has.
    """
    from search.networks.value_head import giving_back, standardised

    if data.task == "regression":
        return standardised(given, data)
    return giving_back(given, data) if data.task == "anomaly_detection" else _of_classes(given, data)


def _of_classes(given: GivenNetwork, data: Dataset) -> Head:
    outputs, classes = given.topology.output_shape, data.n_classes
    last = last_that_computes(given.topology)
    activation = activation_of(last)
    if outputs == (1,) and classes == 2 and isinstance(last.spec, Dense) and activation in ("sigmoid", "linear"):
        return _two_outputs(given, last, data, is_logit=activation == "linear")
    if math.prod(outputs) == math.prod(given.topology.input_shape) and outputs != (classes,):
        raise DataError(
            f"it gives {outputs} values for inputs of as many, as an autoencoder does, and no class: "
            "say which samples are normal, such as --normal ok, to find others by it"
        )
    if outputs != (classes,):
        raise DataError(
            f"it has outputs of shape {outputs}, data {data.name!r} has {classes} classes: "
            "give the data it was made for, every class of it in the training part"
        )
    if activation in ("softmax", "sigmoid"):
        return Head(network=given, answers=lambda raw: raw)
    if activation != "linear":
        raise DataError(f"it ends in {activation}, which gives no probabilities: end it in a softmax")
    return _with_softmax(given)


def last_that_computes(topology: Topology) -> Layer:
    """The layer that makes the output's values: what only shapes them is passed over."""
    layers = {layer.name: layer for layer in topology.layers}
    layer = topology.layers[-1]
    while isinstance(layer.spec, Flatten | Reshape | Dropout):
        layer = layers[layer.inputs[0]]
    return layer


def activation_of(layer: Layer) -> str:
    """Name of the layer's activation; ``linear`` where it has none."""
    if isinstance(layer.spec, Activation):
        return layer.spec.function
    return str(getattr(layer.spec, "activation", "linear"))


def fresh_name(wanted: str, topology: Topology) -> str:
    """`wanted`, with as many underscores behind it as make it a new name."""
    names = {layer.name for layer in topology.layers}
    while wanted in names:
        wanted += "_"
    return wanted


def _with_softmax(given: GivenNetwork) -> Head:
    name, last = fresh_name("softmax", given.topology), given.topology.layers[-1].name
    layers = (*given.topology.layers, Layer(name=name, spec=Activation(function="softmax"), inputs=(last,)))
    network = GivenNetwork(topology=Topology(layers=layers), weights=given.weights)
    return Head(network=network, answers=_softmax, notes=(_LOGITS,))


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
        answers=probabilities,
        notes=(_BINARY.format(label=data.labels[1]),),
    )
