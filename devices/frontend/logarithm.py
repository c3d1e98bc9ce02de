"""The natural logarithm in single precision, of basic operations only.

Mathematical libraries differ in the last digit; additions, multiplications
and divisions do not.  ``ln(2^e m) = e ln 2 + 2 artanh((m - 1) / (m + 1))``
with m in (0.707, 1.415], the inverse hyperbolic tangent by its series to the
ninth power (DLMF 4.38.5), whose rest is below 1e-9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from devices.frontend.frontend import Floats

SOURCE = "logarithm.inc"
SIMPLE_OPERATIONS, SLOW_OPERATIONS = 14, 1

LN2 = np.float32(0.6931471805599453)
_TURN = np.float32(1.4142135)
_SERIES = tuple(np.float32(1.0 / power) for power in (9, 7, 5, 3))
_ONE, _HALF = np.float32(1), np.float32(0.5)


def natural_log(x: Floats) -> Floats:
    """Natural logarithm of every element, to about 1e-7 of it; for normal numbers above 0 only."""
    bits = x.view(np.int32)
    exponent = (bits >> 23) - 127
    mantissa = ((bits & 0x7FFFFF) | 0x3F800000).view(np.float32)
    large = mantissa > _TURN
    mantissa = np.where(large, mantissa * _HALF, mantissa)
    exponent = (exponent + large).astype(np.float32)
    s = (mantissa - _ONE) / (mantissa + _ONE)
    square = s * s
    series = _SERIES[0] * square + _SERIES[1]
    series = series * square + _SERIES[2]
    series = series * square + _SERIES[3]
    twice = s + s
    result: Floats = exponent * LN2 + (twice + twice * (series * square))
    return result
