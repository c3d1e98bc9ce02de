"""Every export target by name."""

from __future__ import annotations

from devices.export.cpp.cpp import CppTarget
from devices.export.records import ExportError
from devices.export.target import ExportTarget
from devices.export.tflite.tflite import TFLiteTarget
from devices.suggestion import suggestion

TARGETS: tuple[ExportTarget, ...] = (TFLiteTarget(), CppTarget())


def find_target(name: str) -> ExportTarget:
    """The target called `name`.

    Raises
    ------
    ExportError
        Where there is none; with a guess, and all names.
    """
    known = {target.name: target for target in TARGETS}
    if name in known:
        return known[name]
    raise ExportError(f"no export target {name!r}: {suggestion(name, known)}")
