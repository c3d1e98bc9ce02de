"""What every front-end offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from devices.frontend.cost import Operations

    Floats: TypeAlias = npt.NDArray[np.float32]
    Constant: TypeAlias = int | float | bool | npt.NDArray[Any]


class FrontendError(ValueError):
    """Settings or a sample shape that a front-end cannot take; the message says what to do."""


class Frontend(Protocol):
    """One kind of front-end.  Adding one is a file, a C++ source and a line in `devices.frontend.catalog.FRONTENDS`.

    Features are made in rows, all of one length: the frames of a sound, or one
    row for a whole window.  Rows one after the other are the features in C order.

    Attributes
    ----------
    name
        What a job calls it: lower case with underscores.
    raw_value_bytes
        Bytes in which the device holds one raw value: 2 for sound, which a
        microphone gives as 16-bit integers, 4 for all else.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]  # a record of settings

    name: ClassVar[str]
    raw_value_bytes: ClassVar[int]

    @property
    def code_bytes(self) -> int:
        """Machine code of its C++ source (estimated): what Clang (Zig 0.17.1) makes of it for a Cortex-M4 at -O2."""

    @property
    def int16_steps(self) -> int:
        """What the C++ source that takes 16-bit integers takes for a raw value of 1."""

    def outline(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the features of one sample.

        Raises
        ------
        FrontendError
            When a sample of that shape cannot be taken.
        """

    def row_elements(self, input_shape: tuple[int, ...]) -> int:
        """Features that the device computes at a time; divides their number."""

    def apply(self, x: Floats) -> Floats:
        """Features float32 (n, *outline) of raw samples float32 (n, *input_shape).

        Raises
        ------
        FrontendError
            When samples of that shape cannot be taken.
        """

    def sources(self) -> tuple[str, ...]:
        """C++ sources in ``templates``, those that are used by others first; the last defines ``ExtractRow``."""

    def constants(self, input_shape: tuple[int, ...]) -> Mapping[str, Constant]:
        """Values of the C++ constants that the sources name."""

    def operations(self, input_shape: tuple[int, ...]) -> Operations:
        """What one sample takes, counted along the loops of the C++ source."""

    def buffer_bytes(self, input_shape: tuple[int, ...]) -> int:
        """Static buffers of the C++ source, its row and the raw sample apart."""
