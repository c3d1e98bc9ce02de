"""A ``tf_keras`` network as a ``.tflite``, with a static batch of 1 and operators in the order of its layers."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from compressors.compressor import CompressionError, Network
from compressors.fusion import WEIGHTED
from compressors.model_file import WEIGHTS, ModelFile
from compressors.network import nodes_of

if TYPE_CHECKING:
    import numpy.typing as npt


def is_quantization_aware(network: Network) -> bool:
    """True for a network that tfmot wrapped, which has the ranges of its activations in itself."""
    return any(type(layer).__module__.startswith("tensorflow_model_optimization") for layer in network.layers)


def float_file(network: Network) -> bytes:
    """The network in float32; tensors have the numbers of their layers' calls in their names.

    Raises
    ------
    CompressionError
        When the converter refuses the network.
    """
    return _bytes_of(_converter(network))


def integer_file(
    network: Network, samples: npt.NDArray[np.float32], granularity: Literal["channel", "tensor"]
) -> bytes:
    """The network with 8-bit weights and activations, input and output included, ranges by minimum and maximum.

    Parameters
    ----------
    samples
        Inputs (n, *input_shape) that give the ranges; not looked at when the
        network is quantisation-aware.

    Raises
    ------
    CompressionError
        When the converter refuses the network.
    """
    import tensorflow as tf

    converter = _converter(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converter._experimental_disable_per_channel = granularity == "tensor"
    if not is_quantization_aware(network):
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: _one_by_one(samples)
    return _bytes_of(converter)


def layers_of(network: Network, file: ModelFile) -> list[str]:
    """For every operator of a file made here the layer whose weights it has; "" for others.

    Found by the numbers in the names of tensors.  Weights are named after the
    call of their layer, or, where a normalisation went into them, after its call.

    Raises
    ------
    CompressionError
        When the names do not tell.
    """
    nodes = nodes_of(network)
    own = {number: name for number, node in enumerate(nodes) if (name := _weighted_layer(node))}
    behind = {number: _weighted_before(node) for number, node in enumerate(nodes)}
    found = []
    for operator in file.operators:
        if file.name(operator) not in WEIGHTED:
            found.append("")
            continue
        text = file.tensors[int(operator.inputs[WEIGHTS])].name.decode()
        numbers = [int(number) for number in re.findall(r"(?:^|;)(\d{5})/", text)]
        names = {own[n] for n in numbers if n in own} or {behind[n] for n in numbers}
        if len(names) != 1:
            raise CompressionError(f"cannot tell the layer of {file.name(operator)} {text!r}: leave out the overrides")
        found.extend(names)
    return found


def _weighted_layer(node: Any) -> str:
    """Name of the layer where it has a kernel; tfmot's wrapper holds the layer that it wraps."""
    layer = getattr(node.layer, "layer", node.layer)
    has_kernel = hasattr(layer, "kernel") or hasattr(layer, "depthwise_kernel")
    return str(layer.name) if has_kernel else ""


def _weighted_before(node: Any) -> str:
    """Name of the nearest layer with a kernel that `node` computes from; "" where there is none."""
    while not _weighted_layer(node) and len(node.keras_inputs) == 1:
        node = node.keras_inputs[0].node
    return _weighted_layer(node)


def _converter(network: Network) -> Any:
    import tensorflow as tf

    nodes = nodes_of(network)  # refuses what is not a network
    shape = (1, *nodes[0].outputs.shape[1:])
    function = tf.function(lambda x: _in_order(network, x), autograph=False)
    concrete = function.get_concrete_function(tf.TensorSpec(shape, tf.float32, name="input"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], network)
    # Freezing the function itself instead of taking it through a SavedModel on
    # disk gives the same operators in a sixth of the time.
    converter.experimental_lower_to_saved_model = False
    return converter


def _bytes_of(converter: Any) -> bytes:
    from tensorflow.lite.python.convert_phase import ConverterError

    try:
        with warnings.catch_warnings():
            # It asks for the input range, which calibration finds.
            warnings.filterwarnings("ignore", message="Statistics for quantized inputs were expected")
            return bytes(converter.convert())
    except (ConverterError, RuntimeError, ValueError) as error:
        raise CompressionError(f"the TFLite converter refuses the network: {_first_line(error)}") from error


def _one_by_one(samples: npt.NDArray[np.float32]) -> Iterator[list[npt.NDArray[np.float32]]]:
    for sample in samples:
        yield [sample[np.newaxis]]


def _in_order(network: Network, value: Any) -> Any:
    """Run the network on a symbolic value so that the file's operators keep the order of `nodes_of`.

    The converter sorts operators that could run next by their names.  With
    branches, the order and so the size of the arena would hang on how layers
    are called; numbering the scopes settles it.
    """
    import tensorflow as tf

    values = {id(network.inputs[0]): value}
    for number, node in enumerate(nodes_of(network)):
        if not node.keras_inputs:
            continue
        reads = [values[id(tensor)] for tensor in node.keras_inputs]
        inference = {"training": False} if "training" in inspect.signature(node.layer.call).parameters else {}
        with tf.name_scope(f"{number:05d}"):
            values[id(node.outputs)] = node.layer(reads if len(reads) > 1 else reads[0], **inference)
    return values[id(network.outputs[0])]


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return re.sub(r"^.*?error: ", "", lines[0]) if lines else type(error).__name__
