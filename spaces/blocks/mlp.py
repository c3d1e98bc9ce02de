"""A multilayer perceptron."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner

from spaces.blocks.geometry import MLP_LAYERS, UNITS, shrinks
from spaces.blocks.layers import McuBlock, normalised


class Mlp(McuBlock):
    """One to three dense layers on flat features or on the pixels of an image, averaged down first."""

    def body(self, hp: keras_tuner.HyperParameters, x: Any) -> Any:
        """Features or image to vector."""
        factor = hp.Choice("shrink", list(shrinks(x.shape[1:])))
        if factor > 1:
            x = keras.layers.AveragePooling2D(factor)(x)
        if len(x.shape) > 2:
            x = keras.layers.Flatten()(x)
        batch_norm = hp.Boolean("batch_norm")
        for index in range(hp.Int("layers", *MLP_LAYERS)):
            x = keras.layers.Dense(hp.Choice(f"units_{index}", list(UNITS)), use_bias=not batch_norm)(x)
            x = normalised(x, "relu") if batch_norm else keras.layers.ReLU()(x)
        return x
