"""Numbers as C++ writes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from devices.artifact import Port
from devices.export.records import ExportError
from devices.graph import DType

_PER_LINE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredType:
    """A port's element type: its C++ name and how stored bytes are read."""

    cpp: str
    numpy: str


_TYPES = {
    DType.INT8: StoredType(cpp="std::int8_t", numpy="<i1"),
    DType.UINT8: StoredType(cpp="std::uint8_t", numpy="<u1"),
    DType.INT16: StoredType(cpp="std::int16_t", numpy="<i2"),
    DType.INT32: StoredType(cpp="std::int32_t", numpy="<i4"),
    DType.FLOAT32: StoredType(cpp="float", numpy="<f4"),
}


def stored_type(side: str, port: Port) -> StoredType:
    """The C++ type of `port`, the network's `side` ("input" or "output").

    Raises
    ------
    ExportError
        For a type that C++ has no plain name for.
    """
    if port.dtype not in _TYPES:
        known = ", ".join(dtype.value for dtype in _TYPES)
        raise ExportError(
            f"{side} is {port.dtype.value}; target 'cpp' takes {known}: convert the network with one of these, or "
            "export target 'tflite'"
        )
    return _TYPES[port.dtype]


def float_literal(value: float) -> str:
    """The float32 nearest to `value`, exactly.

    Raises
    ------
    ExportError
        Where that is not finite.
    """
    with np.errstate(over="ignore"):
        single = np.float32(value)
    if not np.isfinite(single):
        raise ExportError(f"{value} is no finite float32 and cannot be written into a C++ source; check the data")
    text = format(float(single), ".9g")
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def double_literal(value: float) -> str:
    """`value` in double precision, exactly.

    Raises
    ------
    ExportError
        Where it is not finite.
    """
    if not np.isfinite(value):
        raise ExportError(f"{value} is no finite number and cannot be written into a C++ source; check the data")
    return repr(float(value))


def stored_literals(stored: bytes, kind: StoredType) -> list[str]:
    """One literal per element of `stored`, little-endian elements of `kind`."""
    elements = np.frombuffer(stored, dtype=kind.numpy)
    if kind.cpp == "float":
        return [float_literal(float(element)) for element in elements]
    return [str(int(element)) for element in elements]


def byte_rows(content: bytes) -> str:
    """`content` as lines of hexadecimal literals."""
    return rows(f"0x{byte:02x}" for byte in content)


def rows(literals: Iterable[str], indent: str = "    ") -> str:
    """Comma-separated lines of 16 literals."""
    items = list(literals)
    lines = (items[start : start + _PER_LINE] for start in range(0, len(items), _PER_LINE))
    return ",\n".join(indent + ", ".join(line) for line in lines)
