"""The float networks of a trial: the one it compresses, trained or read, and the one it learns from."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from search.seeds import seed_of
from spaces.candidate import Architecture, Candidate

if TYPE_CHECKING:
    from compressors.compressor import Network
    from search.datasets.dataset import Dataset
    from search.worker import Stopwatch, TrialTask
    from spaces.graphs import Head


def float_key(task_seed: int, candidate: Candidate, data_digest: str) -> str:
    """Key of a trained float network: equal where architecture, recipe, data and seed are."""
    import hashlib

    text = repr((task_seed, candidate.architecture, candidate.recipe, data_digest))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def network_of(task: TrialTask, data: Dataset, watch: Stopwatch) -> tuple[Network, bytes | None]:
    """The trained network, and its weights as an npz where it was trained here."""
    if task.network_file is not None:
        from search.networks.kept import read_network

        with watch.phase("build"):
            return read_network(task.network_file).build(), None
    with watch.phase("build"):
        network = _born(task, data)
        if task.weights_file.exists():
            load_weights(network, task.weights_file)
            return network, None
    with watch.phase("train"):
        return network, _trained(network, task, data)


def _born(task: TrialTask, data: Dataset) -> Network:
    from spaces.birth import birth

    seed = seed_of(task.seed, "birth", repr(task.candidate.architecture))
    return birth(task.candidate.architecture, data.input_shape, data.n_outputs, seed, head=data.head)


def _trained(network: Network, task: TrialTask, data: Dataset) -> bytes:
    from search.train import train

    recipe = task.candidate.recipe
    seed = seed_of(task.seed, "train", repr((task.candidate.architecture, recipe)))
    train(network, recipe, data.learning, seed, task.class_weights)
    buffer = io.BytesIO()
    save_weights(buffer, network)
    return buffer.getvalue()


def save_weights(stream: io.BytesIO, network: Network) -> None:
    """Write the weights as an npz."""
    import numpy as np

    np.savez(stream, **{f"w{index:04d}": array for index, array in enumerate(network.get_weights())})


def load_weights(network: Network, file: Path) -> None:
    """Put the weights of an npz that `save_weights` wrote into a network of the same layers."""
    import numpy as np

    with np.load(file, allow_pickle=False) as arrays:
        network.set_weights([arrays[name] for name in sorted(arrays.files)])


def teacher_of(task: TrialTask, data: Dataset) -> Callable[[], Network] | None:
    """Makes the network that distillation learns from; None where there is none."""
    if task.teacher_file is None:
        return None
    return functools.partial(_teacher, task.teacher_file, task.teacher, data.input_shape, data.n_outputs, data.head)


@functools.lru_cache(maxsize=1)
def _teacher(
    file: Path, architecture: Architecture | None, input_shape: tuple[int, ...], n_outputs: int, head: Head
) -> Network:
    """Built once a process: nothing changes it."""
    from search.networks.kept import read_network
    from spaces.birth import birth

    if architecture is None:
        return read_network(file).build()
    network = birth(architecture, input_shape, n_outputs, seed=0, head=head)
    load_weights(network, file)
    return network
