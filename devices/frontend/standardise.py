"""Mean 0 and deviation 1 for every feature, fitted on the training data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from devices.frontend.cost import Operations
from devices.frontend.frontend import FrontendError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.frontend.frontend import Constant, Floats

_MOST_FEATURES = 16384
_FLAT = 1e-6  # a deviation below this share of the mean is rounding, not signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardisation:
    """``x = (feature - mean) * factor`` for each feature of a row; all rows alike.

    Attributes
    ----------
    mean, factor
        One for each feature of a row, as single-precision numbers.

    Raises
    ------
    FrontendError
        When they differ in length, are too many, or one is not finite in single precision.
    """

    mean: tuple[float, ...]
    factor: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.factor) or not 1 <= len(self.mean) <= _MOST_FEATURES:
            raise FrontendError(
                f"standardisation has {len(self.mean)} means and {len(self.factor)} factors: equally many are needed, "
                f"1 to {_MOST_FEATURES}"
            )
        most = float(np.finfo(np.float32).max)
        if not all(math.isfinite(value) and abs(value) <= most for value in (*self.mean, *self.factor)):
            raise FrontendError("standardisation: a mean or factor is no finite single-precision number")
        if 0.0 in self.factor:
            raise FrontendError("standardisation: a factor is 0: features spread too far for single precision")

    @classmethod
    def fitted(cls, features: Floats, row_elements: int) -> Standardisation:
        """Means and deviations of all rows of features (n, ...); a feature that hardly changes keeps its scale.

        Raises
        ------
        FrontendError
            When a row has too many features, or their spread is out of range.
        """
        rows = features.reshape(-1, row_elements)
        mean = rows.mean(axis=0, dtype=np.float64)
        deviation = rows.std(axis=0, dtype=np.float64)
        is_flat = deviation <= _FLAT * np.abs(mean)
        factor = 1.0 / np.where(is_flat, 1.0, deviation)
        with np.errstate(over="ignore"):
            return cls(mean=tuple(mean.astype(np.float32).tolist()), factor=tuple(factor.astype(np.float32).tolist()))

    def apply(self, features: Floats) -> Floats:
        """Network inputs of the shape of `features`."""
        rows = features.reshape(-1, len(self.mean))
        scaled = (rows - np.array(self.mean, np.float32)) * np.array(self.factor, np.float32)
        return scaled.reshape(features.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardise:
    """The front-end that leaves raw values as they are, for their standardisation alone; it has no settings.

    Of windows and images each channel is standardised, of tables each column.
    """

    name: ClassVar[str] = "standardise"
    raw_value_bytes: ClassVar[int] = 4

    @property
    def code_bytes(self) -> int:
        """Machine code of the C++ source (estimated)."""
        return 500

    @property
    def int16_steps(self) -> int:
        """1: raw values as they are in the data."""
        return 1

    def outline(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the input.

        Raises
        ------
        FrontendError
            When a row is too long.
        """
        if not input_shape or input_shape[-1] > _MOST_FEATURES:
            raise FrontendError(
                f"input has shape {input_shape}: at most {_MOST_FEATURES} features are standardised one by one"
            )
        return input_shape

    def row_elements(self, input_shape: tuple[int, ...]) -> int:
        """Channels, or columns of a table."""
        return self.outline(input_shape)[-1]

    def apply(self, x: Floats) -> Floats:
        """The raw values, float32."""
        self.outline(x.shape[1:])
        return x.astype(np.float32, copy=False)

    def sources(self) -> tuple[str, ...]:
        """C++ sources in the order they are put together."""
        return ("standardise.inc",)

    def constants(self, input_shape: tuple[int, ...]) -> Mapping[str, Constant]:
        """C++ constants of the sources."""
        return {"kRows": math.prod(input_shape) // self.row_elements(input_shape)}

    def operations(self, input_shape: tuple[int, ...]) -> Operations:
        """None beside the standardisation."""
        del input_shape
        return Operations(simple=0)

    def buffer_bytes(self, input_shape: tuple[int, ...]) -> int:
        """None."""
        del input_shape
        return 0
