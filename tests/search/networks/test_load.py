"""Every kind of file gives the network that was saved; what cannot be read is refused with a sentence."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tf_keras

from search.errors import DataError, JobError
from search.networks.load import load
from tests.search.networks.models import branches, chain, nested

X = np.random.default_rng(1).random((5, 8, 8, 1), np.float32)


def saved(model: Any, path: Path, **options: Any) -> Path:
    """The model in a file; both libraries warn of the older formats."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(str(path), **options)
    return path


@pytest.mark.parametrize("make", [branches, chain, nested])
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
def test_a_saved_network_is_read(
    tmp_path: Path, make: Callable[[Any], Any], library: Any, name: str, options: dict[str, Any]
) -> None:
    """Outputs of what was read, in its own library and in tf_keras, are those of the network that was saved."""
    model = make(library)
    expected = np.asarray(model(X, training=False))
    found = load(saved(model, tmp_path / name, **options))
    assert np.abs(np.asarray(found.original(X, training=False)) - expected).max() < 1e-5
    assert np.abs(np.asarray(found.network(X, training=False)) - expected).max() < 1e-5
    assert type(found.network).__module__.startswith("tf_keras.")


def test_a_compiled_network_is_read_without_what_trains_it(tmp_path: Path) -> None:
    """Optimiser, loss and a metric of the user's own stay unread."""
    model = chain(keras)
    model.compile("adam", loss=lambda y, p: keras.ops.mean(p), metrics=["accuracy"])
    assert load(saved(model, tmp_path / "a.keras")).network.output_shape == (None, 3)


def test_a_lambda_is_never_run(tmp_path: Path) -> None:
    """A Lambda's code would leave a mark; it is refused by name and leaves none, in either format."""
    mark = tmp_path / "mark"
    name = str(mark)
    body = keras.layers.Lambda(lambda x: (__import__("pathlib").Path(name).touch(), x)[1], name="mine")
    model = chain(keras, body, keras.layers.Dense(3))
    files = (saved(model, tmp_path / "a.keras"), saved(model, tmp_path / "a.h5"))
    mark.unlink()  # left when the layer was first called
    for file in files:
        with pytest.raises(DataError, match="layer 'mine' is a Lambda: it holds code, which is never run"):
            load(file)
    assert not mark.exists()


class Doubled(keras.layers.Layer):  # type: ignore[misc]  # keras carries no types
    """A layer that only its user knows."""

    def call(self, x: Any) -> Any:
        """Twice the input."""
        return 2 * x


def test_a_custom_layer_is_refused(tmp_path: Path) -> None:
    """Named with its class, and with what there is instead."""
    file = saved(chain(keras, Doubled(name="own"), keras.layers.Dense(3)), tmp_path / "a.keras")
    with pytest.raises(DataError, match=r"layer 'own' \(Doubled\) is a custom layer .* its code is never run: use Act"):
        load(file)


def rewritten(file: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The archive with its configuration changed, as nobody's Keras writes it."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def _function(config: dict[str, Any]) -> None:
    own = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    config["config"]["layers"][1]["config"]["activation"] = own


def _module(config: dict[str, Any]) -> None:
    config["config"]["layers"][1]["module"] = "subprocess"


def _half(config: dict[str, Any]) -> None:
    config["config"]["layers"][1]["config"]["dtype"] = "float16"


def _initializer(config: dict[str, Any]) -> None:
    own = {"module": "os", "class_name": "system", "config": {"command": "exit 3"}, "registered_name": None}
    config["config"]["layers"][1]["config"]["kernel_initializer"] = own


def _no_layers(config: dict[str, Any]) -> None:
    del config["config"]["layers"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_function, "activation is a function or an object of its own"),
        (_module, "is a custom layer that is not known here"),
        (_half, "computes in float16: save the network in float32"),
        (_no_layers, "its description is damaged"),
    ],
)
def test_a_description_is_data(tmp_path: Path, change: Callable[[dict[str, Any]], None], words: str) -> None:
    """What a description names is looked up nowhere: functions, modules and other types are refused."""
    file = rewritten(saved(chain(keras), tmp_path / "a.keras"), change)
    with pytest.raises(DataError, match=words):
        load(file)


def test_what_only_training_needs_is_never_made(tmp_path: Path) -> None:
    """An initialiser that would call the system is passed over, for the weights are there."""
    assert load(rewritten(saved(chain(keras), tmp_path / "a.keras"), _initializer)).network.output_shape == (None, 3)


def test_two_inputs_are_refused(tmp_path: Path) -> None:
    """With their number."""
    a, b = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([a, b], keras.layers.Dense(2)(keras.layers.Add()([a, b])))
    with pytest.raises(DataError, match="has 2 inputs and 1 outputs"):
        load(saved(model, tmp_path / "a.keras"))


def test_a_layer_used_twice_is_refused(tmp_path: Path) -> None:
    """Shared weights have no place in a topology."""
    source, shared = keras.Input((4,)), keras.layers.Dense(4, name="both")
    with pytest.raises(DataError, match=r"layer 'both' \(Dense\) is used 2 times"):
        load(saved(keras.Model(source, shared(shared(source))), tmp_path / "a.keras"))


def test_an_open_axis_is_refused(tmp_path: Path) -> None:
    """A microcontroller has no open axis."""
    source = keras.Input((None, 4))
    model = keras.Model(source, keras.layers.GlobalAveragePooling1D()(source))
    with pytest.raises(DataError, match=r"takes inputs of shape \(None, 4\): every axis needs a fixed size"):
        load(saved(model, tmp_path / "a.keras"))


@pytest.mark.parametrize("name", ["a.h5", "a.keras"])
def test_a_text_file_is_refused(tmp_path: Path, name: str) -> None:
    """Whatever its name says."""
    (tmp_path / name).write_text("no network at all")
    with pytest.raises(DataError, match="it is not a whole"):
        load(tmp_path / name)


def test_weights_alone_are_refused(tmp_path: Path) -> None:
    """With the way to save the layers too."""
    chain(keras).save_weights(str(tmp_path / "a.weights.h5"))
    with pytest.raises(DataError, match="it holds weights and no layers: save the whole network"):
        load(tmp_path / "a.weights.h5")


def test_a_link_to_another_file_is_refused(tmp_path: Path) -> None:
    """HDF5 can point anywhere on the disk."""
    file = saved(chain(tf_keras), tmp_path / "a.h5")
    with h5py.File(file, "a") as stream:
        stream["model_weights/more"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(DataError, match="'more' is a link, which could lead to another file"):
        load(file)


def test_a_folder_must_hold_layers(tmp_path: Path) -> None:
    """A folder of anything, and a graph exported to be served."""
    with pytest.raises(DataError, match=r"it is a folder without saved_model\.pb"):
        load(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(DataError, match=r"no keras_metadata\.pb"):
        load(tmp_path)


def test_missing_and_unknown_files(tmp_path: Path) -> None:
    """A mistake in the command line, not in the data."""
    with pytest.raises(JobError, match=r"does not exist: give a \.keras file"):
        load(tmp_path / "none.keras")
    (tmp_path / "a.tflite").write_bytes(b"TFL3")
    with pytest.raises(JobError, match=r"is of an unknown kind: .* 'tinyfront score' takes \.tflite"):
        load(tmp_path / "a.tflite")
