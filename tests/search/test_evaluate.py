"""Accuracy of the artifact: inputs as the device stores them, outputs as its interpreter gives them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.artifact import Artifact, Port
from devices.flatbuffer import read_artifact
from devices.graph import DType
from search import evaluate
from search.datasets.dataset import Split
from search.datasets.load import load
from search.errors import DataError, ToolchainError
from search.evaluate import (
    EvaluationError,
    accuracy,
    available_interpreter,
    float_accuracy,
    float_metrics,
    float_quality,
    interpreter_version,
    predict,
    quality,
    quantize,
)
from search.record import InterpreterName

X = np.random.default_rng(0).uniform(size=(40, 8, 8, 1)).astype(np.float32)


def _converted(integer_ports: bool, quantised_activations: bool = True) -> Artifact:
    import tensorflow as tf
    import tf_keras
    from tf_keras import layers

    tf_keras.utils.set_random_seed(3)
    net = tf_keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    converter = tf.lite.TFLiteConverter.from_keras_model(net)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantised_activations:
        converter.representative_dataset = lambda: ([sample[np.newaxis]] for sample in X)
    if integer_ports:
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the converter, about statistics that it then computes
        return read_artifact(converter.convert())


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    """A small int8 classifier."""
    return _converted(integer_ports=True)


@pytest.fixture(params=["tflm", "litert", "xnnpack"])
def interpreter(request: pytest.FixtureRequest) -> InterpreterName:
    """Each interpreter that this machine has."""
    if request.param == "tflm":
        pytest.importorskip("tflite_micro", reason="no wheel of tflite-micro for this machine")
    name: InterpreterName = request.param
    return name


def _port(scale: float, zero_point: int = 0, dtype: DType = DType.INT8) -> Port:
    return Port(shape=(1, 1), dtype=dtype, scale=scale, zero_point=zero_point)


def test_quantize_rounds_halves_away_from_zero() -> None:
    """As the exported C++ and TFLite's QUANTIZE do, not to even as numpy's own rounding."""
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, -0.49999997, 0.25], np.float32)
    assert quantize(_port(1.0), x).tolist() == [1, 2, 3, -1, -2, 0, 0, 0]
    assert quantize(_port(0.5, -1), x).tolist() == [0, 2, 4, -2, -4, 0, -2, 0]


@pytest.mark.parametrize(
    ("dtype", "low", "high"), [(DType.INT8, -128, 127), (DType.UINT8, 0, 255), (DType.INT16, -32768, 32767)]
)
def test_quantize_cuts_off(dtype: DType, low: int, high: int) -> None:
    """What does not fit the type becomes its nearest value, not-a-number the lowest."""
    stored = quantize(_port(1e-3, 0, dtype), np.array([[-1e9, 1e9], [np.nan, 0.0]], np.float32))
    assert stored.dtype == np.dtype(str(dtype))
    assert stored.tolist() == [[low, high], [low, 0]]
    assert stored.flags.c_contiguous


def test_quantize_leaves_floats() -> None:
    """A float input takes what it is given."""
    assert np.array_equal(quantize(_port(0.0, 0, DType.FLOAT32), X), X)


def test_quantize_is_what_the_model_itself_would_do(artifact: Artifact, interpreter: InterpreterName) -> None:
    """The same network with float ports, whose QUANTIZE operator rounds, answers alike."""
    floating = _converted(integer_ports=False)
    assert floating.input.dtype is DType.FLOAT32
    port = artifact.output
    stored = predict(artifact, X, interpreter).astype(np.float32)
    assert np.array_equal(predict(floating, X, interpreter), (stored - port.zero_point) * np.float32(port.scale))


def test_predict_is_one_inference_a_sample(artifact: Artifact, interpreter: InterpreterName) -> None:
    """All at once or one by one, the stored outputs are the same, in the output's type."""
    together = predict(artifact, X, interpreter)
    assert together.shape == (40, 10)
    assert together.dtype == np.int8
    alone = np.concatenate([predict(artifact, X[index : index + 1], interpreter) for index in range(40)])
    assert np.array_equal(together, alone)


def test_interpreters_agree_roughly(artifact: Artifact) -> None:
    """LiteRT stands in for the device's interpreter: a few steps of the output scale apart at most."""
    pytest.importorskip("tflite_micro", reason="no wheel of tflite-micro for this machine")
    difference = predict(artifact, X, "tflm").astype(int) - predict(artifact, X, "litert").astype(int)
    assert np.abs(difference).max() <= 4


def test_accuracy_counts(artifact: Artifact, interpreter: InterpreterName) -> None:
    """Against its own answers the artifact is right everywhere, against others where they agree."""
    y = predict(artifact, X, interpreter).argmax(axis=1).astype(np.int64)
    share = accuracy(artifact, Split(x=X, y=y), interpreter)
    assert (share.correct, share.n) == (40, 40)
    y[:7] = (y[:7] + 1) % 10
    assert accuracy(artifact, Split(x=X, y=y), interpreter).correct == 33


def test_first_of_equals(artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal outputs are decided as on the device: the first class wins."""
    answer = np.array([[-128, 5, 5, -3]], np.int8)

    def opened(content: bytes) -> Callable[[Any], Any]:
        return lambda _: answer

    monkeypatch.setitem(evaluate._OPENERS, "litert", opened)
    split = Split(x=X[:3], y=np.array([0, 1, 2]))
    assert accuracy(artifact, split, "litert").correct == 1


def test_state_does_not_leak_between_samples(shared: Path, interpreter: InterpreterName) -> None:
    """An LSTM that keeps its state in the arena answers a repeated sample alike, whatever came between."""
    lstm = read_artifact((shared / "data/models_tflm/mnist_lstm/trained_lstm.tflite").read_bytes())
    x = np.random.default_rng(0).uniform(-1, 1, (3, 28, 28)).astype(np.float32)
    x[2] = x[0]
    first, other, again = predict(lstm, x, interpreter)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_other_shape(artifact: Artifact, interpreter: InterpreterName) -> None:
    """Data of another shape is refused before the interpreter sees it."""
    with pytest.raises(EvaluationError, match=r"takes one input of shape \(1, 8, 8, 1\), the data has \(9, 8, 1\)"):
        predict(artifact, np.zeros((2, 9, 8, 1), np.float32), interpreter)


def test_refusal_gives_the_reason(capfd: pytest.CaptureFixture[str]) -> None:
    """What the runtime prints in C ends up in the message; stdout stays clean and stderr works again."""
    pytest.importorskip("tflite_micro", reason="no wheel of tflite-micro for this machine")
    hybrid = _converted(integer_ports=False, quantised_activations=False)
    capfd.readouterr()
    with pytest.raises(EvaluationError, match=r"Input type: FLOAT32 .* not supported.*failed to prepare"):
        predict(hybrid, X, "tflm")
    print("still here", file=sys.stderr)
    assert capfd.readouterr() == ("", "still here\n")


def test_refusal_of_litert(artifact: Artifact) -> None:
    """Bytes that are no model."""
    with pytest.raises(EvaluationError, match="LiteRT does not run this file"):
        predict(replace(artifact, content=b"no model at all, only text"), X, "litert")


def test_available_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device's own first, LiteRT next, a sentence when there is none."""
    pytest.importorskip("tflite_micro", reason="no wheel of tflite-micro for this machine")
    assert available_interpreter() == "tflm"
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    assert available_interpreter() == "litert"
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(ToolchainError, match="install tflite-micro") as caught:
        available_interpreter()
    assert caught.value.exit_code == 4


def test_kernels_of_xnnpack_are_used(shared: Path) -> None:
    """Their outputs for the residual network of MLPerf Tiny are not those of LiteRT's own kernels."""
    path = shared / "data/models_mlperf_tiny/image_classification/pretrainedResnet_quant.tflite"
    network = read_artifact(path.read_bytes())
    images = np.random.default_rng(0).uniform(-100, 100, (2, *network.input.shape[1:])).astype(np.float32)
    assert (predict(network, images, "xnnpack") != predict(network, images, "litert")).any()


def test_a_linux_board_runs_xnnpack(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteRT is its own interpreter, and TensorFlow Lite Micro no stand-in for it."""
    assert available_interpreter("litert") == "xnnpack"
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(ToolchainError, match=r"install ai-edge-litert$"):
        available_interpreter("litert")


@pytest.mark.parametrize(
    ("name", "module"), [("tflm", "tflite_micro"), ("litert", "ai_edge_litert"), ("xnnpack", "ai_edge_litert")]
)
def test_interpreter_that_is_missing(
    name: InterpreterName, module: str, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking for one that is not installed says so."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ToolchainError, match="cannot be imported"):
        predict(artifact, X, name)


def test_interpreter_version(interpreter: InterpreterName, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version that an export names; a sentence when the package is missing."""
    assert interpreter_version(interpreter)[0].isdigit()
    monkeypatch.setitem(evaluate._PACKAGES, interpreter, "no-such-package")
    with pytest.raises(ToolchainError, match="no-such-package is not installed"):
        interpreter_version(interpreter)


def test_float_accuracy_counts_over_batches() -> None:
    """Of 1,100 samples, more than two batches, each third is wrong; dropout is off, the first of equals wins."""
    import tf_keras

    image = tf_keras.layers.Input((3,))
    network = tf_keras.Model(image, tf_keras.layers.Dropout(0.9)(tf_keras.layers.Softmax()(image)))
    y = np.arange(1100, dtype=np.int64) % 3
    x = np.eye(3, dtype=np.float32)[np.where(y == 2, 1, y)]
    assert float_accuracy(network, Split(x=x, y=y)) == pytest.approx(1 - 366 / 1100)
    assert float_accuracy(network, Split(x=np.zeros((4, 3), np.float32), y=np.array([0, 1, 2, 0]))) == 0.5


def test_quality_is_the_metric_by_which_techniques_judge(artifact: Artifact) -> None:
    """Of the file: its accuracy, its R2, or its ROC AUC; nearly that of the float network."""
    import tf_keras

    from compressors.compressor import Context
    from compressors.plan import CompressionPlan
    from compressors.quantization import Quantization

    digits, diabetes, threes = load("digits"), load("diabetes"), load("digits", normal="3")
    kernel = np.linalg.lstsq(diabetes.train.x, diabetes.train.y, rcond=None)[0]
    axes = np.linalg.svd(threes.train.x.reshape(-1, 64), full_matrices=False)[2][:8]
    layers = tf_keras.layers
    linear = tf_keras.Sequential([layers.Input((10,)), layers.Dense(1, use_bias=False)])
    linear.set_weights([kernel])
    plane = tf_keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(64, use_bias=False)])
    plane.set_weights([axes.T @ axes])
    name = available_interpreter()
    assert quality(artifact, digits, name) == accuracy(artifact, digits.validation, name).value
    for network, data, metric in ((linear, diabetes, "r2"), (plane, threes, "roc_auc")):
        context = Context(calibration=data.train.x, fine_tune=lambda *_, **__: None)
        made = CompressionPlan.of(Quantization()).convert(network, context)
        found = float_metrics(network, data)
        assert found[metric].value == pytest.approx(float_quality(network, data))
        assert quality(made, data, name) == pytest.approx(found[metric].value, abs=0.01)
        assert quality(made, data, name) != found[metric].value


def test_float_outputs_that_are_not_finite_have_no_metrics() -> None:
    """Of values and of inputs given back; a class is still the greatest."""
    import tf_keras

    data = load("diabetes")
    network = tf_keras.Sequential([tf_keras.Input((10,)), tf_keras.layers.Dense(1)])
    network.set_weights([np.zeros((10, 1)), np.array([np.nan])])
    with pytest.raises(DataError, match="its outputs are not finite on 88 of 88 validation samples: train it again"):
        float_metrics(network, data)
