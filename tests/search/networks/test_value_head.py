"""Networks that give values, on whichever scale; and networks that give their input back, in whichever shape."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras

from compressors.compressor import Context
from compressors.layers import Dense, DepthwiseConv2D, Flatten, Reshape
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from compressors.quantization_aware_training import QuantizationAwareTraining
from devices.artifact import Target
from search.datasets.dataset import Dataset
from search.errors import DataError
from search.networks.fitting import fit
from search.networks.load import load
from search.networks.loader import Loaded
from search.train import fine_tune
from spaces.given import tuning_recipe
from tests.search.networks.models import chain, pictures, randomised

K = tf_keras.layers


def loaded(model: Any) -> Loaded:
    return Loaded(network=model, original=model)


def predicted(model: Any, factor: float = 1.0, offset: float = 0.0) -> Dataset:
    """Pictures with values that the model nearly predicts, times `factor` and plus `offset`, standardised."""
    data, rng = pictures(), np.random.default_rng(1)
    found = [np.asarray(model(part.x), np.float64) for part in (data.train, data.validation, data.test)]
    spread = found[0].std(axis=0)
    real = [factor * (each + 0.1 * spread * rng.normal(size=each.shape)) + offset for each in found]
    mean, deviation = real[0].mean(axis=0), real[0].std(axis=0)
    parts = {
        name: replace(getattr(data, name), y=((each - mean) / deviation).astype(np.float32))
        for name, each in zip(("train", "validation", "test"), real, strict=True)
    }
    targets = tuple(
        Target(name=f"t{k}", mean=float(m), deviation=float(d))
        for k, (m, d) in enumerate(zip(mean, deviation, strict=True))
    )
    return replace(data, **parts, labels=(), targets=targets, task="regression")


def moved(model: Any, factor: float, offset: float) -> Any:
    """The model with another last layer, whose values are `factor` times as large and `offset` greater."""
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([factor * kernel, factor * bias + offset])
    return model


def outputs(found: Any, data: Dataset) -> Any:
    """What the fitted network gives, in the targets' unit."""
    return data.in_units(np.asarray(found.network.build()(data.test.x)))


@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize(("factor", "offset"), [(1.0, 0.0), (80.0, 150.0), (1e-3, -5.0), (1e5, 0.0)])
def test_values_in_their_unit_become_standardised(targets: int, factor: float, offset: float) -> None:
    """By other weights of the last layer alone, which is said; in the unit nothing changes."""
    model = moved(chain(tf_keras, K.Dense(targets)), factor, offset)
    data = predicted(model)
    found = fit(loaded(model), data)
    assert found.notes == (
        "its outputs are taken for values in the targets' unit: its last layer was scaled to give them standardised",
    )
    expected = np.asarray(model(data.test.x))
    assert outputs(found, data) == pytest.approx(expected, rel=1e-4, abs=1e-5 * factor)
    assert len(found.network.topology.layers) == len(model.layers) + 1
    kernel, bias = model.layers[-1].get_weights()
    (mean, deviation) = (np.array([getattr(each, key) for each in data.targets]) for key in ("mean", "deviation"))
    (new_kernel, new_bias) = found.network.weights[model.layers[-1].name]
    assert new_kernel == pytest.approx(kernel / deviation, rel=1e-6)
    assert new_bias == pytest.approx((bias - mean) / deviation, rel=1e-4, abs=1e-6)


def test_a_last_layer_without_a_bias_gets_one() -> None:
    """The mean must be taken off somewhere."""
    model = moved_kernel(chain(tf_keras, K.Dense(1, use_bias=False)), 30.0)
    data = predicted(model)
    found = fit(loaded(model), data)
    last = found.network.topology.layers[-1].spec
    assert isinstance(last, Dense)
    assert last.use_bias
    assert outputs(found, data) == pytest.approx(np.asarray(model(data.test.x)), rel=1e-4)


def moved_kernel(model: Any, factor: float) -> Any:
    model.layers[-1].set_weights([factor * model.layers[-1].get_weights()[0]])
    return model


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_values_behind_an_activation_are_standardised_by_a_fixed_layer(activation: str, targets: int) -> None:
    """Which no training changes; in the unit nothing changes either."""
    model = chain(tf_keras, K.Dense(targets, activation=activation))
    last = model.layers[-1]
    last.set_weights([np.abs(weight) for weight in last.get_weights()])
    data = predicted(model)
    found = fit(loaded(model), data)
    assert found.notes == (
        "its outputs are taken for values in the targets' unit: a fixed layer behind them standardises them, which "
        "adds somewhat to flash, arena and time (a last Dense layer without an activation would need none)",
    )
    assert outputs(found, data) == pytest.approx(np.asarray(model(data.test.x)), rel=1e-4)
    fixed = found.network.topology.layers[-2]
    assert isinstance(fixed.spec, DepthwiseConv2D)
    assert fixed.spec.is_fixed
    network = found.network.build()
    before = network.get_layer(fixed.name).get_weights()
    fine_tune(network, tuning_recipe(len(data.train), 2), data.learning, 1, 1.0)
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_layer(fixed.name).get_weights(), strict=True))
    assert not np.array_equal(network.get_layer(last.name).get_weights()[0], last.get_weights()[0])


@pytest.mark.parametrize("task", ["values", "one value", "inputs"])
def test_no_two_shapings_follow_each_other(task: str) -> None:
    """Else ranges that training found do not fit the file, whose converter drops one: it is trained for int8 here."""
    if task == "inputs":
        data = strange()
        found = fit(loaded(autoencoder((8, 8, 1), K.Reshape((8, 8, 1)))), data)
    else:
        ends = {
            "values": (K.Dense(2), K.Rescaling([2.0, 3.0], [9.0, 5.0])),
            "one value": (K.Dense(1), K.Rescaling(9.0)),
        }
        model = chain(tf_keras, *ends[task])
        data = predicted(model)
        found = fit(loaded(model), data)
        assert outputs(found, data) == pytest.approx(np.asarray(model(data.test.x)), rel=1e-4)
    specs = [layer.spec for layer in found.network.topology.layers]
    shapings = [isinstance(spec, Reshape | Flatten) for spec in specs]
    assert (True, True) not in itertools.pairwise(shapings)
    recipe = tuning_recipe(len(data.train), 1)
    context = Context(
        calibration=data.train.x,
        fine_tune=lambda network, share, **more: fine_tune(network, recipe, data.learning, 1, share, **more),
    )
    plan = CompressionPlan.of(QuantizationAwareTraining(), Quantization())
    artifact = plan.convert(plan.shape(found.network.build(), context), context)
    assert math.prod(artifact.output.shape) == data.n_outputs


def test_standardised_values_stay_as_they_are() -> None:
    """A network that was trained on (value - mean) / deviation answers as networks here do; which is said."""
    model = chain(tf_keras, K.Dense(1))
    raw = np.asarray(model(pictures().train.x))
    model = moved(model, float(1 / raw.std()), float(-raw.mean() / raw.std()))
    data = predicted(model, 40.0, 150.0)
    found = fit(loaded(model), data)
    assert found.notes[0].startswith("its outputs are taken for standardised values, (value - mean) / deviation")
    given = np.asarray(found.network.build()(data.test.x))
    assert given == pytest.approx(np.asarray(model(data.test.x)), abs=1e-5)
    assert given == pytest.approx(data.test.y, abs=0.6)


def test_a_mean_far_above_the_deviation_is_no_fault() -> None:
    """Years around 2000: single precision leaves more than 1e-4 of a deviation, which is not the layers' doing."""
    model = moved(chain(tf_keras, K.Dense(1)), 0.5, 2000.0)
    data = predicted(model)
    assert data.targets[0].mean > 1e4 * data.targets[0].deviation
    assert outputs(fit(loaded(model), data), data) == pytest.approx(np.asarray(model(data.test.x)), rel=1e-6)


@pytest.mark.parametrize(("gap", "is_refused"), [(0.0, False), (0.03, True)])
def test_a_large_mean_hides_no_other_network(gap: float, is_refused: bool) -> None:
    """Of 100,000 deviations and more, a hundredth of one is rounding at most: what differs by more is refused."""
    model = moved(chain(tf_keras, K.Dense(1)), 0.5, 2000.0)
    data = predicted(model)
    (target,) = data.targets
    assert target.mean > 1e5 * target.deviation
    off = gap * target.deviation
    other = Loaded(network=model, original=lambda x, training: np.asarray(model(x), np.float64) + off)
    if is_refused:
        with pytest.raises(DataError, match=r"its outputs differ by .*: the targets are far from 0 beside their dev"):
            fit(other, data)
    else:
        fit(other, data)


def test_another_number_of_values_is_refused() -> None:
    """With both numbers."""
    with pytest.raises(DataError, match=r"outputs of shape \(2,\), data 'pictures' has 1 targets"):
        fit(loaded(chain(tf_keras, K.Dense(2))), predicted(chain(tf_keras, K.Dense(1))))


def strange(shape: tuple[int, ...] = (8, 8, 1)) -> Dataset:
    """Pictures, two thirds of them normal."""
    data = pictures(shape, classes=2)
    return replace(data, labels=("ok", "not ok"), task="anomaly_detection")


def autoencoder(inputs: tuple[int, ...], *last: Any) -> Any:
    n = int(np.prod(inputs))
    layers = (tf_keras.Input(inputs), K.Flatten(), K.Dense(5, activation="relu"), K.Dense(n, activation="sigmoid"))
    return randomised(tf_keras.Sequential([*layers, *last]))


@pytest.mark.parametrize("last", [(), (K.Reshape((8, 8, 1)),)], ids=["vector", "picture"])
@pytest.mark.parametrize("inputs", [(8, 8, 1), (64,)])
def test_an_input_is_given_back_in_one_row(inputs: tuple[int, ...], last: tuple[Any, ...]) -> None:
    """Whatever shape the network takes and gives it in."""
    model, data = autoencoder(inputs, *last), strange()
    found = fit(loaded(model), data)
    assert found.network.topology.output_shape == (64,)
    expected = np.asarray(model(data.test.x.reshape(-1, *inputs))).reshape(-1, 64)
    assert np.asarray(found.network.build()(data.test.x)) == pytest.approx(expected, abs=1e-5)


def test_what_gives_no_input_back_is_refused() -> None:
    """A classifier finds no anomaly."""
    with pytest.raises(
        DataError, match=r"outputs of shape \(3,\), inputs of data 'pictures' have 64 values: anomalies"
    ):
        fit(loaded(chain(tf_keras)), strange())


@pytest.mark.parametrize(
    ("layer", "kind"),
    [(K.UpSampling2D(), "UpSampling2D"), (K.Conv2DTranspose(2, 3, strides=2, padding="same"), "Conv2DTranspose")],
    ids=["upsampling", "transposed"],
)
def test_what_makes_pictures_larger_is_refused(layer: Any, kind: str) -> None:
    """As the README says of autoencoders: dense layers and convolutions of stride 1 are read."""
    ends = (K.Conv2D(1, 3, padding="same"),)
    small = (tf_keras.Input((8, 8, 1)), K.Conv2D(2, 3, strides=2, padding="same"))
    with pytest.raises(DataError, match=kind):
        fit(loaded(randomised(tf_keras.Sequential([*small, layer, *ends]))), strange())
    same = tf_keras.Sequential([tf_keras.Input((8, 8, 1)), K.Conv2D(2, 3, padding="same"), *ends])
    assert fit(loaded(randomised(same)), strange()).network.topology.output_shape == (64,)


def test_the_autoencoder_of_mlperf_tiny(shared: Path) -> None:
    """As published: 640 values in and out, batch normalisations between."""
    found = fit(load(shared / "data/models_mlperf_tiny/anomaly_detection/ad01.h5"), strange((640,)))
    assert found.network.topology.output_shape == (640,)
    assert found.notes == ()
