"""Templates are read from the package, and what is put in stays as it is."""

from __future__ import annotations

import pytest

from devices.export.templates import render, verbatim


def test_text_put_in_is_not_searched_for_placeholders() -> None:
    assert b"$bytes" in render("devices.export.cpp", "model.cc", {"array": "$bytes"})


def test_a_missing_field_is_an_error() -> None:
    with pytest.raises(KeyError, match="array"):
        render("devices.export.cpp", "model.cc", {})


def test_verbatim_keeps_dollars() -> None:
    assert b"$(TFLM_DIR)" in verbatim("devices.export.cpp", "Makefile")
