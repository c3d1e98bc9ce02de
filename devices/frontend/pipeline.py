"""A front-end with what was fitted to the training data: the whole way from a raw sample to the network's input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from devices.frontend.cost import FrontendCost, Operations, cost_of
from devices.frontend.frontend import Frontend, FrontendError
from devices.frontend.standardise import Standardisation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.device import Device
    from devices.frontend.frontend import Constant, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """From raw samples to network inputs.

    Attributes
    ----------
    input_shape
        Shape of one raw sample.
    frontend
        What makes the features.
    standardisation
        Of the features; None leaves them on their own scale.

    Raises
    ------
    FrontendError
        When the front-end does not take such samples, or the standardisation is of other features.
    """

    input_shape: tuple[int, ...]
    frontend: Frontend
    standardisation: Standardisation | None = None

    def __post_init__(self) -> None:
        self.frontend.outline(self.input_shape)
        if self.standardisation is not None and len(self.standardisation.mean) != self.row_elements:
            raise FrontendError(
                f"standardisation is of {len(self.standardisation.mean)} features, a row of {self.frontend.name} has "
                f"{self.row_elements}"
            )

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one network input."""
        return self.frontend.outline(self.input_shape)

    @property
    def row_elements(self) -> int:
        """Features that the device computes at a time."""
        return self.frontend.row_elements(self.input_shape)

    def apply(self, x: Floats) -> Floats:
        """Network inputs float32 (n, *output_shape) of raw samples float32 (n, *input_shape).

        Raises
        ------
        FrontendError
            When a feature is not finite.
        """
        features = self.frontend.apply(x)
        if not np.isfinite(features).all():
            sample = int(np.flatnonzero(~np.isfinite(features.reshape(len(features), -1)).all(axis=1))[0])
            raise FrontendError(
                f"features of sample {sample} are not finite: its raw values are too large for {self.frontend.name} "
                "in single precision; change the unit they are in"
            )
        return features if self.standardisation is None else self.standardisation.apply(features)

    def constants(self) -> Mapping[str, Constant]:
        """C++ constants of the sources, the standardisation's included."""
        return {
            **self.frontend.constants(self.input_shape),
            "kRowElements": self.row_elements,
            **self._fitted_constants(),
        }

    def _fitted_constants(self) -> dict[str, Constant]:
        if self.standardisation is None:
            return {}
        return {
            "kMean": np.array(self.standardisation.mean, np.float32),
            "kFactor": np.array(self.standardisation.factor, np.float32),
        }

    def operations(self) -> Operations:
        """What one sample takes, from raw values to stored network inputs."""
        own = self.frontend.operations(self.input_shape)
        values = math.prod(self.output_shape)
        fitted = 0 if self.standardisation is None else 2 * values
        return Operations(simple=own.simple + fitted + 5 * values, slow=own.slow + values, integer=own.integer)

    def cost(self, device: Device) -> FrontendCost:
        """What it takes on a device (`devices.frontend.cost`): the raw sample is held in RAM as a whole."""
        return _cost(self, device)


@lru_cache(maxsize=16)  # asked for with every candidate
def _cost(pipeline: Pipeline, device: Device) -> FrontendCost:
    frontend, shape = pipeline.frontend, pipeline.input_shape
    tables = [value for value in pipeline.constants().values() if isinstance(value, np.ndarray)]
    raw = frontend.raw_value_bytes * math.prod(shape)
    return cost_of(
        pipeline.operations(),
        device,
        table_bytes=sum(table.nbytes for table in tables),
        code_bytes=frontend.code_bytes,
        ram_bytes=frontend.buffer_bytes(shape) + 4 * pipeline.row_elements + raw,
    )
