"""Small real models, converted once a session."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest


def _converted(int16: bool) -> bytes:
    """A depthwise-separable net of 1,338 weights on (8, 8, 1), 10 classes, integer throughout."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the frameworks while they are imported
        import tensorflow as tf
        import tf_keras

        tf_keras.utils.set_random_seed(3)
        layers = tf_keras.layers
        image = layers.Input((8, 8, 1))
        random = {"kernel_initializer": "he_normal", "bias_initializer": "normal"}
        x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", **random)(image)
        for filters in (16, 24):
            x = layers.DepthwiseConv2D(3, padding="same", activation="relu", bias_initializer="normal")(x)
            x = layers.Conv2D(filters, 1, activation="relu", **random)(x)
        x = layers.GlobalAveragePooling2D()(x)
        wide = tf_keras.initializers.RandomNormal(stddev=4.0)  # so that outputs depend on the input
        scores = layers.Dense(10, activation="softmax", kernel_initializer=wide, bias_initializer="normal")(x)
        network = tf_keras.Model(image, scores)
        samples = np.random.default_rng(3).random((20, 8, 8, 1), np.float32)
        function = tf.function(lambda value: network(value, training=False))
        concrete = function.get_concrete_function(tf.TensorSpec((1, 8, 8, 1), tf.float32))
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], network)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
        _restrict(converter, tf, int16)
        return bytes(converter.convert())


def _restrict(converter: Any, tf: Any, int16: bool) -> None:
    kinds = tf.lite.OpsSet
    int16x8 = kinds.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    converter.target_spec.supported_ops = [int16x8 if int16 else kinds.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int16 if int16 else tf.int8
    converter._experimental_disable_per_channel_quantization_for_dense_layers = int16


@pytest.fixture(scope="session")
def tiny_model() -> bytes:
    """A small int8 depthwise-separable net as the converter leaves it."""
    return _converted(int16=False)


@pytest.fixture(scope="session")
def tiny_int16_model() -> bytes:
    """The same net with 16-bit activations."""
    return _converted(int16=True)
