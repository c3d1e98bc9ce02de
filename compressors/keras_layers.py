"""Layer kinds both ways: a `Layer` as a ``tf_keras`` layer, a ``tf_keras`` layer as a spec.

A kind is added here and in `compressors.topology` only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast, get_args

from compressors.compressor import CompressionError
from compressors.layers import (
    Activation,
    ActivationName,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalPooling2D,
    Input,
    Pooling2D,
    Spec,
    ZeroPadding2D,
)
from compressors.topology import Layer


def to_keras(layer: Layer) -> Any:
    """The untrained ``tf_keras`` layer of the same name; `Input` gives an InputLayer.

    ``relu`` and ``relu6`` that stand alone become ``ReLU`` layers.
    """
    from tf_keras import layers as k

    name, spec = layer.name, layer.spec
    match spec:
        case Input(shape=shape):
            return k.InputLayer(input_shape=shape, name=name)
        case Conv2D() | DepthwiseConv2D():
            return _convolution(name, spec)
        case Dense(units=units, use_bias=bias, activation=activation):
            return k.Dense(units, use_bias=bias, activation=activation, name=name)
        case BatchNormalization(momentum=momentum, epsilon=epsilon, center=center, scale=scale):
            return k.BatchNormalization(momentum=momentum, epsilon=epsilon, center=center, scale=scale, name=name)
        case Activation(function="relu" | "relu6" as function):
            return k.ReLU(max_value=6.0 if function == "relu6" else None, name=name)
        case Activation(function=function):
            return k.Activation(function, name=name)
        case _:
            return _shaping(name, spec)


def _shaping(
    name: str, spec: Pooling2D | GlobalPooling2D | Flatten | Dropout | ZeroPadding2D | Add | Concatenate
) -> Any:
    """A layer that computes nothing from weights."""
    from tf_keras import layers as k

    match spec:
        case Pooling2D(kind=kind, size=size, strides=strides, padding=padding):
            pooling = k.MaxPooling2D if kind == "max" else k.AveragePooling2D
            return pooling(size, strides=strides, padding=padding, name=name)
        case GlobalPooling2D(kind=kind):
            return (k.GlobalMaxPooling2D if kind == "max" else k.GlobalAveragePooling2D)(name=name)
        case Flatten():
            return k.Flatten(name=name)
        case Dropout(rate=rate):
            return k.Dropout(rate, name=name)
        case ZeroPadding2D(padding=padding):
            return k.ZeroPadding2D(padding, name=name)
        case Add():
            return k.Add(name=name)
        case Concatenate():
            return k.Concatenate(name=name)


def _convolution(name: str, spec: Conv2D | DepthwiseConv2D) -> Any:
    from tf_keras import layers as k

    common = {
        "strides": spec.strides,
        "padding": spec.padding,
        "use_bias": spec.use_bias,
        "activation": spec.activation,
        "name": name,
    }
    if isinstance(spec, Conv2D):
        return k.Conv2D(spec.filters, spec.kernel, **common)
    return k.DepthwiseConv2D(spec.kernel, depth_multiplier=spec.depth_multiplier, **common)


def to_spec(layer: Any) -> Spec:
    """What a connected ``tf_keras`` layer is.

    Raises
    ------
    CompressionError
        When the layer's kind, or an option of it, is not supported; names the
        layer and its class.
    """
    kind = type(layer)
    read = _READERS.get(kind.__name__)
    if read is None or not kind.__module__.startswith("tf_keras."):
        raise _refusal(layer, _REASONS.get(kind.__name__, f"supported are {', '.join(sorted(_READERS))}"))
    return read(layer)


def _refusal(layer: Any, reason: str) -> CompressionError:
    return CompressionError(f"layer {layer.name!r} ({type(layer).__name__}) is not supported: {reason}")


_REASONS = {
    "SeparableConv2D": "write it as DepthwiseConv2D followed by a 1x1 Conv2D",
    "LeakyReLU": "use ReLU or ReLU(max_value=6)",
    "Functional": "a network inside the network; use its layers one by one",
    "Sequential": "a network inside the network; use its layers one by one",
}


def _require(layer: Any, config: dict[str, Any], **expected: Any) -> None:
    for option, value in expected.items():
        if config.get(option, value) != value:
            raise _refusal(layer, f"{option} is {config[option]!r}, must be {value!r}")


def _activation(layer: Any, name: Any) -> ActivationName:
    # The key of a function that Keras does not know by name is a mapping.
    if name not in get_args(ActivationName):
        raise _refusal(layer, f"activation is {name!r}, must be one of {', '.join(get_args(ActivationName))}")
    return cast(ActivationName, name)


def _axes(layer: Any) -> int:
    """Axes of the (first) input, the batch included."""
    shape = layer.input_shape
    return len(shape[0] if isinstance(shape, list) else shape)


def _input(layer: Any) -> Spec:
    shape = layer.input_shape[0][1:] if isinstance(layer.input_shape, list) else layer.input_shape[1:]
    if None in shape:
        raise _refusal(layer, f"its shape is {shape}, every axis needs a fixed size")
    _require(layer, layer.get_config(), dtype="float32", sparse=False, ragged=False)
    return Input(shape=tuple(shape))


def _conv(layer: Any) -> Spec:
    c = layer.get_config()
    _require(layer, c, data_format="channels_last", dilation_rate=(1, 1), groups=1)
    return Conv2D(
        filters=c["filters"],
        kernel=tuple(c["kernel_size"]),
        strides=tuple(c["strides"]),
        padding=c["padding"],
        use_bias=c["use_bias"],
        activation=_activation(layer, c["activation"]),
    )


def _depthwise(layer: Any) -> Spec:
    c = layer.get_config()
    _require(layer, c, data_format="channels_last", dilation_rate=(1, 1))
    return DepthwiseConv2D(
        kernel=tuple(c["kernel_size"]),
        strides=tuple(c["strides"]),
        padding=c["padding"],
        depth_multiplier=c["depth_multiplier"],
        use_bias=c["use_bias"],
        activation=_activation(layer, c["activation"]),
    )


def _dense(layer: Any) -> Spec:
    c = layer.get_config()
    return Dense(units=c["units"], use_bias=c["use_bias"], activation=_activation(layer, c["activation"]))


def _batch_normalization(layer: Any) -> Spec:
    c = layer.get_config()
    if list(layer.axis) != [_axes(layer) - 1]:
        raise _refusal(layer, f"axis is {list(layer.axis)}, must be the last")
    return BatchNormalization(momentum=c["momentum"], epsilon=c["epsilon"], center=c["center"], scale=c["scale"])


def _stand_alone_activation(layer: Any) -> Spec:
    return Activation(function=_activation(layer, layer.get_config()["activation"]))


def _relu(layer: Any) -> Spec:
    c = layer.get_config()
    _require(layer, c, negative_slope=0.0, threshold=0.0)
    if c["max_value"] not in (None, 6.0):
        raise _refusal(layer, f"max_value is {c['max_value']}, must be None or 6")
    return Activation(function="relu" if c["max_value"] is None else "relu6")


def _softmax(layer: Any) -> Spec:
    if layer.axis not in (-1, _axes(layer) - 1):
        raise _refusal(layer, f"axis is {layer.axis}, must be the last")
    return Activation(function="softmax")


def _pooling(layer: Any) -> Spec:
    c = layer.get_config()
    _require(layer, c, data_format="channels_last")
    return Pooling2D(
        kind="max" if type(layer).__name__ == "MaxPooling2D" else "average",
        size=tuple(c["pool_size"]),
        strides=tuple(c["strides"]),
        padding=c["padding"],
    )


def _global_pooling(layer: Any) -> Spec:
    _require(layer, layer.get_config(), data_format="channels_last", keepdims=False)
    return GlobalPooling2D(kind="max" if type(layer).__name__ == "GlobalMaxPooling2D" else "average")


def _flatten(layer: Any) -> Spec:
    _require(layer, layer.get_config(), data_format="channels_last")
    return Flatten()


def _dropout(layer: Any) -> Spec:
    _require(layer, layer.get_config(), noise_shape=None)
    return Dropout(rate=layer.rate)


def _zero_padding(layer: Any) -> Spec:
    _require(layer, layer.get_config(), data_format="channels_last")
    (top, bottom), (left, right) = layer.padding
    return ZeroPadding2D(padding=((top, bottom), (left, right)))


def _concatenate(layer: Any) -> Spec:
    if layer.axis not in (-1, _axes(layer) - 1):
        raise _refusal(layer, f"axis is {layer.axis}, must be the last")
    return Concatenate()


_READERS: dict[str, Callable[[Any], Spec]] = {
    "InputLayer": _input,
    "Conv2D": _conv,
    "DepthwiseConv2D": _depthwise,
    "Dense": _dense,
    "BatchNormalization": _batch_normalization,
    "Activation": _stand_alone_activation,
    "ReLU": _relu,
    "Softmax": _softmax,
    "MaxPooling2D": _pooling,
    "AveragePooling2D": _pooling,
    "GlobalMaxPooling2D": _global_pooling,
    "GlobalAveragePooling2D": _global_pooling,
    "Flatten": _flatten,
    "Dropout": _dropout,
    "ZeroPadding2D": _zero_padding,
    "Add": lambda _: Add(),
    "Concatenate": _concatenate,
}
