"""The Markdown fragments that card and read-me share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.export.bundle import Bundle
from devices.export.prose import cost_table, interpreters, metric_table, plus, port_text, raw_meaning
from devices.graph import DType
from tests.devices.export.cpp.tables import MIXED, fed_rows, rows_of


def test_cost_table_says_what_is_estimated(bundle: Bundle) -> None:
    text = cost_table(bundle)
    assert "| `latency_ms` | 1.5 | estimated | one inference |" in text
    assert f"| `model_bytes` | {bundle.artifact.model_bytes} | exact |" in text
    assert "- **estimated**: by a model" in text


def test_metric_table_has_n_and_interval(bundle: Bundle) -> None:
    text = metric_table(bundle)
    assert "| test\\_accuracy | 0.95 | 360 | 0.922 to 0.968 |" in text
    assert "| rmse | 0.125 | 360 | not known |" in text
    assert "No figure of merit" in metric_table(replace(bundle, metrics=()))


def test_port_text(bundle: Bundle) -> None:
    assert port_text(bundle.artifact.input) == "int8, shape 1 x 12, real = 0.05 * (stored + 3)"
    plain = replace(bundle.artifact.input, dtype=DType.FLOAT32, scale=0.0, zero_point=0)
    assert port_text(plain) == "float32, shape 1 x 12, not quantised"


def test_interpreters_are_named_once(bundle: Bundle) -> None:
    other = replace(bundle.golden[0], interpreter="litert_ref")
    assert interpreters(replace(bundle, golden=(*bundle.golden, other))) == "tflite-micro, litert\\_ref"


@pytest.mark.parametrize(("value", "text"), [(3, "+ 3"), (0, "+ 0"), (-128, "- 128")])
def test_plus(value: int, text: str) -> None:
    assert plus(value) == text


def test_raw_values_of_a_table_are_encoded(bundle: Bundle) -> None:
    assert raw_meaning(bundle) == "as in the data"
    made = fed_rows(bundle, MIXED, rows_of(MIXED, 1))
    assert raw_meaning(made) == "as EncodeRow in columns.h makes them of a row"
