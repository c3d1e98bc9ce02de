"""The layers that all blocks are made of, as functions on Keras tensors.

Tensors are (batch, height, width, channels).  Convolutions have padding
"same" and no bias, because a batch normalisation follows each.
"""

from __future__ import annotations

from typing import Any, Literal

import autokeras
import keras
import keras_tuner
import tree

from spaces.blocks.geometry import (
    BATCH_NORM_MOMENTUM,
    STRIDES,
    is_spectrogram,
    kernel_within,
    may_flatten,
    may_stride,
)

Function = Literal["relu", "relu6", "linear"]


class McuBlock(autokeras.Block):  # type: ignore[misc]  # autokeras carries no types
    """Base of our blocks: one input tensor; a subclass says in `body` what becomes of it."""

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any = None) -> Any:
        """Give the block's output for its one input."""
        return self.body(hp, tree.flatten(inputs)[0])

    def body(self, hp: keras_tuner.HyperParameters, x: Any) -> Any:
        """Make the layers of the block, from input tensor to output tensor."""
        raise NotImplementedError


def normalised(x: Any, function: Function) -> Any:
    """Batch normalisation, then the activation."""
    x = keras.layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)(x)
    if function == "linear":
        return x
    return keras.layers.ReLU(max_value=6.0 if function == "relu6" else None)(x)


def rectified(x: Any, units: int, *, batch_norm: bool) -> Any:
    """Dense layer, perhaps a batch normalisation, ReLU."""
    x = keras.layers.Dense(units, use_bias=not batch_norm)(x)
    return normalised(x, "relu") if batch_norm else keras.layers.ReLU()(x)


def convolution(x: Any, filters: int, kernel: int, stride: int = 1, function: Function = "relu") -> Any:
    """Convolution, batch normalisation, activation."""
    size = kernel_within(x.shape[1:], kernel)
    x = keras.layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
    return normalised(x, function)


def depthwise(x: Any, kernel: int, stride: int = 1, function: Function = "relu") -> Any:
    """Depthwise convolution, batch normalisation, activation."""
    size = kernel_within(x.shape[1:], kernel)
    x = keras.layers.DepthwiseConv2D(size, strides=stride, padding="same", use_bias=False)(x)
    return normalised(x, function)


def rows_to_channels(x: Any, filters: int, taps: int, stride: int) -> Any:
    """Convolution over `taps` whole rows, batch normalisation, ReLU: (time, bands, channels) to (time, 1, filters).

    A series has one band and keeps its ends, padded with zeros; with several
    bands nothing is padded, for the kernel spans them all.
    """
    bands = x.shape[2]
    padding = "same" if bands == 1 else "valid"
    x = keras.layers.Conv2D(filters, (taps, bands), strides=stride, padding=padding, use_bias=False)(x)
    return normalised(x, "relu")


def halved(x: Any) -> Any:
    """The greater of every two time steps; an odd last one is left out."""
    return keras.layers.MaxPooling2D((2, 1))(x)


def draw_stride(hp: keras_tuner.HyperParameters, name: str, x: Any, choices: tuple[int, ...] = STRIDES) -> int:
    """One of `choices`, or 1 without drawing once the tensor is at most 2 x 2."""
    return int(hp.Choice(name, list(choices))) if may_stride(x.shape[1:]) else 1


def draw_flat(hp: keras_tuner.HyperParameters, x: Any, input_shape: tuple[int, ...]) -> Any:
    """Flatten: the average over all positions or, where it costs little, possibly all of them.

    Of what became of a spectrogram, possibly the average over time alone: a
    sound may come sooner or later, but which band it is in tells what it is.
    """
    shape = x.shape[1:]
    if shape[0] * shape[1] == 1:
        return keras.layers.Flatten()(x)
    if is_spectrogram(input_shape) and min(shape[:2]) > 1 and hp.Boolean("keeps_bands"):
        return keras.layers.Flatten()(keras.layers.AveragePooling2D((shape[0], 1))(x))
    if may_flatten(shape) and hp.Choice("reduction", ["average", "flatten"]) == "flatten":
        return keras.layers.Flatten()(x)
    return keras.layers.GlobalAveragePooling2D()(x)
