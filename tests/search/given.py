"""A small network of a user's own with its data, and the command that compresses it, all in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from compressors.layers import Dense, Input
from compressors.topology import Layer, Topology
from search import cli
from search.datasets.dataset import Dataset
from search.errors import DataError
from search.given import NetworkReader, Reading
from search.pool import Failure
from spaces.given import GivenNetwork

BOARD = "nucleo-l432kc"


class InlinePool:
    """A pool of one worker that is this process; `fails` ends a task with an exception."""

    workers = 1

    def __init__(self, after: Callable[[int], None] = lambda _: None) -> None:
        self._results: dict[int, Any] = {}
        self._after, self._count = after, 0

    @property
    def running(self) -> tuple[int, ...]:
        return tuple(self._results)

    @property
    def free(self) -> int:
        return 1 - len(self._results)

    def warm(self) -> None:
        """There is no worker to warm."""

    def submit(self, number: int, function: Any, *arguments: object) -> None:
        try:
            self._results[number] = function(*arguments)
        except (RuntimeError, DataError) as error:
            self._results[number] = Failure(reason=str(error))

    def next_results(self, _timeout: float | None) -> Mapping[int, Any]:
        results, self._results = self._results, {}
        self._count += 1
        self._after(self._count)
        return results

    def cancel(self) -> None:
        self._results.clear()


def samples() -> dict[str, np.ndarray[Any, Any]]:
    """Bars of light in one of three places, in noise; 0..255 as cameras have it."""
    rng = np.random.default_rng(5)
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for split, n in (("train", 300), ("val", 90), ("test", 60)):
        y = np.arange(n) % 3
        x = rng.random((n, 6, 6, 1)) * 200
        for index, place in enumerate(y):
            x[index, :, 2 * place : 2 * place + 2] += 55
        arrays |= {f"x_{split}": x.astype(np.uint8), f"y_{split}": y}
    arrays["x_train"][0, 0, 0, 0] = 255
    return arrays


def save_given(folder: Path) -> None:
    """Write ``bars.npz``, and networks trained on it: ``bars.keras`` on 0..1, ``raw.keras`` on 0..255."""
    import keras  # most tests beside these need no framework

    arrays = samples()
    np.savez(folder / "bars.npz", **arrays)  # type: ignore[arg-type]  # numpy's stub takes allow_pickle for one of them
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(arrays["x_train"] / 255.0, arrays["y_train"], epochs=4, verbose=0)
    model.save(folder / "bars.keras")
    first = model.layers[0]
    kernel, bias = first.get_weights()
    first.set_weights([kernel, bias * 255])  # of a network that was trained on 0..255, the rest scaled alike
    for layer in model.layers[1:]:
        if layer.weights:
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, bias * 255])
    model.save(folder / "raw.keras")


def command(place: Path, *more: str, model: str = "bars.keras") -> int:
    return cli.main(
        [
            *("compress", str(place / model), "--data", str(place / "bars.npz"), "--device", BOARD, "--workers", "1"),
            *("--set", "epochs=2", *more),
        ]
    )


def plan_file(folder: Path, plan: object) -> str:
    file = folder / "plan.yaml"
    file.write_text(yaml.safe_dump(plan))
    return str(file)


def tiny() -> GivenNetwork:
    """A network of one layer, without a framework."""
    layers = (Layer(name="input", spec=Input(shape=(2,))), Layer(name="end", spec=Dense(units=1), inputs=("input",)))
    weights = {"end": (np.ones((2, 1), np.float32), np.zeros(1, np.float32))}
    return GivenNetwork(topology=Topology(layers=layers), weights=weights)


def reading(folder: Path, data: Dataset, *layers: Any, weights: list[Any]) -> Reading:
    """What is known of a chain of `layers` with these weights, saved and read for the data."""
    import tf_keras

    network = tf_keras.Sequential([tf_keras.Input(data.input_shape), *layers])
    network.set_weights([np.asarray(each, np.float32) for each in weights])
    network.save(folder / "network.keras")
    reader = NetworkReader(folder / "network.keras")
    reader(data)
    assert reader.reading is not None
    return reader.reading


def fitted(data: Dataset) -> list[Any]:
    """Kernel and bias of the linear regression of the targets in their unit."""
    inputs = np.c_[data.train.x, np.ones(len(data.train))]
    found = np.linalg.lstsq(inputs.astype(np.float64), data.in_units(data.train.y), rcond=None)[0]
    return [found[:-1], found[-1]]
