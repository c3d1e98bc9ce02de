"""What tfmot's wrappers need to compute as the file will: quantisers of weights and activations, and a normalisation.

Imported only where a network is trained, for it imports TensorFlow.

Rounding has the gradient of the identity within the range and none beyond it
(Bengio et al., *Estimating or Propagating Gradients Through Stochastic
Neurons*, 2013; Jacob et al., CVPR 2018, section 3).
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras
from tensorflow_model_optimization.quantization import keras as tfmot

from compressors.scaling import Range, Scales

_LEAST_SCALE = 1e-9
_LOG_TOLERANCE = 1e-6  # keeps the power of two above an exact power of two at that power


class WeightQuantizer(tfmot.quantizers.Quantizer):  # type: ignore[misc]  # tfmot is untyped
    """Weights as the file stores them: symmetric, with the scale that `compressors.scaling.weight_scales` gives.

    Parameters
    ----------
    bits
        4 or 8.
    axes
        How many of the last axes the output channels lie along, each with its
        scale; 0 for one scale.
    scales
        Any scale or powers of two.
    """

    def __init__(self, bits: int, axes: int, scales: Scales) -> None:
        self._most = float((1 << (bits - 1)) - 1)
        self._axes = axes
        self._scales = scales

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:  # noqa: ARG002  # tfmot's signature
        """No variables: the range is that of the weights as they are."""
        return {}

    def __call__(self, inputs: Any, training: Any, weights: Any, **_options: Any) -> Any:  # noqa: ARG002
        """Weights rounded to the file's."""
        others = list(range(inputs.shape.rank - self._axes))
        reach = tf.reduce_max(tf.abs(inputs), axis=others, keepdims=True)
        scale = _allowed(reach / self._most, self._scales)
        return inputs + tf.stop_gradient(tf.round(inputs / scale) * scale - inputs)

    def get_config(self) -> dict[str, Any]:
        """What tells two of them apart."""
        return {"most": self._most, "axes": self._axes, "scales": self._scales}


class ConstantQuantizer(tfmot.quantizers.Quantizer):  # type: ignore[misc]
    """A constant that stands for an activation, asymmetric, with the range of its values as they are."""

    def __init__(self, bits: int, scales: Scales) -> None:
        self._bits = bits
        self._scales = scales

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:  # noqa: ARG002
        """No variables."""
        return {}

    def __call__(self, inputs: Any, training: Any, weights: Any, **_options: Any) -> Any:  # noqa: ARG002
        """Values rounded to the file's."""
        return rounded(inputs, tf.reduce_min(inputs), tf.reduce_max(inputs), self._bits, self._scales)

    def get_config(self) -> dict[str, Any]:
        """What tells two of them apart."""
        return {"bits": self._bits, "scales": self._scales}


class ActivationQuantizer(tfmot.quantizers.Quantizer):  # type: ignore[misc]
    """Activations as the file has them, in a range that starts where calibration found it and follows the batches.

    Parameters
    ----------
    start
        Lowest and highest value.
    momentum
        Share of the range that a batch leaves, 0..1; at 1 the range stays.
    bits
        8 (asymmetric) or 16 (symmetric).
    scales
        Any scale or powers of two.
    """

    def __init__(self, start: Range, momentum: float, bits: int, scales: Scales) -> None:
        self._start = start
        self._momentum = momentum
        self._bits = bits
        self._scales = scales

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:  # noqa: ARG002
        """The ends of the range as two variables."""
        ends = zip(("min", "max"), self._start, strict=True)
        return {
            f"{end}_var": layer.add_weight(
                f"{name}_{end}", initializer=tf_keras.initializers.Constant(value), trainable=False
            )
            for end, value in ends
        }

    def __call__(self, inputs: Any, training: Any, weights: Any, **_options: Any) -> Any:
        """Values rounded and cut off to the range; while training the range moves first."""
        low, high = weights["min_var"], weights["max_var"]
        if training and self._momentum < 1.0:
            keep = self._momentum
            low = low.assign(keep * low + (1.0 - keep) * tf.reduce_min(inputs))
            high = high.assign(keep * high + (1.0 - keep) * tf.reduce_max(inputs))
        return rounded(inputs, low, high, self._bits, self._scales)

    def get_config(self) -> dict[str, Any]:
        """What tells two of them apart."""
        return {"start": self._start, "momentum": self._momentum, "bits": self._bits, "scales": self._scales}


def rounded(values: Any, low: Any, high: Any, bits: int, scales: Scales) -> Any:
    """`values` as `compressors.scaling.activation_scaling` has them stored for a range."""
    low, high = tf.stop_gradient(tf.minimum(low, 0.0)), tf.stop_gradient(tf.maximum(high, 0.0))
    if bits == 16:
        scale = _allowed(tf.maximum(-low, high) / 32767.0, scales)
        bottom, top = -32767.0 * scale, 32767.0 * scale
    else:
        scale = _allowed((high - low) / 255.0, scales)
        zero_point = tf.clip_by_value(tf.round(-128.0 - low / scale), -128.0, 127.0)
        bottom, top = (-128.0 - zero_point) * scale, (127.0 - zero_point) * scale
    clipped = tf.clip_by_value(values, bottom, top)
    return clipped + tf.stop_gradient(tf.round(clipped / scale) * scale - clipped)


def _allowed(scale: Any, scales: Scales) -> Any:
    scale = tf.stop_gradient(tf.maximum(scale, _LEAST_SCALE))
    if scales == "linear":
        return scale
    return tf.pow(2.0, tf.math.ceil(tf.math.log(scale) / tf.math.log(2.0) - _LOG_TOLERANCE))


class LayerConfig(tfmot.QuantizeConfig):  # type: ignore[misc]
    """How one layer is quantised.

    Parameters
    ----------
    weight
        Name of the layer's attribute and what quantises it; None for a layer
        without weights, or with weights that stay as they are.
    output
        What quantises the output; None for an output that is no tensor of the
        file, or that has the range of another.
    """

    def __init__(
        self, weight: tuple[str, WeightQuantizer | ConstantQuantizer] | None, output: ActivationQuantizer | None
    ) -> None:
        self._weight = weight
        self._output = output

    def get_weights_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        """The kernel; biases keep 32 bits."""
        return [] if self._weight is None else [(getattr(layer, self._weight[0]), self._weight[1])]

    def get_activations_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:  # noqa: ARG002
        """None: activations stand alone here."""
        return []

    def set_quantize_weights(self, layer: Any, quantize_weights: list[Any]) -> None:
        """Let the layer compute with the rounded kernel."""
        for value in quantize_weights:
            setattr(layer, self._weight[0], value)  # type: ignore[index]  # there is one where there is a value

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:  # noqa: ARG002
        """Nothing to set, for there are none."""
        assert not quantize_activations

    def get_output_quantizers(self, layer: Any) -> list[ActivationQuantizer]:  # noqa: ARG002
        """One or none."""
        return [] if self._output is None else [self._output]

    def get_config(self) -> dict[str, Any]:
        """What tells two of them apart."""
        return {"weight": self._weight, "output": self._output}


class ByChannel(tf_keras.layers.Layer):  # type: ignore[misc]
    """``x * constant`` or ``x + constant`` with a constant for each channel: one half of a normalisation."""

    def __init__(self, *, is_product: bool, name: str, trainable: bool) -> None:
        super().__init__(name=name, trainable=trainable)
        self._is_product = is_product

    def build(self, input_shape: Any) -> None:
        """One constant a channel."""
        self.constant = self.add_weight("constant", shape=(input_shape[-1],))
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """The product or the sum."""
        return inputs * self.constant if self._is_product else inputs + self.constant

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the input."""
        return input_shape
