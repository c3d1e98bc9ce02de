"""How well a file does on data, and data that does not go with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from compressors.compressor import Context
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from devices.flatbuffer import read_artifact
from search import cli, evaluate, score_data
from search.datasets.dataset import Dataset
from search.datasets.load import load
from search.errors import DataError
from search.evaluate import answers, available_interpreter
from search.metrics.measure import measure
from search.record import InterpreterName
from search.score_data import OutputScale, _metrics
from search.score_document import score_document
from search.score_text import score_text
from search.scoring import score_file
from tests.search.given import fitted
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
        for name, found in measure(data, split, answers(artifact, split, by)).items()
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


def strange_file(folder: Path) -> str:
    """Samples near a plane are 'ok', others farther from it; both are held out."""
    rng = np.random.default_rng(2)
    plane = rng.random((2, 12))
    arrays: dict[str, Any] = {}
    for split, n in (("train", 80), ("val", 40), ("test", 30)):
        ok, others = (
            rng.random((count, 2)) @ plane + noise * rng.normal(size=(count, 12))
            for count, noise in ((n, 0.15), (0 if split == "train" else n, 0.22))
        )
        arrays[f"x_{split}"] = np.concatenate([ok, others]).astype(np.float32)
        arrays[f"y_{split}"] = np.array(["ok"] * n + ["worn"] * len(others))
    np.savez(folder / "strange.npz", **arrays)
    return str(folder / "strange.npz")


def plane_file(folder: Path, data: Dataset) -> Path:
    """A network that gives back what of an input lies on the plane of the training samples."""
    import tf_keras

    axes = np.linalg.svd(data.train.x, full_matrices=False)[2][:2].astype(np.float32)
    layers = (tf_keras.layers.Dense(2, use_bias=False), tf_keras.layers.Dense(12, use_bias=False))
    network = tf_keras.Sequential([tf_keras.Input((12,)), *layers])
    network.set_weights([axes.T, axes])
    context = Context(calibration=data.train.x, fine_tune=lambda *_, **__: None)
    (folder / "plane.tflite").write_bytes(CompressionPlan.of(Quantization()).convert(network, context).content)
    return folder / "plane.tflite"


def test_anomalies_are_told_by_what_is_not_given_back(tmp_path: Path) -> None:
    """The area is that of the mean squared difference to the input, the threshold the best cut on validation."""
    reference = strange_file(tmp_path)
    data = load(reference, normal="ok")
    model = plane_file(tmp_path, data)
    scored = score_file(model, BOARD, reference, normal="ok")
    names = ["roc_auc", "partial_auc", "test_roc_auc", "test_partial_auc"]
    assert list(scored.shares) == [*names, *(f"litert_{name}" for name in names)]
    artifact, strange = read_artifact(model.read_bytes()), {}
    for prefix, split in (("", data.validation), ("test_", data.test)):
        back = answers(artifact, split, available_interpreter())
        strange[prefix] = ((back - split.x) ** 2).mean(axis=1)
        area = roc_auc_score(split.y, strange[prefix])
        assert scored.shares[f"{prefix}roc_auc"].value == pytest.approx(area)
        assert 0.8 < area < 1.0
    y, limit = data.validation.y, scored.threshold
    assert limit is not None

    def youden(cut: float) -> float:
        called = strange[""] > cut
        return float(called[y == 1].mean() - called[y == 0].mean())

    assert youden(limit) == pytest.approx(max(map(youden, strange[""])))
    document = score_document(scored)
    assert (document["threshold"], document["test_roc_auc_n"]) == (limit, 60)
    assert f"threshold            {limit:g}: an anomaly's mean squared difference" in score_text(scored)


def test_what_gives_no_input_back_finds_no_anomaly(model: Path, tmp_path: Path) -> None:
    """Five outputs for twelve inputs; without a label of normal samples the same data are classes."""
    reference = strange_file(tmp_path)
    with pytest.raises(DataError, match="has 5 outputs, data 'strange' has 12 values an input, which the model must"):
        score_file(model, BOARD, reference, normal="ok")
    with pytest.raises(DataError, match="no sample is labelled 'fine'"):
        score_file(model, BOARD, reference, normal="fine")


def values_file(folder: Path) -> str:
    """200 samples of four inputs, and what a straight line makes of them, about 200 to 350."""
    x = np.random.default_rng(3).random((200, 4)).astype(np.float32)
    np.savez(folder / "values.npz", x_train=x, y_train=(x @ np.array([40.0, 8.0, -20.0, 3.0]) + 300.0))
    return str(folder / "values.npz")


def linear_file(
    folder: Path, data: Dataset, factor: float = 1.0, offset: float = 0.0, bits: Literal[8, 32] = 32
) -> Path:
    """What fits the data, times `factor` and plus `offset`: a file of one layer."""
    import tf_keras

    kernel, bias = fitted(data)
    network = tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(1)])
    network.set_weights([factor * kernel, factor * bias + offset])
    context = Context(calibration=data.train.x, fine_tune=lambda *_, **__: None)
    plan = CompressionPlan.of(Quantization(weight_bits=bits, activation_bits=bits))
    (folder / "values.tflite").write_bytes(plan.convert(network, context).content)
    return folder / "values.tflite"


@pytest.mark.parametrize("in_units", [True, False])
def test_values_are_taken_on_the_scale_on_which_they_err_less(in_units: bool, tmp_path: Path) -> None:
    """Of a file that predicts in the targets' unit, and of one that predicts standardised values; which is said."""
    reference = values_file(tmp_path)
    data = load(reference)
    (target,) = data.targets
    scale = (1.0, 0.0) if in_units else (1 / target.deviation, -target.mean / target.deviation)
    scored = score_file(linear_file(tmp_path, data, *scale), BOARD, reference)
    for name in ("rmse", "test_rmse", "litert_rmse", "litert_test_rmse"):
        assert scored.shares[name].value < 0.01
    assert score_document(scored)["output_scale"] == ("unit" if in_units else "standardised")
    assert "notes" not in score_document(scored)
    words = "values in the targets' unit" if in_units else "standardised values, (value - mean) / deviation of"
    assert f"outputs              taken for {words}" in score_text(scored)


def test_the_cross_check_takes_values_as_the_device_does(tmp_path: Path) -> None:
    """The scale is chosen once, whatever the other interpreter's outputs would say."""
    data = load(values_file(tmp_path))
    content = linear_file(tmp_path, data).read_bytes()
    scales: tuple[OutputScale | None, ...] = (None, "unit", "standardised")
    chosen, unit, standardised = (_metrics(content, data, "litert", scale) for scale in scales)
    assert chosen == unit
    assert standardised.output_scale == "standardised"
    assert standardised.metrics["rmse"].value > 1000


def test_the_choice_is_handed_to_the_cross_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the board's interpreter found, not what the other would."""
    reference = values_file(tmp_path)
    model = linear_file(tmp_path, load(reference))
    asked: list[tuple[str, OutputScale | None]] = []

    def in_child(
        content: bytes, _: Path, data: Dataset, interpreter: InterpreterName, scale: OutputScale | None = None
    ) -> Any:
        asked.append((interpreter, scale))
        return _metrics(content, data, interpreter, scale)

    monkeypatch.setattr(score_data, "_in_child", in_child)
    monkeypatch.setattr(evaluate, "available_interpreter", lambda _: "tflm")
    score_file(model, BOARD, reference)
    assert asked == [("tflm", None), ("litert", "unit")]


@pytest.mark.parametrize("bits", [8, 32])
def test_values_on_another_scale_are_noted(bits: Literal[8, 32], tmp_path: Path) -> None:
    """Of a file that predicts 0..1 for what lies between 280 and 351: the line that gives the unit."""
    reference = values_file(tmp_path)
    data = load(reference)
    scored = score_file(linear_file(tmp_path, data, 1 / 71, -280 / 71, bits), BOARD, reference)
    assert scored.shares["r2"].value < 0.6
    (note,) = score_document(scored)["notes"]
    found = re.search(r"with y_train = (\S+) x output \+ (\S+) the R2 on validation is (\S+), without", note)
    assert found is not None
    slope, offset, r2 = map(float, found.groups())
    assert slope == pytest.approx(71, rel=0.02)
    assert offset == pytest.approx(280, rel=0.01)
    assert r2 > 0.99
    assert "it may have been trained on another scale of the targets, or of the inputs ((value - 0.0014" in note
    assert "note                 its outputs are neither values in the targets' unit nor" in score_text(scored)


def diverged(model: Path) -> Path:
    """The file with NaN in place of every bias of 12345.678."""
    bias = np.float32(12345.678).tobytes()
    assert bias in model.read_bytes()
    model.write_bytes(model.read_bytes().replace(bias, np.float32(np.nan).tobytes()))
    return model


def test_values_that_are_not_finite_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In words, with the exit code of data."""
    reference = values_file(tmp_path)
    model = diverged(linear_file(tmp_path, load(reference), 0.0, 12345.678))
    assert cli.main(["score", str(model), "--device", BOARD, "--data", reference]) == 3
    said = capsys.readouterr().err
    assert f"model {str(model)!r}: its outputs are not finite on 40 of 40 validation samples: train it" in said


def test_inputs_given_back_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    """Of an anomaly detector."""
    import tf_keras

    reference = strange_file(tmp_path)
    network = tf_keras.Sequential([tf_keras.Input((12,)), tf_keras.layers.Dense(12)])
    network.set_weights([np.eye(12), np.full(12, 12345.678)])
    context = Context(calibration=load(reference, normal="ok").train.x, fine_tune=lambda *_, **__: None)
    plan = CompressionPlan.of(Quantization(weight_bits=32, activation_bits=32))
    (tmp_path / "wild.tflite").write_bytes(plan.convert(network, context).content)
    model = diverged(tmp_path / "wild.tflite")
    with pytest.raises(DataError, match=r"wild\.tflite': its outputs are not finite on 80 of 80 validation samples"):
        score_file(model, BOARD, reference, normal="ok")
