"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measured truth and real data beside the checkout; skips where it is absent."""
    here = Path(os.environ.get("TINYFRONT_SHARED", Path(__file__).parents[2] / "shared"))
    if not (here / "truth").is_dir():
        pytest.skip("measured truth and reference models (../shared) are not beside this checkout")
    return here
