"""Window functions, periodic as spectra want them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from devices.frontend.frontend import Floats

Window = Literal["hann", "hamming", "rectangular"]
WINDOWS: tuple[Window, ...] = ("hann", "hamming", "rectangular")

_COSINE = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "rectangular": (1.0, 0.0)}


def window(kind: Window, n: int) -> Floats:
    """``a - b cos(2 pi i / n)`` for i = 0..n-1 (Harris 1978, equations 27 and 30b)."""
    a, b = _COSINE[kind]
    return np.array([a - b * math.cos(2 * math.pi * i / n) for i in range(n)], np.float32)
