"""A given network goes to a file and back unchanged, and a damaged file is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tf_keras

from compressors.network import topology_of, weights_of
from search.errors import StorageError
from search.networks.kept import read_network, save_network
from spaces.given import GivenNetwork
from tests.search.networks.models import branches


@pytest.fixture(scope="module")
def network() -> GivenNetwork:
    model = branches(tf_keras)
    return GivenNetwork(topology=topology_of(model), weights=weights_of(model))


def test_there_and_back(network: GivenNetwork, tmp_path: Path) -> None:
    """Layers, names, order and every weight; without a pickle in the file."""
    save_network(network, tmp_path / "network.npz")
    found = read_network(tmp_path / "network.npz")
    assert found.topology == network.topology
    assert found.digest() == network.digest()
    with np.load(tmp_path / "network.npz", allow_pickle=False) as arrays:
        assert sorted(arrays.files) == ["layers", "weights"]


def test_the_digest_tells_networks_apart(network: GivenNetwork) -> None:
    """One weight in the last place is another network."""
    name = next(iter(network.weights))
    first, *rest = network.weights[name]
    other = first.copy()
    other.flat[0] = np.nextafter(other.flat[0], np.float32(9))
    changed = GivenNetwork(topology=network.topology, weights={**network.weights, name: (other, *rest)})
    assert changed.digest() != network.digest()


def test_what_is_fixed_stays_fixed_and_older_files_are_read(tmp_path: Path) -> None:
    """A fixed layer comes back as one; a file from before there were any has none, and the same digest."""
    source = tf_keras.Input((4, 4, 2))
    fixed = tf_keras.layers.DepthwiseConv2D(1, trainable=False, name="fixed")
    model = tf_keras.Model(source, tf_keras.layers.Flatten()(fixed(source)))
    network = GivenNetwork(topology=topology_of(model), weights=weights_of(model))
    file = tmp_path / "network.npz"
    save_network(network, file)
    assert read_network(file).topology == network.topology
    assert not read_network(file).build().trainable_weights
    with np.load(file, allow_pickle=False) as arrays:
        rows = json.loads(str(arrays["layers"]))
        assert rows[1]["options"].pop("is_fixed")
        np.savez(file, layers=json.dumps(rows), weights=arrays["weights"])
    assert len(read_network(file).build().trainable_weights) == 2
    assert read_network(file).digest() == network.digest()


def test_a_damaged_file_is_refused(network: GivenNetwork, tmp_path: Path) -> None:
    """Weights missing, no archive at all, no file."""
    file = tmp_path / "network.npz"
    save_network(network, file)
    with np.load(file, allow_pickle=False) as arrays:
        content = dict(arrays)
    np.savez(file, layers=content["layers"], weights=content["weights"][:-1])
    with pytest.raises(StorageError, match="is not a kept network"):
        read_network(file)
    file.write_bytes(b"nothing")
    with pytest.raises(StorageError, match="is not a kept network"):
        read_network(file)
    file.unlink()
    with pytest.raises(StorageError, match="is not a kept network"):
        read_network(file)
