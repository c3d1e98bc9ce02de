"""Every technique of the catalogue on four typical networks: what all of them promise.

A new technique is tested by adding it to `COMPRESSORS`.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from compressors.catalog import COMPRESSORS, find
from compressors.compressor import CompressionError, Compressor, Context, Network, Stage
from compressors.network import topology_of, weights_of
from compressors.quantization import Quantization, Quantizer
from compressors.topology import Topology
from devices.artifact import Artifact
from search.datasets.dataset import Split
from search.evaluate import float_accuracy
from search.gradients import batch_gradients
from search.train import fine_tune
from spaces.candidate import TrainingRecipe
from tests.compressors.conftest import FOUR, _trained
from tests.compressors.promises import Pair, check_pair, neighbours, outputs, strongest

PAIRED = ("depthwise_separable", "resnet_projection")  # in turns

Floats = npt.NDArray[np.float32]


def _inputs(topology: Topology) -> Floats:
    return np.random.default_rng(7).normal(size=(32, *topology.input_shape)).astype(np.float32)


def _context(topology: Topology) -> Context:
    """What a search hands down, on 32 samples: fine-tunes of a few real steps, real scores and gradients."""
    data = Split(x=_inputs(topology), y=np.arange(32, dtype=np.int64) % 4)
    recipe = TrainingRecipe(epochs=2, batch_size=8, learning_rate=0.001)
    return Context(
        calibration=data.x,
        fine_tune=lambda network, share, **options: fine_tune(network, recipe, data, 0, share, **options),
        labels=("a", "b", "c", "d"),
        evaluate=lambda network: float_accuracy(network, data),
        gradients=lambda network: batch_gradients(network, data, 16, 0),
        teacher=lambda: _trained(topology, seed=1),
    )


def _apply(technique: Compressor[Any], network: Network, topology: Topology) -> Network | Artifact:
    context, given = _context(topology), network
    if technique.stage > Stage.QUANTIZATION:
        given = Quantizer().compress(network, Quantization(), context)
    return technique.compress(given, strongest(technique), context)


@functools.cache
def _given_and_made(technique_name: str, name: str) -> tuple[Network, Network | Artifact | str]:
    """The network that was given, and what came out of it or why not: the tests look at one application."""
    network = _trained(FOUR[name])
    try:
        return network, _apply(find(technique_name), network, FOUR[name])
    except CompressionError as error:
        return network, str(error)


def _made(technique: Compressor[Any], name: str) -> tuple[Network, Network | Artifact]:
    """The same; skips where the technique refuses the network, which it may."""
    network, result = _given_and_made(technique.name, name)
    if isinstance(result, str):
        assert len(result) > 20  # a refusal is a sentence
        pytest.skip(f"refused: {result}")
    return network, result


def _artifact(result: Network | Artifact, topology: Topology) -> Artifact:
    if isinstance(result, Artifact):
        return result
    return Quantizer().compress(result, Quantization(), _context(topology))


@pytest.fixture(params=COMPRESSORS, ids=lambda technique: technique.name)
def technique(request: pytest.FixtureRequest) -> Compressor[Any]:
    found: Compressor[Any] = request.param
    return found


@pytest.fixture(params=FOUR)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_result_is_what_the_outline_says(technique: Compressor[Any], name: str) -> None:
    """The stage decides what comes out; a network has the outlined topology."""
    _, result = _made(technique, name)
    outline = technique.outline(FOUR[name], strongest(technique))
    assert isinstance(result, Artifact) is (technique.stage >= Stage.QUANTIZATION)
    if isinstance(result, Artifact):
        assert result.input.shape == (1, *outline.input_shape)
        assert result.output.shape == (1, *outline.output_shape)
    elif technique.hyperparameters:
        assert topology_of(result) == outline
    else:  # found by trying: the outline is an upper bound
        sizes, most = topology_of(result).shapes(), outline.shapes()
        assert {layer: len(shape) for layer, shape in sizes.items()} == {k: len(shape) for k, shape in most.items()}
        assert all(np.prod(shape) <= np.prod(most[layer]) for layer, shape in sizes.items())


def test_given_network_stays(technique: Compressor[Any], name: str) -> None:
    network, _ = _made(technique, name)
    before = weights_of(_trained(FOUR[name]))
    assert topology_of(network) == FOUR[name]
    for layer, weights in weights_of(network).items():
        assert all(np.array_equal(a, b) for a, b in zip(weights, before[layer], strict=True))


def test_deterministic(technique: Compressor[Any]) -> None:
    """Two runs give the same file."""
    name = "depthwise_separable"
    _, result = _made(technique, name)
    twin = _apply(technique, _trained(FOUR[name]), FOUR[name])
    assert _artifact(result, FOUR[name]).content == _artifact(twin, FOUR[name]).content


def test_runs_on_the_device_interpreter(technique: Compressor[Any], name: str) -> None:
    """TensorFlow Lite Micro computes from the file what the network computes."""
    pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="no tflite-micro wheel here")
    network, result = _made(technique, name)
    shaped = network if isinstance(result, Artifact) else result
    x = _inputs(FOUR[name])
    computed = outputs(_artifact(result, FOUR[name]), x)
    expected = shaped(x, training=False).numpy()
    # Of quantisation the strongest is 4-bit weights, which cost an untrained network more than anything else here.
    most = 0.06 if technique.stage is Stage.QUANTIZATION else 0.03
    assert np.abs(computed - expected).mean() < most
    assert np.mean(computed.argmax(1) == expected.argmax(1)) >= 0.8


@pytest.mark.parametrize(("number", "pair"), enumerate(neighbours()), ids=["-".join(pair) for pair in neighbours()])
def test_neighbouring_stages(number: int, pair: Pair) -> None:
    """The earlier one's promise holds in the file after the later one, or one refuses with a reason."""
    pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="no tflite-micro wheel here")
    topology = FOUR[PAIRED[number % 2]]
    try:
        error = check_pair(pair, _trained(topology), _context(topology))
    except CompressionError as refusal:
        assert len(str(refusal)) > 20  # noqa: PT017  # a refusal is a sentence
        pytest.skip(f"refused: {refusal}")
    assert error < 0.3


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
