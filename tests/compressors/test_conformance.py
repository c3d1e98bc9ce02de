"""Every technique of the catalogue on four typical networks: what all of them promise.

A new technique is tested by adding it to `COMPRESSORS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from compressors.catalog import COMPRESSORS
from compressors.compressor import CompressionError, Compressor, Context, Network, Settings, Stage
from compressors.network import topology_of, weights_of
from compressors.quantization import Quantization, Quantizer
from compressors.topology import Topology
from devices.artifact import Artifact
from search.datasets.dataset import Split
from search.evaluate import float_accuracy
from search.gradients import batch_gradients
from search.train import fine_tune
from spaces.candidate import TrainingRecipe

Floats = npt.NDArray[np.float32]
Trained = Callable[..., Network]


def _settings(technique: Compressor[Any]) -> Settings:
    """The last value of every hyperparameter: the strongest setting a search may draw."""
    return technique.settings(**{h.name: h.values[-1] for h in technique.hyperparameters})  # type: ignore[no-any-return]


def _inputs(topology: Topology) -> Floats:
    return np.random.default_rng(7).normal(size=(32, *topology.input_shape)).astype(np.float32)


def _context(topology: Topology) -> Context:
    """What a search hands down, on 32 samples: fine-tunes of a few real steps, real scores and gradients."""
    data = Split(x=_inputs(topology), y=np.arange(32, dtype=np.int64) % 4)
    recipe = TrainingRecipe(epochs=2, batch_size=4, learning_rate=0.001)
    return Context(
        calibration=data.x,
        fine_tune=lambda network, share, **options: fine_tune(network, recipe, data, 0, share, **options),
        labels=("a", "b", "c", "d"),
        evaluate=lambda network: float_accuracy(network, data),
        gradients=lambda network: batch_gradients(network, data, 8, 0),
    )


def _apply(technique: Compressor[Any], network: Network, topology: Topology) -> Network | Artifact:
    """The result; skips where the technique refuses the network, which it may."""
    context, given = _context(topology), network
    if technique.stage > Stage.QUANTIZATION:
        given = Quantizer().compress(network, Quantization(), context)
    try:
        return technique.compress(given, _settings(technique), context)
    except CompressionError as error:
        assert len(str(error)) > 20  # noqa: PT017  # a refusal is a sentence
        return pytest.skip(f"refused: {error}")


def _artifact(result: Network | Artifact, topology: Topology) -> Artifact:
    if isinstance(result, Artifact):
        return result
    return Quantizer().compress(result, Quantization(), _context(topology))


@pytest.fixture(params=COMPRESSORS, ids=lambda technique: technique.name)
def technique(request: pytest.FixtureRequest) -> Compressor[Any]:
    found: Compressor[Any] = request.param
    return found


def test_result_is_what_the_outline_says(technique: Compressor[Any], classifier: Topology, trained: Trained) -> None:
    """The stage decides what comes out; a network has the outlined topology."""
    result = _apply(technique, trained(classifier), classifier)
    outline = technique.outline(classifier, _settings(technique))
    assert isinstance(result, Artifact) is (technique.stage >= Stage.QUANTIZATION)
    if isinstance(result, Artifact):
        assert result.input.shape == (1, *outline.input_shape)
        assert result.output.shape == (1, *outline.output_shape)
    elif technique.hyperparameters:
        assert topology_of(result) == outline
    else:  # found by trying: the outline is an upper bound
        sizes, most = topology_of(result).shapes(), outline.shapes()
        assert {name: len(shape) for name, shape in sizes.items()} == {name: len(shape) for name, shape in most.items()}
        assert all(np.prod(shape) <= np.prod(most[name]) for name, shape in sizes.items())


def test_given_network_stays(technique: Compressor[Any], classifier: Topology, trained: Trained) -> None:
    network = trained(classifier)
    before = weights_of(network)
    _apply(technique, network, classifier)
    assert topology_of(network) == classifier
    for name, weights in weights_of(network).items():
        assert all(np.array_equal(a, b) for a, b in zip(weights, before[name], strict=True))


def test_deterministic_and_runs_on_the_device_interpreter(
    technique: Compressor[Any], classifier: Topology, trained: Trained
) -> None:
    """Two runs give the same file, and TensorFlow Lite Micro computes from it what the network computes."""
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="no tflite-micro wheel here")
    results = [_apply(technique, trained(classifier), classifier) for _ in range(2)]
    artifact, twin = (_artifact(result, classifier) for result in results)
    assert artifact.content == twin.content
    shaped = trained(classifier) if isinstance(results[0], Artifact) else results[0]
    x = _inputs(classifier)
    interpreter = runtime.Interpreter.from_bytes(artifact.content, arena_size=200_000)
    port = artifact.input
    stored = np.clip(np.round(x / port.scale) + port.zero_point, -128, 127).astype(np.int8)
    outputs = np.empty((len(x), 4), np.float32)
    for index, sample in enumerate(stored):
        interpreter.set_input(sample[np.newaxis], 0)
        interpreter.invoke()
        real = (interpreter.get_output(0).astype(np.float32) - artifact.output.zero_point) * artifact.output.scale
        outputs[index] = real[0]
    expected = shaped(x, training=False).numpy()
    # Of quantisation the strongest is 4-bit weights, which cost an untrained network more than anything else here.
    most = 0.06 if technique.stage is Stage.QUANTIZATION else 0.03
    assert np.abs(outputs - expected).mean() < most
    assert np.mean(outputs.argmax(1) == expected.argmax(1)) >= 0.8


def test_hyperparameters_make_settings(technique: Compressor[Any]) -> None:
    """Each names a field, each value makes valid settings, and settings are frozen records that hash."""
    fields = {field.name for field in dataclasses.fields(technique.settings)}
    for hyperparameter in technique.hyperparameters:
        assert hyperparameter.name in fields
        assert len(set(hyperparameter.values)) == len(hyperparameter.values) >= 1
        for value in hyperparameter.values:
            settings = technique.settings(**{hyperparameter.name: value})
            assert getattr(settings, hyperparameter.name) == value
            assert hash(settings) == hash(dataclasses.replace(settings))


def test_names_are_unique_and_stages_ascend() -> None:
    """The catalogue is read as the order of work."""
    assert len({technique.name for technique in COMPRESSORS}) == len(COMPRESSORS)
    stages = [technique.stage for technique in COMPRESSORS]
    assert stages == sorted(stages)
