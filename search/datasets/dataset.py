"""A data set that is ready to train on: three splits, labels, normalisation."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.artifact import Normalization
from search.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from devices.frontend.pipeline import Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Inputs float32 (n, *input_shape) as the network takes them, targets int64 (n,)."""

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Three splits of one data set.

    Attributes
    ----------
    name
        Name of the set, for people.
    train, validation, test
        Disjoint splits, each with at least one sample; `test` is opened once, at the end.
    labels
        Class names; target ``k`` means ``labels[k]``.
    normalization
        How raw values, or features where there is a front-end, became network
        inputs; the export says so to the device's program.
    sample_rate_hz
        Of sound and of sensors; None where it is not known.
    frontend
        What made features of raw samples; None where there is no front-end.
    raw
        The first few raw samples of the validation split, float32, where there is a front-end.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    labels: tuple[str, ...]
    normalization: Normalization
    sample_rate_hz: int | None = None
    frontend: Pipeline | None = None
    raw: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        for part in (self.train, self.validation, self.test):
            if len(part.x) != len(part.y) or not len(part.x):
                raise DataError(f"data {self.name!r}: a split has {len(part.x)} inputs and {len(part.y)} labels")
            if part.x.shape[1:] != self.input_shape:
                raise DataError(
                    f"data {self.name!r}: splits differ in shape, {part.x.shape[1:]} and {self.input_shape}"
                )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input: (features,) or (height, width, channels)."""
        return tuple(int(n) for n in self.train.x.shape[1:])

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.labels)

    def digest(self) -> str:
        """SHA-256 over all arrays and labels: the identity of the data."""
        digest = hashlib.sha256(repr((self.labels, self.normalization)).encode())
        if self.frontend is not None:
            digest.update(repr(self.frontend).encode())
        for part in (self.train, self.validation, self.test):
            digest.update(repr(part.x.shape).encode())
            digest.update(part.x.tobytes())
            digest.update(part.y.tobytes())
        return digest.hexdigest()
