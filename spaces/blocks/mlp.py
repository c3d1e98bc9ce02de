"""A multilayer perceptron."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner

from spaces.blocks.geometry import MLP_LAYERS, UNITS, shrinks
from spaces.blocks.layers import McuBlock, rectified


class Mlp(McuBlock):
    """One to three dense layers on features, or on an image or a series in time that is averaged down first."""

    def body(self, hp: keras_tuner.HyperParameters, x: Any) -> Any:
        """Features, image or series to vector."""
        factor = hp.Choice("shrink", list(shrinks(x.shape[1:])))
        if factor > 1:
            x = keras.layers.AveragePooling2D(tuple(min(factor, side) for side in x.shape[1:3]))(x)
        if len(x.shape) > 2:
            x = keras.layers.Flatten()(x)
        batch_norm = hp.Boolean("batch_norm")
        for index in range(hp.Int("layers", *MLP_LAYERS)):
            x = rectified(x, hp.Choice(f"units_{index}", list(UNITS)), batch_norm=batch_norm)
        return x
