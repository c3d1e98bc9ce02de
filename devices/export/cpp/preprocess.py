"""The C++ files of a front-end, one function a file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from devices.export.bundle import Bundle
from devices.export.cpp.literals import float_literal, rows
from devices.export.prose import raw_meaning
from devices.export.records import ExportError
from devices.export.templates import render, verbatim

if TYPE_CHECKING:
    from devices.frontend.frontend import Constant
    from devices.frontend.pipeline import Pipeline

_PACKAGE = "devices.export.cpp"
_SCALED = "inline float Standardised(float value, std::size_t i) { return (value - kMean[i]) * kFactor[i]; }"
_UNSCALED = "inline float Standardised(float value, std::size_t) { return value; }"


def frontend_files(bundle: Bundle) -> Mapping[str, bytes]:
    """The front-end's sources, with a program that checks them where a golden sample has raw values; else none."""
    pipeline = bundle.frontend
    if pipeline is None:
        return {}
    made = {"preprocess.h": _header(bundle, pipeline), "preprocess.cc": _source(pipeline)}
    raw = bundle.golden[0].raw if bundle.golden else None
    if raw is not None:
        made["preprocess_golden.h"] = _golden(pipeline, raw)
        made["preprocess_test.cc"] = verbatim(_PACKAGE, "preprocess_test.cc")
    return made


def _header(bundle: Bundle, pipeline: Pipeline) -> bytes:
    frontend, shape = pipeline.frontend, pipeline.input_shape
    is_share = frontend.int16_steps > 1
    fields = {
        "frontend": frontend.name,
        "raw_elements": str(math.prod(shape)),
        "raw_shape": " x ".join(map(str, shape)),
        "raw_meaning": f": values {raw_meaning(bundle)}{', or 16-bit sound' if is_share else ''}",
        "buffer_bytes": str(frontend.buffer_bytes(shape) + 4 * pipeline.row_elements),
    }
    return render(_PACKAGE, "preprocess.h", fields)


def _source(pipeline: Pipeline) -> bytes:
    folder = files("devices.frontend") / "templates"
    sources = [(folder / name).read_text(encoding="utf-8").rstrip("\n") for name in pipeline.frontend.sources()]
    fields = {
        "constants": "\n".join(_constant(name, value) for name, value in pipeline.constants().items()),
        "sources": "\n\n".join(sources),
        "standardised": _UNSCALED if pipeline.standardisation is None else _SCALED,
    }
    return render(_PACKAGE, "preprocess.cc", fields)


def _constant(name: str, value: Constant) -> str:
    if isinstance(value, np.ndarray):
        return _table(name, value)
    if isinstance(value, bool):
        return f"constexpr bool {name} = {'true' if value else 'false'};"
    if isinstance(value, int):
        return f"constexpr std::size_t {name} = {value};"
    return f"constexpr float {name} = {float_literal(value)};"


def _table(name: str, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> str:
    flat = values.reshape(-1)
    if flat.dtype == np.float32:
        kind, literals = "float", [float_literal(float(value)) for value in flat]
    else:
        kind, literals = f"std::{flat.dtype.name}_t", [str(int(value)) for value in flat]
    return f"constexpr {kind} {name}[{len(flat)}] = {{\n{rows(literals)}}};"


def _golden(pipeline: Pipeline, raw: bytes) -> bytes:
    """As 16-bit integers where they are that, which takes half the flash."""
    values = np.frombuffer(raw, "<f4")
    scaled = values * np.float32(pipeline.frontend.int16_steps)
    limits = np.iinfo(np.int16)
    if np.array_equal(scaled, np.clip(np.round(scaled), limits.min, limits.max)):
        return _rendered("std::int16_t", [str(int(value)) for value in scaled])
    return _rendered("float", [float_literal(float(value)) for value in values])


def _rendered(kind: str, literals: list[str]) -> bytes:
    if not literals:
        raise ExportError("the golden raw sample is empty; give one of the front-end's input shape")
    return render(_PACKAGE, "preprocess_golden.h", {"raw_type": kind, "raw": rows(literals)})
