"""A dense autoencoder."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner

from spaces.blocks.geometry import AUTOENCODER_LAYERS, UNITS, bottlenecks
from spaces.blocks.layers import McuBlock, rectified


class Autoencoder(McuBlock):
    """No to two dense layers, a bottleneck, and the same layers in reverse; the head gives the input back.

    After the autoencoder of MLPerf Tiny's anomaly detection (Banbury et al.
    2021, arXiv:2106.07597, section 4.1.4).  There the bottleneck has a ReLU;
    here it has none, so that no code is cut off at zero, and without other
    layers the network is the linear one whose best fit is that of the
    principal components (Baldi and Hornik 1989).
    """

    def body(self, hp: keras_tuner.HyperParameters, x: Any) -> Any:
        """Features, series or image to the last layer of the decoder."""
        shape = x.shape[1:]
        if len(shape) > 1:
            x = keras.layers.Flatten()(x)
        bottleneck = hp.Choice("bottleneck", list(bottlenecks(shape)))
        batch_norm = hp.Boolean("batch_norm")
        widths = [hp.Choice(f"units_{index}", list(UNITS)) for index in range(hp.Int("layers", *AUTOENCODER_LAYERS))]
        for units in widths:
            x = rectified(x, units, batch_norm=batch_norm)
        # Without a ReLU its bias would only add to that of the layer behind, and the converter moves it there.
        x = keras.layers.Dense(bottleneck, use_bias=False)(x)
        for units in reversed(widths):
            x = rectified(x, units, batch_norm=batch_norm)
        return x
