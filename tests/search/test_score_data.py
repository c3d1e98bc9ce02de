"""How well a file does on data, and data that does not go with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.flatbuffer import read_artifact
from search.datasets.load import load
from search.errors import DataError
from search.evaluate import available_interpreter, measured
from search.score_document import score_document
from search.score_text import score_text
from search.scoring import score_file
from tests.search.scores import BOARD, KEYS, custom_operator, dense_file


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return dense_file(tmp_path)


def data_file(folder: Path, shape: tuple[int, ...] = (12,), classes: int = 5) -> str:
    """Random samples; validation and test are given, so that their sizes are known."""
    rng = np.random.default_rng(1)
    arrays: dict[str, Any] = {}
    for split, n in (("train", 40), ("val", 20), ("test", 10)):
        arrays[f"x_{split}"] = rng.normal(size=(n, *shape)).astype(np.float32)
        arrays[f"y_{split}"] = np.arange(n) % classes
    np.savez(folder / "samples.npz", **arrays)
    return str(folder / "samples.npz")


def test_accuracy_on_data(model: Path, tmp_path: Path) -> None:
    """Both held-out splits are run in a child process, with the same result as here and with their n and interval."""
    reference = data_file(tmp_path)
    scored = score_file(model, BOARD, reference)
    data, interpreter = load(reference), available_interpreter()
    artifact = read_artifact(model.read_bytes(), data.labels)
    assert scored.shares == {
        prefix + name: found
        for prefix, split, by in (
            ("", data.validation, interpreter),
            ("test_", data.test, interpreter),
            ("litert_", data.validation, "litert"),
            ("litert_test_", data.test, "litert"),
        )
        for name, found in measured(artifact, data, split, by).items()
    }
    document = score_document(scored)
    assert set(KEYS) < set(document)
    assert (document["accuracy_n"], document["test_accuracy_n"]) == (20, 10)
    assert document["accuracy_low"] <= document["accuracy"] <= document["accuracy_high"]
    assert document["interpreter"] == interpreter
    assert f"by {interpreter}" in score_text(scored)


def test_data_of_another_shape(model: Path, tmp_path: Path) -> None:
    """Both shapes are in the sentence, and nothing is run."""
    with pytest.raises(DataError, match=r"inputs of shape \(12,\), data 'samples' has \(13,\)"):
        score_file(model, BOARD, data_file(tmp_path, shape=(13,)))
    with pytest.raises(DataError, match=r"data 'samples' has \(3, 4, 1\)"):
        score_file(model, BOARD, data_file(tmp_path, shape=(3, 4, 1)))


def test_the_task_can_be_said(model: Path, tmp_path: Path) -> None:
    """Whole numbers are classes, as which five outputs suit them; said to be values, they are one target."""
    reference = data_file(tmp_path)
    assert "accuracy" in score_file(model, BOARD, reference, task="classification").shares
    with pytest.raises(DataError, match="has 5 outputs, data 'samples' has 1 targets"):
        score_file(model, BOARD, reference, task="regression")


def test_data_of_other_classes(model: Path, tmp_path: Path) -> None:
    """As many outputs as classes, no more and no fewer."""
    with pytest.raises(DataError, match="has 5 outputs, data 'samples' has 4 classes"):
        score_file(model, BOARD, data_file(tmp_path, classes=4))


def test_what_cannot_be_run_is_not_run(tmp_path: Path) -> None:
    """The operator is named as without data, in place of what an interpreter says of it."""
    scored = score_file(custom_operator(tmp_path), BOARD, data_file(tmp_path))
    assert scored.reasons[0].startswith("Operator 1 (MyOp)")
    assert (scored.shares, scored.interpreter) == ({}, None)


def test_a_linux_board_runs_its_own_kernels(model: Path, tmp_path: Path) -> None:
    """LiteRT with XNNPACK is the runtime there, so that nothing stands beside it as a cross-check."""
    scored = score_file(model, "raspberry-pi-4b", data_file(tmp_path))
    assert scored.interpreter == "xnnpack"
    names = ["accuracy", "balanced_accuracy", "macro_f1", "log_loss"]
    assert list(scored.shares) == [*names, *(f"test_{name}" for name in names)]
    assert "by xnnpack" in score_text(scored)
