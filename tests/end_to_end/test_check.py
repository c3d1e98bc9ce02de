"""``tinyfront check`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.end_to_end.conftest import Tinyfront

BOARD = ("--device", "nucleo-l432kc")


def test_digits_can_be_searched(tinyfront: Tinyfront, tmp_path: Path) -> None:
    """One JSON document: 1,797 samples, two spaces that fit, a time that a small trial takes; no run is left."""
    done = tinyfront(
        *("check", "--data", "digits", *BOARD, "--minutes", "3", "--workers", "2", "--set", "space=mlp,ds_cnn"),
        *("--runs-dir", str(tmp_path / "runs"), "--json"),
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert sum(split["n"] for split in found["data"]["splits"].values()) == 1_797
    assert [space["name"] for space in found["spaces"]] == ["ds_cnn", "mlp"]
    assert all(space["fits"] for space in found["spaces"])
    assert 0.3 < found["time"]["seconds"] < 120
    assert found["trials"] > 0
    assert found["can_be_searched"] is True
    assert not (tmp_path / "runs").exists()


def test_nothing_fits(tinyfront: Tinyfront) -> None:
    """Exit 1; what was found is printed all the same, with the reason."""
    done = tinyfront("check", "--data", "digits", *BOARD, "--set", "budget.ram_bytes=900", "--set", "space=mlp")
    assert done.returncode == 1, done.stderr
    assert "digits: 1797 samples" in done.stdout
    assert "exceeds ram_bytes" in done.stdout
    assert "trained trial" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--data", "digits", *BOARD, "--set", "space=mpl"), 2, "did you mean 'mlp'"),
        (("--data", "digits"), 2, "names no device"),
        (("--data", "absent.npz", *BOARD), 3, "does not exist"),
    ],
)
def test_mistakes_end_as_in_a_search(
    tinyfront: Tinyfront, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    """One sentence on stderr, nothing on stdout."""
    done = tinyfront("check", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_bad_data_is_called_bad(tinyfront: Tinyfront, tmp_path: Path) -> None:
    """A table with copied test samples, a rare class, contradictory labels and a column that never changes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 6)).astype(np.float32)
    x[:, 3] = 1.0
    x[1] = x[0]
    y = np.where(np.arange(80) < 75, 0, 1)
    y[1] = 1
    file = tmp_path / "bad.npz"
    np.savez(file, x_train=x, y_train=y, x_test=np.concatenate([x[5:11], x[20:30] + 1]), y_test=np.zeros(16, int))
    done = tinyfront("check", "--data", str(file), *BOARD, "--set", "compressors=quantization", "--workers", "1")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    for words in (
        "of 16 test samples are in the training split, too",
        "have the inputs of samples with another label or target",
        "times the training samples of '1'",
        "the test split has no sample of class '1'",
        "1 of 6 columns never change in the training split (such as number 4)",
        "samples: accuracy moves in steps of",
    ):
        assert words in said, words
