"""What a ``tf_keras`` layer is, as a spec; `compressors.keras_layers` is the way back."""

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
    Reshape,
    Spec,
    ZeroPadding2D,
)


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
        raise refusal(layer, _REASONS.get(kind.__name__, f"supported are {', '.join(sorted(_READERS))}"))
    return read(layer)


def refusal(layer: Any, reason: str) -> CompressionError:
    """The error that says why a layer cannot be read."""
    return CompressionError(f"layer {layer.name!r} ({type(layer).__name__}) is not supported: {reason}")


_STANDARD = "bring the network into the known kinds with compressors.standard.standardized"
_REASONS = {
    **dict.fromkeys(
        (
            *("Conv1D", "DepthwiseConv1D", "SeparableConv1D", "SeparableConv2D", "ZeroPadding1D"),
            *("MaxPooling1D", "AveragePooling1D", "GlobalMaxPooling1D", "GlobalAveragePooling1D"),
            *("Functional", "Sequential", "Rescaling", "Normalization"),
        ),
        _STANDARD,
    ),
    "LeakyReLU": "use ReLU or ReLU(max_value=6)",
}


def require(layer: Any, config: dict[str, Any], **expected: Any) -> None:
    """Refuse a layer whose options differ from the `expected` ones."""
    for option, value in expected.items():
        if config.get(option, value) != value:
            raise refusal(layer, f"{option} is {config[option]!r}, must be {value!r}")


def activation_of(layer: Any, name: Any) -> ActivationName:
    """Name of an activation, refused where it is not known."""
    # The key of a function that Keras does not know by name is a mapping.
    if name not in get_args(ActivationName):
        raise refusal(layer, f"activation is {name!r}, must be one of {', '.join(get_args(ActivationName))}")
    return cast(ActivationName, name)


def _axes(layer: Any) -> int:
    """Axes of the (first) input, the batch included."""
    shape = layer.input_shape
    return len(shape[0] if isinstance(shape, list) else shape)


def _input(layer: Any) -> Spec:
    shape = layer.input_shape[0][1:] if isinstance(layer.input_shape, list) else layer.input_shape[1:]
    if None in shape:
        raise refusal(layer, f"its shape is {shape}, every axis needs a fixed size")
    require(layer, layer.get_config(), dtype="float32", sparse=False, ragged=False)
    return Input(shape=tuple(shape))


def _conv(layer: Any) -> Spec:
    c = layer.get_config()
    require(layer, c, data_format="channels_last", dilation_rate=(1, 1), groups=1)
    return Conv2D(
        filters=c["filters"],
        kernel=tuple(c["kernel_size"]),
        strides=tuple(c["strides"]),
        padding=c["padding"],
        use_bias=c["use_bias"],
        activation=activation_of(layer, c["activation"]),
    )


def _depthwise(layer: Any) -> Spec:
    c = layer.get_config()
    require(layer, c, data_format="channels_last", dilation_rate=(1, 1))
    return DepthwiseConv2D(
        kernel=tuple(c["kernel_size"]),
        strides=tuple(c["strides"]),
        padding=c["padding"],
        depth_multiplier=c["depth_multiplier"],
        use_bias=c["use_bias"],
        activation=activation_of(layer, c["activation"]),
        is_fixed=not layer.trainable,
    )


def _dense(layer: Any) -> Spec:
    c = layer.get_config()
    return Dense(units=c["units"], use_bias=c["use_bias"], activation=activation_of(layer, c["activation"]))


def _batch_normalization(layer: Any) -> Spec:
    c = layer.get_config()
    if list(layer.axis) != [_axes(layer) - 1]:
        raise refusal(layer, f"axis is {list(layer.axis)}, must be the last")
    return BatchNormalization(momentum=c["momentum"], epsilon=c["epsilon"], center=c["center"], scale=c["scale"])


def _stand_alone_activation(layer: Any) -> Spec:
    return Activation(function=activation_of(layer, layer.get_config()["activation"]))


def _relu(layer: Any) -> Spec:
    c = layer.get_config()
    require(layer, c, negative_slope=0.0, threshold=0.0)
    if c["max_value"] not in (None, 6.0):
        raise refusal(layer, f"max_value is {c['max_value']}, must be None or 6")
    return Activation(function="relu" if c["max_value"] is None else "relu6")


def _softmax(layer: Any) -> Spec:
    if layer.axis not in (-1, _axes(layer) - 1):
        raise refusal(layer, f"axis is {layer.axis}, must be the last")
    return Activation(function="softmax")


def _pooling(layer: Any) -> Spec:
    c = layer.get_config()
    require(layer, c, data_format="channels_last")
    return Pooling2D(
        kind="max" if type(layer).__name__ == "MaxPooling2D" else "average",
        size=tuple(c["pool_size"]),
        strides=tuple(c["strides"]),
        padding=c["padding"],
    )


def _global_pooling(layer: Any) -> Spec:
    require(layer, layer.get_config(), data_format="channels_last", keepdims=False)
    return GlobalPooling2D(kind="max" if type(layer).__name__ == "GlobalMaxPooling2D" else "average")


def _flatten(layer: Any) -> Spec:
    require(layer, layer.get_config(), data_format="channels_last")
    return Flatten()


def _reshape(layer: Any) -> Spec:
    return Reshape(shape=tuple(layer.output_shape[1:]))  # target_shape may have a -1


def _dropout(layer: Any) -> Spec:
    require(layer, layer.get_config(), noise_shape=None)
    return Dropout(rate=layer.rate)


def _zero_padding(layer: Any) -> Spec:
    require(layer, layer.get_config(), data_format="channels_last")
    (top, bottom), (left, right) = layer.padding
    return ZeroPadding2D(padding=((top, bottom), (left, right)))


def _concatenate(layer: Any) -> Spec:
    if layer.axis not in (-1, _axes(layer) - 1):
        raise refusal(layer, f"axis is {layer.axis}, must be the last")
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
    "Reshape": _reshape,
    "Dropout": _dropout,
    "ZeroPadding2D": _zero_padding,
    "Add": lambda _: Add(),
    "Concatenate": _concatenate,
}
