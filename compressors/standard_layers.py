"""Layers of a user's network rewritten as layers of `compressors.layers`; `compressors.standard` walks the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compressors.keras_reading import activation_of, require, to_spec
from compressors.layers import (
    Conv2D,
    ConvPadding,
    Dense,
    DepthwiseConv2D,
    GlobalPooling2D,
    Pooling2D,
    Reshape,
    Shape,
    Spec,
    ZeroPadding2D,
)
from compressors.topology import Layer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Arrays = tuple[npt.NDArray[np.float32], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """An output of a layer made here; `shape` as the user's network has it, `is_image` where (t, c) is (t, 1, c)."""

    name: str
    shape: Shape
    is_image: bool = False


class Assembly:
    """Layers added one by one, and their weights by layer name."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.weights: dict[str, Arrays] = {}
        self._images: dict[str, Value] = {}

    def image(self, value: Value) -> Value:
        """`value`, a series as an image."""
        if len(value.shape) != 2 or value.is_image:
            return value
        if value.name not in self._images:
            steps, channels = value.shape
            name = self.add(f"{value.name}_image", Reshape(shape=(steps, 1, channels)), value)
            self._images[value.name] = Value(name=name, shape=value.shape, is_image=True)
        return self._images[value.name]

    def add(self, name: str, spec: Spec, *reads: Value, weights: Arrays = ()) -> str:
        """Add a layer under `name`, numbered where that is taken; the name it got."""
        taken = {layer.name for layer in self.layers}
        unique = next(each for each in (name, *(f"{name}_{n}" for n in range(2, len(taken) + 3))) if each not in taken)
        self.layers.append(Layer(name=unique, spec=spec, inputs=tuple(read.name for read in reads)))
        if weights:
            self.weights[unique] = weights
        return unique

    def chain(self, name: str, read: Value, shape: Shape, *specs: tuple[str, Spec, Arrays]) -> Value:
        """Add layers one behind another: (what follows the name, spec, weights) each."""
        value = self.image(read)
        for suffix, spec, weights in specs:
            value = Value(name=self.add(name + suffix, spec, value, weights=weights), shape=shape)
        return Value(name=value.name, shape=shape, is_image=len(shape) == 2)


def _shape_of(layer: Any) -> Shape:
    return tuple(layer.output_shape[1:])


def _pair(value: Any) -> tuple[int, int]:
    """Size along height and width; of a layer in one dimension the width is 1."""
    return (int(value[0]), 1) if len(value) == 1 else (int(value[0]), int(value[1]))


def _padded(c: dict[str, Any]) -> tuple[list[tuple[str, Spec, Arrays]], ConvPadding]:
    """The padding in front of a causal convolution, and the padding left to it."""
    if c["padding"] != "causal":
        return [], "same" if c["padding"] == "same" else "valid"
    before = int(c["kernel_size"][0]) - 1
    return ([("_past", ZeroPadding2D(padding=((before, 0), (0, 0))), ())] if before else []), "valid"


def _plain(layer: Any) -> dict[str, Any]:
    c: dict[str, Any] = layer.get_config()
    require(layer, c, data_format="channels_last", dilation_rate=(1,) * len(c["kernel_size"]), groups=1)
    return c


def _conv1d(made: Assembly, layer: Any, name: str, read: Value) -> Value:
    c, (kernel, *bias) = _plain(layer), layer.get_weights()
    before, padding = _padded(c)
    spec = Conv2D(
        filters=c["filters"],
        kernel=_pair(c["kernel_size"]),
        strides=_pair(c["strides"]),
        padding=padding,
        use_bias=c["use_bias"],
        activation=activation_of(layer, c["activation"]),
    )
    return made.chain(name, read, _shape_of(layer), *before, ("", spec, (kernel[:, None], *bias)))


def _depthwise(layer: Any, c: dict[str, Any], padding: ConvPadding, *, is_alone: bool) -> DepthwiseConv2D:
    # TensorFlow wants equal strides; along a width of 1 they make no difference.
    strides = (c["strides"][0], c["strides"][-1])
    return DepthwiseConv2D(
        kernel=_pair(c["kernel_size"]),
        strides=strides,
        padding=padding,
        depth_multiplier=c["depth_multiplier"],
        use_bias=c["use_bias"] and is_alone,
        activation=activation_of(layer, c["activation"]) if is_alone else "linear",
    )


def _depthwise1d(made: Assembly, layer: Any, name: str, read: Value) -> Value:
    c, (kernel, *bias) = _plain(layer), layer.get_weights()
    before, padding = _padded(c)
    spec = _depthwise(layer, c, padding, is_alone=True)
    return made.chain(name, read, _shape_of(layer), *before, ("", spec, (kernel[:, None], *bias)))


def _separable(made: Assembly, layer: Any, name: str, read: Value) -> Value:
    c, (depthwise, pointwise, *bias) = _plain(layer), layer.get_weights()
    before, padding = _padded(c)
    if depthwise.ndim == 3:
        depthwise, pointwise = depthwise[:, None], pointwise[:, None]
    mixing = Conv2D(
        filters=c["filters"],
        kernel=(1, 1),
        use_bias=c["use_bias"],
        activation=activation_of(layer, c["activation"]),
    )
    own = _depthwise(layer, c, padding, is_alone=False)
    steps = (("_depthwise", own, (depthwise,)), ("", mixing, (pointwise, *bias)))
    return made.chain(name, read, _shape_of(layer), *before, *steps)


def _dense(made: Assembly, layer: Any, name: str, read: Value) -> Value:
    spec, (kernel, *bias) = to_spec(layer), layer.get_weights()
    assert isinstance(spec, Dense)
    if len(read.shape) == 1:
        return made.chain(name, read, _shape_of(layer), ("", spec, (kernel, *bias)))
    along = Conv2D(filters=spec.units, kernel=(1, 1), use_bias=spec.use_bias, activation=spec.activation)
    return made.chain(name, read, _shape_of(layer), ("", along, (kernel[None, None], *bias)))


def _pooling1d(made: Assembly, layer: Any, name: str, read: Value) -> Value:
    c = layer.get_config()
    require(layer, c, data_format="channels_last")
    spec = Pooling2D(
        kind="max" if type(layer).__name__ == "MaxPooling1D" else "average",
        size=_pair(c["pool_size"]),
        strides=_pair(c["strides"]),
        padding=c["padding"],
    )
    return made.chain(name, read, _shape_of(layer), ("", spec, ()))


def _global_pooling(made: Assembly, layer: Any, name: str, read: Value) -> Value:
    c = layer.get_config()
    require(layer, c, data_format="channels_last")
    shape = _shape_of(layer)
    pool = GlobalPooling2D(kind="max" if "Max" in type(layer).__name__ else "average")
    if not c["keepdims"]:
        return made.chain(name, read, shape, ("", pool, ()))
    return made.chain(name, read, shape, ("_flat", pool, ()), ("", Reshape(shape=(1, 1, shape[-1])), ()))


def _zero_padding1d(made: Assembly, layer: Any, name: str, read: Value) -> Value:
    before, after = layer.padding
    return made.chain(name, read, _shape_of(layer), ("", ZeroPadding2D(padding=((before, after), (0, 0))), ()))


def _reshape(made: Assembly, layer: Any, name: str, read: Value) -> Value:
    shape = _shape_of(layer)
    if _laid_out(shape) != (_laid_out(read.shape) if read.is_image else read.shape):
        read = Value(name=made.add(name, Reshape(shape=_laid_out(shape)), read), shape=shape)
    return Value(name=read.name, shape=shape, is_image=len(shape) == 2)


def _laid_out(shape: Shape) -> Shape:
    """`shape`, that of a series as that of an image."""
    return (shape[0], 1, shape[1]) if len(shape) == 2 else shape


# (where to add, the tf_keras layer, its name to be, what it reads) -> its output
REWRITERS: dict[str, Callable[[Assembly, Any, str, Value], Value]] = {
    "Conv1D": _conv1d,
    "DepthwiseConv1D": _depthwise1d,
    "SeparableConv1D": _separable,
    "SeparableConv2D": _separable,
    "Dense": _dense,
    "MaxPooling1D": _pooling1d,
    "AveragePooling1D": _pooling1d,
    "GlobalMaxPooling1D": _global_pooling,
    "GlobalAveragePooling1D": _global_pooling,
    "GlobalMaxPooling2D": _global_pooling,
    "GlobalAveragePooling2D": _global_pooling,
    "ZeroPadding1D": _zero_padding1d,
    "Reshape": _reshape,
}
