"""Reads a Keras 3 functional model into a `Topology` and its weights.

Only what `compressors.topology` can say is read; anything else is refused by
name, so that no layer is silently changed on the way to ``tf_keras``.
Layers are renumbered (``conv2d_1``, ``conv2d_2``, ...), depth first from the
output, so that equal models give equal topologies whatever was built before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from compressors.layers import TopologyError
from compressors.topology import Layer, Topology
from spaces.errors import SpaceError
from spaces.layer_reading import NO_WEIGHTS, Config, read_layer, refusal

Weights = tuple[npt.NDArray[np.float32], ...]

# Identity on float32, which is what every network here is given.
DROPPED = ("CastToFloat32", "Identity")


def read(model: Any) -> tuple[Topology, dict[str, Weights]]:
    """Topology of a built Keras 3 functional model, and its weights by layer name.

    Weights stand in the order of ``tf_keras`` ``get_weights()``; layers
    without weights are left out.

    Raises
    ------
    SpaceError
        As `read_topology`.
    """
    reader = _walk(model)
    weights: dict[str, Weights] = {}
    for name, (keras_name, own) in reader.weights.items():
        weights[name] = tuple(model.get_layer(keras_name).get_weights()[own])
    return reader.topology(), weights


def read_topology(model: Any) -> Topology:
    """Topology of a Keras 3 functional model, whose weights need not exist.

    A separable convolution becomes a depthwise one without bias and a 1x1
    convolution.

    Raises
    ------
    SpaceError
        When the model has several inputs or outputs, uses a layer twice, or
        has a layer or an option that `compressors.topology` does not know;
        the message names the layer and its class.
    """
    return _walk(model).topology()


def _walk(model: Any) -> _Reader:
    config = model.get_config()
    reader = _Reader({entry["name"]: entry for entry in config["layers"]})
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise SpaceError(f"a network has one input and one output, got {len(model.inputs)} and {len(model.outputs)}")
    # One output is written as (layer, call, tensor), a list of one as a list of those.
    reader.visit(next(name for name in _flat(config["output_layers"]) if isinstance(name, str)))
    return reader


class _Reader:
    """Walks a model's configuration depth first and collects its layers, and where their weights are."""

    def __init__(self, entries: Mapping[str, Config]) -> None:
        self.weights: dict[str, tuple[str, slice]] = {}
        self._layers: list[Layer] = []
        self._entries = entries
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def topology(self) -> Topology:
        """Give the layers visited so far."""
        try:
            return Topology(layers=tuple(self._layers))
        except TopologyError as error:
            raise SpaceError(f"the model cannot be expressed: {error}") from error

    def visit(self, keras_name: str) -> str:
        """Add a layer after everything it reads; its new name."""
        if keras_name not in self._names:
            entry = self._entries[keras_name]
            inputs = tuple(self.visit(name) for name in _reads(entry))
            self._names[keras_name] = inputs[0] if entry["class_name"] in DROPPED else self._add(entry, inputs)
        return self._names[keras_name]

    def _add(self, entry: Config, inputs: tuple[str, ...]) -> str:
        name = ""
        for kind, spec, own in read_layer(entry):
            name = self._fresh(kind)
            self._layers.append(Layer(name=name, spec=spec, inputs=inputs))
            inputs = (name,)
            if own != NO_WEIGHTS:
                self.weights[name] = (entry["name"], own)
        return name

    def _fresh(self, kind: str) -> str:
        if kind == "input":
            return kind
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind}_{self._counts[kind]}"


def _reads(entry: Config) -> tuple[str, ...]:
    """Names of the layers an entry reads, in order."""
    calls = entry["inbound_nodes"]
    if len(calls) > 1:
        raise refusal(entry, f"it is used {len(calls)} times: give each use its own layer")
    return tuple(name for call in calls for name in _tensors(call["args"]))


def _tensors(value: Any) -> Iterator[str]:
    for item in _flat(value):
        if isinstance(item, dict) and item.get("class_name") == "__keras_tensor__":
            yield item["config"]["keras_history"][0]


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
    else:
        yield value
