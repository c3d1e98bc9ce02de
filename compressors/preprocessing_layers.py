"""Keras' preprocessing layers, which multiply and shift every channel, as layers of `compressors.layers`.

They become a depthwise convolution of one position, which computes the same
for any technique and any runtime; a vector is an image of one position for it,
or of one channel where all elements are treated alike.  It is fixed: steps of
fine-tuning are of one size for all weights, which destroys one of 1/255, and
the weights of a Dense into which such a scale was multiplied.  Batch
normalisation would not do: it trains with the statistics of the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from compressors.keras_reading import refusal, require
from compressors.layers import DepthwiseConv2D, Reshape, Shape, Spec
from compressors.standard_layers import Assembly, Value

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Arrays = tuple[npt.NDArray[np.float32], ...]
    Vector = npt.NDArray[np.float64]

_LEAST_DEVIATION = 1e-7  # what Keras divides by at least, `keras.backend.epsilon()`


def _rescaling(made: Assembly, layer: Any, name: str, read: Value) -> Value:
    channels = read.shape[-1]
    scale = _by_channel(layer, "scale", layer.scale, channels)
    return _linear(made, layer, name, read, (scale, _by_channel(layer, "offset", layer.offset, channels)))


def _normalization(made: Assembly, layer: Any, name: str, read: Value) -> Value:
    import numpy as np

    require(layer, layer.get_config(), invert=False)
    channels = read.shape[-1]
    if tuple(layer.axis) not in ((), (-1,), (len(read.shape),)):
        raise refusal(layer, f"axis is {tuple(layer.axis)}, must be the last, which holds the channels, or None")
    deviation = np.sqrt(_by_channel(layer, "variance", layer.variance, channels))
    scale = 1 / np.maximum(deviation, _LEAST_DEVIATION)
    return _linear(made, layer, name, read, (scale, -_by_channel(layer, "mean", layer.mean, channels) * scale))


def _by_channel(layer: Any, what: str, values: Any, channels: int) -> Vector:
    """One number a channel, from one for all of them or one for each."""
    import numpy as np

    array = np.asarray(values, np.float64)
    if array.size not in (1, channels) or array.shape[-1:] not in ((), (array.size,)):
        raise refusal(layer, f"{what} has the shape {array.shape}, must be one number or one for each of {channels}")
    return np.broadcast_to(array.ravel(), (channels,))


def _linear(made: Assembly, layer: Any, name: str, read: Value, by_channel: tuple[Vector, Vector]) -> Value:
    import numpy as np

    (scale, offset), shape = by_channel, read.shape
    if len(shape) > 3:
        raise refusal(layer, f"its input has the shape {shape}, must be an image, a series or a vector")
    if len(shape) > 1:
        return made.chain(name, read, shape, ("", *_depthwise(scale, offset)))
    image: Shape = (1, 1, *shape)
    if not np.ptp(scale) and not np.ptp(offset):
        image, scale, offset = (*shape, 1, 1), scale[:1], offset[:1]
    there, back = Reshape(shape=image), Reshape(shape=shape)
    return made.chain(name, read, shape, ("_image", there, ()), ("", *_depthwise(scale, offset)), ("_vector", back, ()))


def _depthwise(scale: Vector, offset: Vector) -> tuple[Spec, Arrays]:
    """The layer that multiplies and shifts every channel, and its weights."""
    import numpy as np

    spec = DepthwiseConv2D(kernel=(1, 1), use_bias=bool(offset.any()), is_fixed=True)
    kernel = scale.reshape(1, 1, -1, 1).astype(np.float32)
    return spec, (kernel, offset.astype(np.float32)) if spec.use_bias else (kernel,)


# As `compressors.standard_layers.REWRITERS`.
PREPROCESSING: dict[str, Callable[[Assembly, Any, str, Value], Value]] = {
    "Rescaling": _rescaling,
    "Normalization": _normalization,
}
