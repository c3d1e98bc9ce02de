"""AutoKeras' own blocks with choices that fit a microcontroller.

With its own choices the median ConvBlock has 178,000 weights.  Dropout is left
out, because networks this small do not overfit soon, and so is DenseBlock's
batch normalisation: its momentum of 0.99 leaves short trainings at chance.
"""

from __future__ import annotations

import autokeras
from keras_tuner.engine.hyperparameters import Choice

from spaces.blocks.geometry import (
    AUTOKERAS_DENSE_LAYERS,
    AUTOKERAS_FILTERS,
    AUTOKERAS_UNITS,
    CONV_BLOCK_BLOCKS,
    CONV_BLOCK_LAYERS,
    HEAD_LAYERS,
    KERNELS,
)


def conv_blocks(name: str) -> tuple[autokeras.Block, ...]:
    """ConvBlock, SpatialReduction, and a DenseBlock of no or one layer; names start with `name`."""
    return (
        autokeras.ConvBlock(
            kernel_size=Choice("kernel_size", list(KERNELS)),
            num_blocks=Choice("num_blocks", list(CONV_BLOCK_BLOCKS)),
            num_layers=Choice("num_layers", list(CONV_BLOCK_LAYERS)),
            filters=Choice("filters", list(AUTOKERAS_FILTERS)),
            dropout=0.0,
            name=f"{name}/conv",
        ),
        autokeras.SpatialReduction(name=f"{name}/reduction"),
        _dense(f"{name}/dense", HEAD_LAYERS),
    )


def dense_blocks(name: str) -> tuple[autokeras.Block, ...]:
    """One DenseBlock, called `name`."""
    return (_dense(name, AUTOKERAS_DENSE_LAYERS),)


def _dense(name: str, layers: tuple[int, ...]) -> autokeras.DenseBlock:
    return autokeras.DenseBlock(
        num_layers=Choice("num_layers", list(layers)),
        num_units=Choice("num_units", list(AUTOKERAS_UNITS)),
        use_batchnorm=False,
        dropout=0.0,
        name=name,
    )
