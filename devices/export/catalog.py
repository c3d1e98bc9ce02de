"""Every export target by name."""

from __future__ import annotations

import difflib

from devices.export.cpp.cpp import CppTarget
from devices.export.target import ExportError, ExportTarget
from devices.export.tflite.tflite import TFLiteTarget

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
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    raise ExportError(f"no export target {name!r}.{guess} Targets: {', '.join(known)}.")
