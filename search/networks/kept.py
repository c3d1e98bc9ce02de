"""A given network as one file of the run, without a framework and without pickles.

Two arrays: ``layers``, a JSON text of a row a layer with the shapes of its
weights, and ``weights``, all of them one after another.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
from pathlib import Path
from typing import Any, get_args

import numpy as np

from compressors.layers import Spec
from compressors.topology import Layer, Topology
from search import codec
from search.datasets.archive import read_arrays
from search.errors import DataError, StorageError
from search.files import write_whole
from spaces.given import GivenNetwork

_KINDS: dict[str, type] = {kind.__name__: kind for kind in get_args(Spec)}


def save_network(network: GivenNetwork, path: Path) -> None:
    """Write a network to `path`, whole or not at all; `read_network` gives it back.

    Raises
    ------
    StorageError
        When the file cannot be written.
    """
    ordered = [array for layer in network.topology.layers for array in network.weights.get(layer.name, ())]
    flat = np.concatenate([np.zeros(0, np.float32), *(array.ravel() for array in ordered)])
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, layers=np.array(json.dumps(_rows(network))), weights=flat.astype(np.float32))
    write_whole(path, buffer.getvalue())


def read_network(path: Path) -> GivenNetwork:
    """The network that `save_network` wrote.

    Raises
    ------
    StorageError
        When the file is missing, damaged or was not written by `save_network`.
    """
    try:
        arrays = read_arrays(path, ("layers", "weights"))
        rows = json.loads(str(arrays["layers"]))
        topology = Topology(layers=tuple(_layer(row) for row in rows))
        return GivenNetwork(topology=topology, weights=_weights(rows, arrays["weights"]))
    except (DataError, ValueError, TypeError, KeyError) as error:
        raise StorageError(f"{path} is not a kept network ({error}): choose another --name") from error


def _rows(network: GivenNetwork) -> list[dict[str, Any]]:
    return [
        {
            "name": layer.name,
            "kind": type(layer.spec).__name__,
            "options": dataclasses.asdict(layer.spec),
            "inputs": layer.inputs,
            "weights": [array.shape for array in network.weights.get(layer.name, ())],
        }
        for layer in network.topology.layers
    ]


def _layer(row: Any) -> Layer:
    spec: Any = codec.structure(row["options"], _KINDS[row["kind"]])
    return Layer(name=str(row["name"]), spec=spec, inputs=tuple(row["inputs"]))


def _weights(rows: Any, flat: Any) -> dict[str, tuple[Any, ...]]:
    weights, start = {}, 0
    for row in rows:
        arrays = []
        for shape in row["weights"]:
            stop = start + math.prod(shape)
            arrays.append(flat[start:stop].reshape(shape))
            start = stop
        if arrays:
            weights[row["name"]] = tuple(arrays)
    if start != len(flat):
        raise ValueError(f"{len(flat)} weights, the layers have {start}")
    return weights
