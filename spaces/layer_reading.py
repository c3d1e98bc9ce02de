"""What each layer of a Keras 3 model becomes, from its configuration alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast, get_args

from compressors.layers import (
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
    Pair,
    Pooling2D,
    Spec,
    ZeroPadding2D,
)
from spaces.errors import SpaceError

Config = Mapping[str, Any]
Step = tuple[str, Spec, slice]
"""Name of the kind, the layer, and which of the Keras layer's weights are its own."""

NO_WEIGHTS = slice(0, 0)
ALL_WEIGHTS = slice(None)


def read_layer(entry: Config) -> tuple[Step, ...]:
    """Translate one layer of a Keras 3 configuration.

    Parameters
    ----------
    entry
        One of ``model.get_config()["layers"]``.

    Raises
    ------
    SpaceError
        When the layer, or an option of it, cannot be expressed; names the
        layer and its class.
    """
    # A bare operation such as keras.ops.add may bear a layer's class name.
    if entry["class_name"] not in _READERS or entry["module"] != "keras.layers":
        raise refusal(entry, f"{entry['module']} is not supported, layers are: {', '.join(sorted(_READERS))}")
    policy = entry["config"]["dtype"]
    if (policy["config"]["name"] if isinstance(policy, dict) else policy) != "float32":
        raise refusal(entry, f"its dtype is {policy!r}, must be float32")
    return _READERS[entry["class_name"]](entry)


def refusal(entry: Config, reason: str) -> SpaceError:
    """Say which layer cannot be used, and why."""
    return SpaceError(f"layer {entry['name']!r} ({entry['class_name']}) cannot be used: {reason}")


def _config(entry: Config, **expected: Any) -> Config:
    """Give the configuration of an entry whose options have these values, or are not there."""
    config: Config = entry["config"]
    for option, value in expected.items():
        if config.get(option, value) not in (value, list(value) if isinstance(value, tuple) else value):
            raise refusal(entry, f"{option} is {config[option]!r}, must be {value!r}")
    return config


def _activation(entry: Config) -> ActivationName:
    name = entry["config"].get("activation")
    if name not in get_args(ActivationName):
        raise refusal(entry, f"activation is {name!r}, must be one of {', '.join(get_args(ActivationName))}")
    return cast(ActivationName, name)


def _pair(value: Any) -> Pair:
    return int(value[0]), int(value[1])


def _input(entry: Config) -> tuple[Step, ...]:
    shape = tuple(_config(entry, sparse=False, ragged=False)["batch_shape"][1:])
    if None in shape:
        raise refusal(entry, f"its shape is {shape}, every axis needs a fixed size")
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
        raise refusal(entry, f"axis is {c['axis']}, must be the last")
    spec = BatchNormalization(momentum=c["momentum"], epsilon=c["epsilon"], center=c["center"], scale=c["scale"])
    return (("batch_normalization", spec, ALL_WEIGHTS),)


def _relu(entry: Config) -> tuple[Step, ...]:
    c = _config(entry, negative_slope=0.0, threshold=0.0)
    if c["max_value"] not in (None, 6.0):
        raise refusal(entry, f"max_value is {c['max_value']}, must be None or 6")
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
