"""Two files compared on inputs by TensorFlow Lite Micro, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from compressors.compressor import CompressionError

if TYPE_CHECKING:
    from devices.artifact import Artifact, Port

Array = npt.NDArray[Any]

_MOST_INPUTS = 16
_ARENA_BYTES = 1 << 26  # far above any microcontroller's RAM; what is not touched costs nothing


def require_equal_outputs(plain: Artifact, compressed: Artifact, inputs: npt.NDArray[np.float32]) -> None:
    """Run both artifacts on the first 16 of `inputs`, float32 (n, *input_shape).

    Raises
    ------
    CompressionError
        When an output differs, the ``tflite-micro`` package is missing or
        does not run a file.
    """
    first, second = _runner(plain.content), _runner(compressed.content)
    for number, sample in enumerate(inputs[:_MOST_INPUTS]):
        stored = _stored(plain.input, sample)
        if not np.array_equal(first(stored), second(stored)):
            raise CompressionError(
                f"the compressed file computes other outputs than the plain one on calibration input {number}: "
                "the installed tflite-micro package is at fault; install another or leave the technique out"
            )


def _runner(content: bytes) -> Callable[[Array], Array]:
    try:
        from tflite_micro import runtime

        interpreter = runtime.Interpreter.from_bytes(content, arena_size=_ARENA_BYTES)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise CompressionError(
            f"the file cannot be checked in TensorFlow Lite Micro ({error}): leave the technique out"
        ) from error

    def run(stored: Array) -> Array:
        interpreter.reset()
        interpreter.set_input(stored, 0)
        interpreter.invoke()
        output: Array = interpreter.get_output(0)
        return output

    return run


def _stored(port: Port, sample: npt.NDArray[np.float32]) -> Array:
    """One input as the file takes it, with a batch of 1."""
    kind = np.dtype(str(port.dtype))
    if port.scale == 0.0:
        return np.ascontiguousarray(sample[np.newaxis], kind)
    limits = np.iinfo(kind)
    steps = np.rint(sample[np.newaxis] / port.scale) + port.zero_point
    return np.ascontiguousarray(np.clip(steps, limits.min, limits.max), kind)
