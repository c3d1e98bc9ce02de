"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def _own_data_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests read is kept in a folder of theirs, not in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYFRONT_CACHE_DIR", str(tmp_path_factory.mktemp("data_cache")))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measured truth and real data beside the checkout; skips where it is absent."""
    here = Path(os.environ.get("TINYFRONT_SHARED", Path(__file__).parents[2] / "shared"))
    if not (here / "truth").is_dir():
        pytest.skip("measured truth and reference models (../shared) are not beside this checkout")
    return here
