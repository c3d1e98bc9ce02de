"""Files of networks with preprocessing layers are read, and compressed by `tinyfront compress`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tf_keras
import yaml

from search.errors import DataError
from search.networks.fitting import fit
from search.networks.load import load
from tests.search.given import command, plan_file, samples
from tests.search.networks.models import pictures
from tests.search.networks.test_load import saved

IMAGE, VECTOR = (8, 8, 2), (12,)


def _network(library: Any, shape: tuple[int, ...]) -> Any:
    """A Rescaling by channel, an adapted Normalization, and one of given numbers in a network within."""
    layers = library.layers
    library.utils.set_random_seed(4)
    adapted = layers.Normalization()
    adapted.adapt(np.random.default_rng(1).normal(3, 2, (50, *shape)).astype(np.float32))
    channels = shape[-1]
    inner = library.Sequential(
        [library.Input(shape), layers.Normalization(mean=[0.3] * channels, variance=[2.0] * channels)], name="inside"
    )
    scale = np.linspace(1, 2, channels, dtype=np.float32)
    return library.Sequential(
        [
            library.Input(shape),
            layers.Rescaling(scale, offset=0.5),
            adapted,
            inner,
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("shape", [IMAGE, VECTOR], ids=["image", "vector"])
@pytest.mark.parametrize(
    ("library", "name", "options"),
    [
        (keras, "a.keras", {}),
        (keras, "a.h5", {}),
        (tf_keras, "a.keras", {}),
        (tf_keras, "a.h5", {}),
        (tf_keras, "folder", {"save_format": "tf"}),
    ],
    ids=["keras3-keras", "keras3-h5", "keras2-keras", "keras2-h5", "saved-model"],
)
def test_every_kind_of_file(
    tmp_path: Path, library: Any, name: str, options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    """What was saved, what was read and what is compressed give the same."""
    model, data = _network(library, shape), pictures(shape)
    expected = np.asarray(model(data.test.x))
    found = load(saved(model, tmp_path / name, **options))
    for network in (found.original, found.network, fit(found, data).network.build()):
        assert np.abs(np.asarray(network(data.test.x)) - expected).max() < 1e-5


def test_what_is_not_taken_is_refused(tmp_path: Path) -> None:
    """By name, with the reason."""
    model = keras.Sequential(
        [
            keras.Input(IMAGE),
            keras.layers.Normalization(mean=0.0, variance=1.0, invert=True, name="back"),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    with pytest.raises(DataError, match=r"layer 'back' \(Normalization\) is not supported: invert is True"):
        fit(load(saved(model, tmp_path / "a.keras")), pictures(IMAGE))


def test_compress_takes_it(place: Path, tmp_path: Path, inline: object) -> None:
    """A network on 0..255 that scales by itself is pruned and trained for int8, and stays about as accurate."""
    arrays = samples()
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Rescaling(1 / 255, name="scale"),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(arrays["x_train"], arrays["y_train"], epochs=4, verbose=0)
    file = saved(model, tmp_path / "scaled.h5")
    out = tmp_path / "out"
    plan = {"structured_pruning": {"filters": 0.25}, "quantization_aware_training": {}, "quantization": {}}
    arguments = ("--set", "normalization=none", "--plan", plan_file(tmp_path, plan), "--out", str(out))
    assert command(place, *arguments, model=str(file)) == 0
    report = json.loads((out / "report.json").read_text())
    assert report["float_accuracy"] > 0.8
    accuracy = {row["name"]: row["accuracy"] for row in report["rows"]}
    assert accuracy["int8"] == pytest.approx(accuracy["float32"], abs=0.05)
    assert accuracy["compressed"] > 0.8
    assert yaml.safe_load((out / "plan.yaml").read_text())["quantization_aware_training"]
