"""Numbers survive the way into C++ to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.export.bundle import Bundle
from devices.export.cpp.literals import byte_rows, double_literal, float_literal, rows, stored_literals, stored_type
from devices.export.records import ExportError
from devices.graph import DType


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_float_literal_is_exact(value: float) -> None:
    literal = float_literal(value)
    assert literal.endswith("f")
    assert "." in literal or "e" in literal
    assert np.float32(literal[:-1]).tobytes() == np.float32(value).tobytes()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_double_literal_is_exact(value: float) -> None:
    literal = double_literal(value)
    assert "." in literal or "e" in literal
    assert np.float64(literal).tobytes() == np.float64(value).tobytes()
    with pytest.raises(ExportError, match="no finite number"):
        double_literal(float("inf"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e39])
def test_refuses_what_is_no_finite_float32(value: float) -> None:
    with pytest.raises(ExportError, match="no finite float32"):
        float_literal(value)


@pytest.mark.parametrize(
    ("dtype", "values", "literals"),
    [
        (DType.INT8, [-128, 127], ["-128", "127"]),
        (DType.UINT8, [0, 255], ["0", "255"]),
        (DType.INT16, [-32768, 258], ["-32768", "258"]),
        (DType.FLOAT32, [1.0, -0.5], ["1.0f", "-0.5f"]),
    ],
)
def test_stored_literals(bundle: Bundle, dtype: DType, values: list[float], literals: list[str]) -> None:
    kind = stored_type("input", replace(bundle.artifact.input, dtype=dtype))
    assert stored_literals(np.array(values, dtype=kind.numpy).tobytes(), kind) == literals


def test_refuses_a_type_without_a_name(bundle: Bundle) -> None:
    port = replace(bundle.artifact.output, dtype=DType.INT4)
    with pytest.raises(ExportError, match="output is int4; target 'cpp' takes int8, uint8"):
        stored_type("output", port)


def test_rows_of_sixteen() -> None:
    assert [line.count(",") for line in rows(map(str, range(33))).splitlines()] == [16, 16, 0]
    assert byte_rows(b"\x00\xff") == "    0x00, 0xff"
