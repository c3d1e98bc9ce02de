"""A `Layer` as a ``tf_keras`` layer; `compressors.keras_reading` is the way back."""

from __future__ import annotations

from typing import Any

from compressors.layers import (
    Activation,
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
    name: str, spec: Pooling2D | GlobalPooling2D | Flatten | Reshape | Dropout | ZeroPadding2D | Add | Concatenate
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
        case Reshape(shape=shape):
            return k.Reshape(shape, name=name)
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
    trainable = not spec.is_fixed
    return k.DepthwiseConv2D(spec.kernel, depth_multiplier=spec.depth_multiplier, trainable=trainable, **common)
