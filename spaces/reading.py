"""Reads a Keras 3 functional model into a `Topology` and its weights.

Only what `compressors.topology` can say is read; anything else is refused by
name, so that no layer is silently changed on the way to ``tf_keras``.
Layers are renumbered (``conv2d_1``, ``conv2d_2``, ...), depth first from the
output, so that equal models give equal topologies whatever was built before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from compressors.topology import (
    Activation,
    ActivationName,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    ConvPadding,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalPooling2D,
    Input,
    Layer,
    Pair,
    Pooling2D,
    Spec,
    Topology,
    TopologyError,
    ZeroPadding2D,
)
from spaces.errors import SpaceError

Weights = tuple[npt.NDArray[np.float32], ...]
Config = Mapping[str, Any]
Step = tuple[str, Spec, slice]
"""Name of the kind, the layer, and which of the Keras layer's weights are its own."""

NO_WEIGHTS = slice(0, 0)
ALL_WEIGHTS = slice(None)
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
        for kind, spec, own in _steps(entry):
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
        raise _refusal(entry, f"it is used {len(calls)} times: give each use its own layer")
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


def _steps(entry: Config) -> tuple[Step, ...]:
    """Translate one Keras layer."""
    # A bare operation such as keras.ops.add may bear a layer's class name.
    if entry["class_name"] not in _READERS or entry["module"] != "keras.layers":
        raise _refusal(entry, f"{entry['module']} is not supported, layers are: {', '.join(sorted(_READERS))}")
    policy = entry["config"]["dtype"]
    if (policy["config"]["name"] if isinstance(policy, dict) else policy) != "float32":
        raise _refusal(entry, f"its dtype is {policy!r}, must be float32")
    return _READERS[entry["class_name"]](entry)


def _refusal(entry: Config, reason: str) -> SpaceError:
    return SpaceError(f"layer {entry['name']!r} ({entry['class_name']}) cannot be used: {reason}")


def _config(entry: Config, **expected: Any) -> Config:
    """Give the configuration of an entry whose options have these values, or are not there."""
    config: Config = entry["config"]
    for option, value in expected.items():
        if config.get(option, value) not in (value, list(value) if isinstance(value, tuple) else value):
            raise _refusal(entry, f"{option} is {config[option]!r}, must be {value!r}")
    return config


def _activation(entry: Config) -> ActivationName:
    name = entry["config"].get("activation")
    if name not in get_args(ActivationName):
        raise _refusal(entry, f"activation is {name!r}, must be one of {', '.join(get_args(ActivationName))}")
    return cast(ActivationName, name)


def _pair(value: Any) -> Pair:
    return int(value[0]), int(value[1])


def _input(entry: Config) -> tuple[Step, ...]:
    shape = tuple(_config(entry, sparse=False, ragged=False)["batch_shape"][1:])
    if None in shape:
        raise _refusal(entry, f"its shape is {shape}, every axis needs a fixed size")
    return (("input", Input(shape=shape), NO_WEIGHTS),)


def _convolution(entry: Config) -> tuple[Step, ...]:
    c = _config(entry, data_format="channels_last", dilation_rate=(1, 1), groups=1)
    spec = Conv2D(
        filters=c["filters"],
        kernel=_pair(c["kernel_size"]),
        strides=_pair(c["strides"]),
        padding=cast(ConvPadding, c["padding"]),
        use_bias=c["use_bias"],
        activation=_activation(entry),
    )
    return (("conv2d", spec, ALL_WEIGHTS),)


def _depthwise(entry: Config, use_bias: bool, activation: ActivationName) -> DepthwiseConv2D:
    c = _config(entry, data_format="channels_last", dilation_rate=(1, 1))
    return DepthwiseConv2D(
        kernel=_pair(c["kernel_size"]),
        strides=_pair(c["strides"]),
        padding=cast(ConvPadding, c["padding"]),
        depth_multiplier=c["depth_multiplier"],
        use_bias=use_bias,
        activation=activation,
    )


def _depthwise_convolution(entry: Config) -> tuple[Step, ...]:
    spec = _depthwise(entry, entry["config"]["use_bias"], _activation(entry))
    return (("depthwise_conv2d", spec, ALL_WEIGHTS),)


def _separable_convolution(entry: Config) -> tuple[Step, ...]:
    c = entry["config"]
    pointwise = Conv2D(filters=c["filters"], kernel=(1, 1), use_bias=c["use_bias"], activation=_activation(entry))
    return (
        ("depthwise_conv2d", _depthwise(entry, use_bias=False, activation="linear"), slice(0, 1)),
        ("conv2d", pointwise, slice(1, None)),
    )


def _dense(entry: Config) -> tuple[Step, ...]:
    c = entry["config"]
    return (("dense", Dense(units=c["units"], use_bias=c["use_bias"], activation=_activation(entry)), ALL_WEIGHTS),)


def _batch_normalization(entry: Config) -> tuple[Step, ...]:
    c = _config(entry, renorm=False)
    rank = len(entry["build_config"]["input_shape"])
    if c["axis"] not in (-1, rank - 1):
        raise _refusal(entry, f"axis is {c['axis']}, must be the last")
    spec = BatchNormalization(momentum=c["momentum"], epsilon=c["epsilon"], center=c["center"], scale=c["scale"])
    return (("batch_normalization", spec, ALL_WEIGHTS),)


def _relu(entry: Config) -> tuple[Step, ...]:
    c = _config(entry, negative_slope=0.0, threshold=0.0)
    if c["max_value"] not in (None, 6.0):
        raise _refusal(entry, f"max_value is {c['max_value']}, must be None or 6")
    return (("activation", Activation(function="relu" if c["max_value"] is None else "relu6"), NO_WEIGHTS),)


def _softmax(entry: Config) -> tuple[Step, ...]:
    _config(entry, axis=-1)
    return (("activation", Activation(function="softmax"), NO_WEIGHTS),)


def _pooling(kind: Literal["max", "average"]) -> Callable[[Config], tuple[Step, ...]]:
    def read_pooling(entry: Config) -> tuple[Step, ...]:
        c = _config(entry, data_format="channels_last")
        size, strides = _pair(c["pool_size"]), _pair(c["strides"] or c["pool_size"])
        spec = Pooling2D(kind=kind, size=size, strides=strides, padding=cast(ConvPadding, c["padding"]))
        return ((f"{kind}_pooling2d", spec, NO_WEIGHTS),)

    return read_pooling


def _global_pooling(kind: Literal["max", "average"]) -> Callable[[Config], tuple[Step, ...]]:
    def read_global_pooling(entry: Config) -> tuple[Step, ...]:
        _config(entry, data_format="channels_last", keepdims=False)
        return ((f"global_{kind}_pooling2d", GlobalPooling2D(kind=kind), NO_WEIGHTS),)

    return read_global_pooling


def _flatten(entry: Config) -> tuple[Step, ...]:
    _config(entry, data_format="channels_last")
    return (("flatten", Flatten(), NO_WEIGHTS),)


def _dropout(entry: Config) -> tuple[Step, ...]:
    return (("dropout", Dropout(rate=_config(entry, noise_shape=None)["rate"]), NO_WEIGHTS),)


def _zero_padding(entry: Config) -> tuple[Step, ...]:
    rows, columns = _config(entry, data_format="channels_last")["padding"]
    return (("zero_padding2d", ZeroPadding2D(padding=(_pair(rows), _pair(columns))), NO_WEIGHTS),)


def _add(entry: Config) -> tuple[Step, ...]:  # noqa: ARG001  # as all readers
    return (("add", Add(), NO_WEIGHTS),)


def _concatenate(entry: Config) -> tuple[Step, ...]:
    _config(entry, axis=-1)
    return (("concatenate", Concatenate(), NO_WEIGHTS),)


_READERS: dict[str, Callable[[Config], tuple[Step, ...]]] = {
    "InputLayer": _input,
    "Conv2D": _convolution,
    "DepthwiseConv2D": _depthwise_convolution,
    "SeparableConv2D": _separable_convolution,
    "Dense": _dense,
    "BatchNormalization": _batch_normalization,
    "Activation": lambda entry: (("activation", Activation(function=_activation(entry)), NO_WEIGHTS),),
    "ReLU": _relu,
    "Softmax": _softmax,
    "MaxPooling2D": _pooling("max"),
    "AveragePooling2D": _pooling("average"),
    "GlobalMaxPooling2D": _global_pooling("max"),
    "GlobalAveragePooling2D": _global_pooling("average"),
    "Flatten": _flatten,
    "Dropout": _dropout,
    "ZeroPadding2D": _zero_padding,
    "Add": _add,
    "Concatenate": _concatenate,
}
