"""Static full-integer quantisation after training: 8-bit weights, activations, input and output.

The scheme is that of Jacob et al., *Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference*, CVPR 2018, with
symmetric weights, per channel or per tensor, as the TFLite quantisation
specification has it.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from compressors.compressor import CompressionError, Context, Hyperparameter, Network, Stage
from devices.artifact import Artifact
from devices.graph import DType, Graph

if TYPE_CHECKING:
    import numpy.typing as npt

    from compressors.topology import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class FullIntegerQuantization:
    """Settings of full-integer quantisation.

    Attributes
    ----------
    granularity
        One scale for each output channel of a weight tensor, or one for the
        whole tensor: a smaller file, at a cost in accuracy.
    calibration_samples
        Most inputs to run to find the ranges of the activations, at least 1;
        taken at even distances from the calibration data.

    Raises
    ------
    ValueError
        When the granularity is unknown or the number of samples below 1.
    """

    granularity: Literal["channel", "tensor"] = "channel"
    calibration_samples: int = 128

    def __post_init__(self) -> None:
        if self.granularity not in ("channel", "tensor"):
            raise ValueError(f"granularity is {self.granularity!r}, must be 'channel' or 'tensor'")
        if self.calibration_samples < 1:
            raise ValueError(f"calibration_samples is {self.calibration_samples}, must be at least 1")

    @property
    def is_identity(self) -> bool:
        """Always False: a network becomes a file."""
        return False


class FullIntegerQuantizer:
    """Turns a network into the int8 ``.tflite`` that is flashed."""

    name: str = "quantization"
    stage: Stage = Stage.QUANTIZATION
    settings: type[FullIntegerQuantization] = FullIntegerQuantization
    hyperparameters: tuple[Hyperparameter, ...] = (
        Hyperparameter(name="granularity", values=("channel", "tensor"), ordered=False),
    )

    def outline(self, topology: Topology, settings: FullIntegerQuantization) -> Topology:  # noqa: ARG002  # the protocol's
        """The topology as it is: quantisation leaves shapes alone."""
        return topology

    def compress(self, network: Network, settings: FullIntegerQuantization, context: Context) -> Artifact:
        """The slimmed file with a static batch of 1; equal weights and data give equal bytes.

        The file's operators stand in the order of `compressors.network.nodes_of`.

        Raises
        ------
        CompressionError
            When calibration data or weights do not fit or are not finite, when
            the converter refuses the network, or when the file would not be
            integer throughout.
        """
        from devices.flatbuffer import read_graph, read_ports
        from devices.slim import slim

        samples = _calibration(network, settings, context)
        content = slim(_converted(network, settings, samples))
        _require_integer(read_graph(content))
        source, result = read_ports(content)
        return Artifact(content=content, input=source, output=result, labels=context.labels)


def _calibration(network: Network, settings: FullIntegerQuantization, context: Context) -> npt.NDArray[np.float32]:
    """Float32 (n, *input_shape), 1 <= n <= calibration_samples."""
    from compressors.network import nodes_of

    nodes_of(network)  # refuses what is not a network
    data = context.calibration
    expected = tuple(network.inputs[0].shape[1:])
    if data.shape[1:] != expected or not len(data):
        needed = ", ".join(map(str, expected))
        raise CompressionError(f"calibration data has shape {data.shape}, the network needs (n >= 1, {needed})")
    count = min(settings.calibration_samples, len(data))
    samples = data[np.linspace(0, len(data) - 1, count).astype(np.int64)].astype(np.float32)
    if not np.isfinite(samples).all():
        raise CompressionError("calibration data has values that are not finite: remove or replace them")
    for layer in network.layers:
        if not all(np.isfinite(weight).all() for weight in layer.get_weights()):
            raise CompressionError(f"layer {layer.name!r} has weights that are not finite: its training diverged")
    return samples


def _converted(network: Network, settings: FullIntegerQuantization, samples: npt.NDArray[np.float32]) -> bytes:
    import tensorflow as tf
    from tensorflow.lite.python.convert_phase import ConverterError

    function = tf.function(lambda x: _in_order(network, x), autograph=False)
    concrete = function.get_concrete_function(tf.TensorSpec((1, *samples.shape[1:]), tf.float32, name="input"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converter.representative_dataset = lambda: _one_by_one(samples)
    # Freezing the function itself instead of taking it through a SavedModel on
    # disk gives the same operators in a sixth of the time.
    converter.experimental_lower_to_saved_model = False
    converter._experimental_disable_per_channel = settings.granularity == "tensor"
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

    from compressors.network import nodes_of

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


def _require_integer(graph: Graph) -> None:
    for operator in graph.operators:
        for index in (*operator.inputs, *operator.outputs):
            if index >= 0 and graph.tensors[index].dtype not in (DType.INT8, DType.INT32):
                raise CompressionError(
                    f"{operator.name} would work on {graph.tensors[index].dtype}: the file is not integer throughout, "
                    "and TensorFlow Lite Micro refuses hybrid files; replace the layer"
                )
