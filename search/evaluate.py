"""Accuracy of the artifact, run by the device's own interpreter.

The ``tflite-micro`` wheel gives the same output bytes as the kernels on a
Cortex-M; LiteRT is the stand-in where that wheel does not exist, and its
outputs may differ by a few steps of the output scale.  One inference of a
net of a few thousand weights takes about 40 microseconds, of which setting
the input and fetching the output are not measurable; the arena's size costs
nothing either.
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from search.errors import DataError, TinyFrontError, ToolchainError
from search.record import InterpreterName, Proportion

if TYPE_CHECKING:
    from compressors.compressor import Network
    from devices.artifact import Artifact, Port
    from devices.device import Runtime
    from search.datasets.dataset import Dataset, Split
    from search.metrics.measure import HeldOut, Judged
    from search.metrics.measurement import Measurement

Array: TypeAlias = npt.NDArray[Any]
T = TypeVar("T")

_PACKAGES: dict[InterpreterName, str] = {
    "tflm": "tflite-micro",
    "litert": "ai-edge-litert",
    "xnnpack": "ai-edge-litert",
}
# Far above any microcontroller's RAM, so that an artifact which is over budget can still be scored.
_ARENA_BYTES = (16 << 20, 256 << 20)
_BATCH = 512


class EvaluationError(TinyFrontError):
    """The interpreter does not run this artifact; the message says what it answered."""


def available_interpreter(runtime: Runtime = "tflm") -> InterpreterName:
    """The best interpreter of this machine for the runtime of a device.

    For TensorFlow Lite Micro ``tflm`` where its wheel imports (Linux x86-64),
    else ``litert``, a stand-in; for LiteRT ``xnnpack``: LiteRT with the kernels
    that a Linux board runs.

    Raises
    ------
    ToolchainError
        When none can be imported.
    """
    if runtime == "tflm":
        try:
            from tflite_micro import runtime as _  # noqa: F401
        except (ImportError, OSError):
            pass
        else:
            return "tflm"
    try:
        from ai_edge_litert import interpreter  # noqa: F401
    except (ImportError, OSError) as error:
        wanted = "tflite-micro (Linux x86-64) or ai-edge-litert" if runtime == "tflm" else "ai-edge-litert"
        raise ToolchainError(f"no interpreter for .tflite files can be imported ({error}): install {wanted}") from error
    return "litert" if runtime == "tflm" else "xnnpack"


def interpreter_version(interpreter: InterpreterName) -> str:
    """Version of the package behind `interpreter`; ToolchainError when it is not installed."""
    try:
        return metadata.version(_PACKAGES[interpreter])
    except metadata.PackageNotFoundError as error:
        raise ToolchainError(f"{_PACKAGES[interpreter]} is not installed: pip install it") from error


def quantize(port: Port, x: npt.NDArray[np.float32]) -> Array:
    """Stored values of real inputs, as the exported ``QuantizeInput`` computes them in single precision.

    ``round(x / scale) + zero_point``, halves away from zero (as TFLite's
    QUANTIZE operator), cut off at the ends of the type; NaN gives the lowest.

    Parameters
    ----------
    port
        The artifact's input; a scale of 0 means that it takes floats.
    x
        Real values of any shape.

    Returns
    -------
    Contiguous array of the port's type, of the shape of `x`.
    """
    if port.scale == 0.0:
        return np.ascontiguousarray(x, np.dtype(str(port.dtype)))
    limits = np.iinfo(np.dtype(str(port.dtype)))
    with np.errstate(over="ignore"):  # far outside of the training data: cut off below
        quotient = (x.astype(np.float32, copy=False) / np.float32(port.scale)).astype(np.float64)
    rounded = np.trunc(quotient + np.copysign(0.5, quotient))  # exact: a single-precision value plus a half
    stored = np.clip(rounded + port.zero_point, limits.min, limits.max)
    return np.ascontiguousarray(np.where(np.isnan(stored), limits.min, stored).astype(limits.dtype))


def dequantized(port: Port, stored: Array) -> npt.NDArray[np.float64]:
    """Real values of stored outputs: ``scale * (stored - zero_point)``; floats stay as they are."""
    values = stored.astype(np.float64)
    return values if port.scale == 0.0 else (values - port.zero_point) * port.scale


def predict(artifact: Artifact, x: npt.NDArray[np.float32], interpreter: InterpreterName) -> Array:
    """Outputs of the artifact, one inference a sample, its state cleared before each.

    Parameters
    ----------
    artifact
        The file to run; a crash of the interpreter on a file of foreign origin ends the process.
    x
        Network inputs (n, *input_shape), not quantised, n >= 1.
    interpreter
        What runs it.

    Returns
    -------
    Stored outputs (n, *output_shape) in the output's own type, int8 as a rule.

    Raises
    ------
    EvaluationError
        When the shape of `x` does not fit, or the interpreter refuses the artifact.
    ToolchainError
        When the interpreter is not installed.
    """
    if x.shape[1:] != artifact.input.shape[1:] or artifact.input.shape[0] != 1:
        raise EvaluationError(
            f"the artifact takes one input of shape {artifact.input.shape}, "
            f"the data has {x.shape[1:]}: score it on the data it was made for"
        )
    stored = quantize(artifact.input, x)[:, np.newaxis]  # (n, 1, *input_shape)
    infer = _OPENERS[interpreter](artifact.content)
    try:
        return np.concatenate([infer(sample) for sample in stored])
    except (RuntimeError, ValueError) as error:
        raise EvaluationError(f"{interpreter} failed in an inference: {error}") from error


def accuracy(artifact: Artifact, split: Split, interpreter: InterpreterName) -> Proportion:
    """Share of a split that the artifact classifies right.

    The class is the first of the greatest stored outputs, as on the device:
    int8 outputs do tie.

    Raises
    ------
    EvaluationError, ToolchainError
        As `predict` does.
    """
    outputs = predict(artifact, split.x, interpreter).reshape(len(split), -1)
    return Proportion(correct=int((outputs.argmax(axis=1) == split.y).sum()), n=len(split))


def quality(artifact: Artifact, data: Dataset, interpreter: InterpreterName) -> float:
    """How well an artifact does on the validation split, by the metric of `float_quality`.

    Raises
    ------
    EvaluationError, ToolchainError
        As `predict` does.
    """
    from search.metrics.catalog import quality_metric
    from search.metrics.measure import figures

    if data.task == "classification":
        return accuracy(artifact, data.validation, interpreter).value
    found = figures(data, data.validation, answers(artifact, data.validation, interpreter))
    return found[quality_metric(data.task)]


def answers(artifact: Artifact, split: Split, interpreter: InterpreterName) -> npt.NDArray[np.float64]:
    """Outputs (n, outputs) of the artifact on a split, as real values; errors are those of `predict`."""
    outputs = predict(artifact, split.x, interpreter).reshape(len(split), -1)
    return dequantized(artifact.output, outputs)


def judged(artifact: Artifact, data: Dataset, interpreter: InterpreterName) -> Judged:
    """What the validation split says of the artifact, by one inference a sample.

    Raises
    ------
    EvaluationError, ToolchainError
        As `predict` does.
    """
    from search.metrics import measure

    return measure.judged(data, answers(artifact, data.validation, interpreter))


def held_out(artifact: Artifact, data: Dataset, interpreter: InterpreterName) -> HeldOut:
    """What the test split says of the artifact.

    Raises
    ------
    EvaluationError, ToolchainError
        As `predict` does.
    """
    from search.metrics import measure

    return measure.held_out(data, answers(artifact, data.test, interpreter))


def float_accuracy(network: Network, split: Split) -> float:
    """Share of a split that a float network classifies right, 0..1.

    For choices on the way to an artifact, such as how far to prune; what is
    reported is the accuracy of the artifact.
    """
    return float((float_outputs(network, split).argmax(axis=1) == split.y).mean())


def float_quality(network: Network, data: Dataset) -> float:
    """How well a float network does on the validation split, at most 1: accuracy, R2 of values, ROC AUC of anomalies.

    For choices on the way to an artifact, as `float_accuracy`.
    """
    from search.metrics.catalog import quality_metric
    from search.metrics.measure import figures

    outputs = float_outputs(network, data.validation)
    return figures(data, data.validation, outputs)[quality_metric(data.task)]


def float_metrics(network: Network, data: Dataset) -> Mapping[str, Measurement]:
    """Every metric of the data's task by name, of a float network on the validation split.

    Raises
    ------
    DataError
        When values, or inputs given back, are not finite.
    """
    from search.metrics.measure import measure, not_finite

    outputs = float_outputs(network, data.validation)
    if data.task != "classification" and (wrong := not_finite(outputs, "validation")):
        raise DataError(wrong)
    return measure(data, data.validation, outputs)


def float_outputs(network: Network, split: Split) -> npt.NDArray[np.float32]:
    """Outputs (n, *output_shape) of a float network on a split."""
    return np.concatenate(
        [np.asarray(network(split.x[i : i + _BATCH], training=False)) for i in range(0, len(split), _BATCH)]
    )


def _tflm(content: bytes) -> Callable[[Array], Array]:
    """Inference of one sample (1, *input_shape) by TensorFlow Lite Micro."""
    try:
        from tflite_micro import runtime
    except (ImportError, OSError) as error:
        raise ToolchainError(f"tflite-micro cannot be imported ({error}): install it, or use litert") from error
    said = ""
    for arena_bytes in _ARENA_BYTES:
        made, said = _with_stderr(functools.partial(runtime.Interpreter.from_bytes, content, arena_size=arena_bytes))
        if made is not None:
            return _bound(made.reset, made.set_input, made.invoke, made.get_output, 0, 0)
    raise EvaluationError(f"TensorFlow Lite Micro does not run this file: {said}")


def _litert(content: bytes) -> Callable[[Array], Array]:
    """Inference of one sample by LiteRT's builtin kernels: XNNPACK's differ more from a microcontroller's."""
    return _opened(content, xnnpack=False)


def _xnnpack(content: bytes) -> Callable[[Array], Array]:
    """Inference of one sample by LiteRT as it runs on a Linux board: XNNPACK's kernels where it has them."""
    return _opened(content, xnnpack=True)


def _opened(content: bytes, *, xnnpack: bool) -> Callable[[Array], Array]:
    try:
        from ai_edge_litert import interpreter as litert
    except (ImportError, OSError) as error:
        raise ToolchainError(f"ai-edge-litert cannot be imported ({error}): install it") from error
    kinds = litert.OpResolverType
    kernels = kinds.BUILTIN if xnnpack else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES

    def make() -> Any:
        made = litert.Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=kernels)
        made.allocate_tensors()
        return made

    made, said = _with_stderr(make)
    if made is None:
        raise EvaluationError(f"LiteRT does not run this file: {said}")
    source, sink = made.get_input_details()[0]["index"], made.get_output_details()[0]["index"]

    def give(sample: Array, index: int) -> None:
        made.set_tensor(index, sample)

    return _bound(made.reset_all_variables, give, made.invoke, made.get_tensor, source, sink)


_OPENERS: dict[InterpreterName, Callable[[bytes], Callable[[Array], Array]]] = {
    "tflm": _tflm,
    "litert": _litert,
    "xnnpack": _xnnpack,
}


def _bound(
    reset: Callable[[], object],
    give: Callable[[Array, int], object],
    invoke: Callable[[], object],
    take: Callable[[int], Array],
    source: int,
    sink: int,
) -> Callable[[Array], Array]:
    def infer(sample: Array) -> Array:
        reset()
        give(sample, source)
        invoke()
        return take(sink)

    return infer


def _with_stderr(make: Callable[[], T]) -> tuple[T | None, str]:
    """What `make` made, or None and the reason: interpreters give theirs on the C library's stderr only."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as stream:
        os.dup2(stream.fileno(), 2)
        try:
            return make(), ""
        except (RuntimeError, ValueError) as error:
            stream.seek(0)
            lines = stream.read().decode(errors="replace").split("\n")
            return None, "; ".join([*(line.strip() for line in lines if line.strip()), str(error)][-4:])
        finally:
            os.dup2(kept, 2)
            os.close(kept)
