"""The operator table against TensorFlow Lite Micro's own header."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from devices.export.cpp.kernels import BUILTIN_METHODS, CUSTOM_METHODS, TYPED


@pytest.fixture
def methods() -> dict[str, str]:
    """Body of every ``Add...`` method of ``micro_mutable_op_resolver.h``."""
    if "TFLM_DIR" not in os.environ:
        pytest.skip("TFLM_DIR, a folder of TensorFlow Lite Micro sources, is not set")
    path = Path(os.environ["TFLM_DIR"], "tensorflow/lite/micro/micro_mutable_op_resolver.h")
    public = path.read_text().split(" private:")[0]
    return dict(re.findall(r"TfLiteStatus (Add[A-Z]\w*)\(.*?\{(.*?)\n  \}", public, re.DOTALL))


def test_the_builtins_of_the_header_are_those_of_the_table(methods: dict[str, str]) -> None:
    found = {name: re.search(r"AddBuiltin\(\s*BuiltinOperator_(\w+)", body) for name, body in methods.items()}
    assert {match[1]: name for name, match in found.items() if match} == BUILTIN_METHODS


def test_the_custom_operators_of_the_header_are_those_of_the_table(methods: dict[str, str]) -> None:
    """All but Ethos-U's, whose name the header leaves to a function."""
    found = {name: re.search(r'AddCustom\(\s*"([^"]+)"', body) for name, body in methods.items()}
    assert {match[1]: name for name, match in found.items() if match} | {"ethos-u": "AddEthosU"} == CUSTOM_METHODS
    assert "AddEthosU" in methods


def test_typed_operators_have_a_method() -> None:
    assert set(TYPED) <= set(BUILTIN_METHODS)
