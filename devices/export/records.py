"""Facts about a model that is exported: measured figures, golden samples, where it came from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.artifact import Port

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from devices.frontend.table_encoding import Row


class ExportError(Exception):
    """The artifact cannot be exported as asked; the message says what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One measured figure of merit.

    Attributes
    ----------
    name
        ``accuracy`` (validation split), ``test_accuracy`` (test split), ``rmse``, ...
    value
        Measured on the artifact itself, not on the float network.
    n
        Samples it was measured on, at least 1.
    low, high
        95 % interval (Wilson's for a proportion); None where none is known.
    """

    name: str
    value: float
    n: int
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if not self.name or not math.isfinite(self.value) or self.n < 1:
            raise ExportError(
                f"metric {self.name!r} = {self.value} of n = {self.n}: needs a name, a finite value and n >= 1; "
                "leave out what was not measured"
            )
        if self.low is None and self.high is None:
            return
        if self.low is None or self.high is None or not self.low <= self.value <= self.high:
            raise ExportError(
                f"metric {self.name!r}: the interval {self.low}..{self.high} must have both ends and hold the value "
                f"{self.value}; give neither end where it is not known"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """A real sample and what the interpreter answered, as stored values.

    Attributes
    ----------
    input, output
        Elements of the port in C order, little-endian, in the port's own type
        (quantised values for a quantised port, never real ones).
    interpreter
        Which interpreter gave the output, for people: ``tflite-micro 0.dev...``.
    label
        Index of the true class; None where the task has none or it is not known.
    raw
        The raw sample that the front-end made the input of: float32 elements in C
        order, little-endian; None without a front-end, or where it is not known.
    row
        The row of a table that the sample was encoded from; None for other data, or where it is not known.

    Notes
    -----
    Each sample starts from the interpreter's initial state.
    """

    input: bytes
    output: bytes
    interpreter: str
    label: int | None = None
    raw: bytes | None = None
    row: Row | None = None

    @classmethod
    def from_arrays(
        cls,
        x: npt.NDArray[np.generic],
        y: npt.NDArray[np.generic],
        *,
        interpreter: str,
        label: int | None = None,
        raw: npt.NDArray[np.float32] | None = None,
        row: Row | None = None,
    ) -> Golden:
        """A golden sample from the stored values fed to and read from the interpreter.

        Parameters
        ----------
        x, y
            Any shape, with the elements and the element types of the ports.
        raw
            The raw sample, float32 of any shape; None where there is none.
        row
            The row of a table behind it; None where there is none.
        """
        stored = (array.astype(array.dtype.newbyteorder("<")).tobytes() for array in (x, y))
        taken = None if raw is None else raw.astype("<f4").tobytes()
        return cls(input=next(stored), output=next(stored), interpreter=interpreter, label=label, raw=taken, row=row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the model came from.

    Attributes
    ----------
    run, trial
        Name of the run and number of the trial in it.
    tinyfront_version
        Version of TinyFront that exports.
    data
        Name of the data set.
    hyperparameters
        Rows ``(name, value)`` as text: architecture, compression and training as drawn.
    """

    run: str
    trial: int
    tinyfront_version: str
    data: str
    hyperparameters: tuple[tuple[str, str], ...] = ()


def port_elements(port: Port) -> int:
    """Elements of one input or output, batch included."""
    return math.prod(port.shape)
