"""Whether Arm's Vela is there: tests that run it are skipped where it is not."""

from __future__ import annotations

import pytest

from devices.vela import VelaError, vela_version


def _reason() -> str:
    try:
        vela_version()
    except VelaError as error:
        return str(error)
    return ""


needs_vela = pytest.mark.skipif(bool(_reason()), reason=_reason() or "Vela is installed")
