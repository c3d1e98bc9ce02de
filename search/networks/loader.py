"""What reads one kind of network file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from compressors.compressor import Network
from search.errors import DataError
from search.networks.description import Config, describe
from search.networks.realisation import Model, copy_weights, finish, realise


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A network as it was found.

    Attributes
    ----------
    network
        In ``tf_keras``, with its weights.
    original
        The same network in the library that wrote the file, to compare with.
    """

    network: Network
    original: Model


class NetworkLoader(Protocol):
    """One kind of file.  Adding one is a file and a line in `search.networks.load.LOADERS`.

    Attributes
    ----------
    kind
        What messages call it, with its ending.
    """

    kind: str

    def recognises(self, path: Path) -> bool:
        """True when `path`, which exists, has this kind's name; its content may yet be something else."""

    def read(self, path: Path) -> Loaded:
        """The network in `path`; nothing that the file says is run.

        Raises
        ------
        DataError
            When it is not such a file, or its network cannot be used.
        """


def rebuilt(config: Config, keras_version: str, load_weights: Callable[[Model], None]) -> Loaded:
    """The network of a configuration, with the weights that `load_weights` puts into it.

    Parameters
    ----------
    keras_version
        Of the Keras that wrote the file; from 3 on it is read with ``keras``, before that with ``tf_keras``.

    Raises
    ------
    DataError
        When the configuration cannot be used, or the weights do not go with it.
    """
    import tf_keras

    entry = describe(config)
    if int(keras_version.partition(".")[0] or 0) < 3:
        network = realise(entry, tf_keras)
        _load(load_weights, network)
        return Loaded(network=network, original=network)
    import keras

    original, network = realise(entry, keras), realise(entry, tf_keras)
    _load(load_weights, original)
    copy_weights(original, network)
    return Loaded(network=network, original=original)


def _load(load_weights: Callable[[Model], None], model: Model) -> None:
    try:
        load_weights(model)
        finish(model)
    except (ValueError, KeyError, OSError, AssertionError, AttributeError, IndexError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(f"its weights do not go with its layers ({reason}): save the whole network again") from error
