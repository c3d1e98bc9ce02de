"""Small made-up data sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

MakeNpz = Callable[..., Path]


def arrays(samples: int = 30, classes: int = 3, shape: tuple[int, ...] = (4,), seed: int = 0) -> dict[str, Any]:
    """A training part of float inputs and equally many labels of each class."""
    rng = np.random.default_rng(seed)
    return {
        "x_train": rng.normal(size=(samples, *shape)).astype(np.float32),
        "y_train": np.arange(samples) % classes,
    }


@pytest.fixture
def make_npz(tmp_path: Path) -> MakeNpz:
    """Write arrays, those of `arrays` unless overridden or set to None, to ``data.npz``."""

    def make(**changes: Any) -> Path:
        held = {key: value for key, value in {**arrays(), **changes}.items() if value is not None}
        path = tmp_path / "data.npz"
        np.savez(path, **held)
        return path

    return make
