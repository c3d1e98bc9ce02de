"""What is shipped: the bytes of a ``.tflite`` and how to talk to it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

from devices.graph import DType


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An input or output of the network: ``real = scale * (stored - zero_point)``.

    `scale` is 0.0 for an unquantised (float) port.  `shape` has the batch first.
    """

    shape: tuple[int, ...]
    dtype: DType
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalization:
    """How a raw sensor value becomes a network input: ``x = (raw - offset) * factor``.

    Raises
    ------
    ValueError
        When a number is not finite or the factor is 0.
    """

    offset: float
    factor: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.offset) and math.isfinite(self.factor)) or self.factor == 0:
            raise ValueError(
                f"normalization (offset {self.offset}, factor {self.factor}): both must be finite and the factor "
                "not 0; take them from the data set the network was trained on"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A quantity that a network predicts: ``value = output * deviation + mean``, in the target's unit.

    Attributes
    ----------
    name
        What it is called.
    mean, deviation
        Of the target in the training split: networks learn (value - mean) / deviation.

    Raises
    ------
    ValueError
        When a number is not finite or the deviation is not above 0.
    """

    name: str
    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.deviation) and self.deviation > 0):
            raise ValueError(
                f"target {self.name!r} (mean {self.mean}, deviation {self.deviation}): both must be finite and the "
                "deviation above 0; take them from the data set the network was trained on"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """The file that would be flashed, as it is or as a package.

    Attributes
    ----------
    content
        Bytes of the ``.tflite``, slimmed.
    input, output
        The network's one input and one output.
    labels
        Class names in output order; empty where the task has none.
    package
        The content Huffman-coded (`devices.coding.package.pack`), which is flashed
        instead and unpacked into RAM when the device starts; None where the
        content itself is flashed.
    """

    content: bytes
    input: Port
    output: Port
    labels: tuple[str, ...] = ()
    package: bytes | None = None

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def model_bytes(self) -> int:
        """Bytes of the file."""
        return len(self.content)
