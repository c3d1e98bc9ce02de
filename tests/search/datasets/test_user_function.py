"""Data that a function of the user's own returns."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from search.datasets.load import inspect
from search.datasets.user_function import is_function
from search.errors import DataError

_MODULE = """
import numpy as np
X = np.random.default_rng(0).normal(size=(30, 4))
Y = np.arange(30) % 3
def pair(): return X, Y
def parts(): return {"x_train": X, "y_train": Y, "x_test": X[:3] + 1, "y_test": Y[:3]}
def objects(): return X, [{}] * 30
def half(): return {"x_train": X}
def failing(): raise ValueError("no sensor")
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the working folder."""
    (tmp_path / "my_own_data.py").write_text(_MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "my_own_data", raising=False)
    return "my_own_data"


def test_arrays(module: str) -> None:
    """A pair is one part, a dict may have several."""
    assert inspect(f"{module}:pair").data.input_shape == (4,)
    assert len(inspect(f"{module}:parts").data.test) == 3
    assert str(Path.cwd()) not in sys.path


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nothing", "failed: AttributeError"),
        ("objects", "returned Python objects as 'y_train'"),
        ("half", r"returned dict: return \(x, y\), or a dict"),
        ("failing", "failed: ValueError: no sensor"),
        ("X", "failed: TypeError"),
    ],
)
def test_refused(module: str, name: str, sentence: str) -> None:
    """What it does wrong is said with its name."""
    with pytest.raises(DataError, match=f"'{module}:{name}' {sentence}"):
        inspect(f"{module}:{name}")


def test_only_this_form_runs_code(tmp_path: Path) -> None:
    """A service can tell such a reference from a name or a path before it loads anything."""
    assert is_function("package.module:function")
    assert not any(map(is_function, ("digits", "data.npz", "a/b:c", "module:", ":f", "m:f()", "C:/data.csv")))
