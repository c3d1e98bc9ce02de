"""A network file of any known kind."""

from __future__ import annotations

from pathlib import Path

from search.errors import DataError, JobError, TinyFrontError
from search.networks.hdf5 import Hdf5
from search.networks.keras_archive import KerasArchive
from search.networks.loader import Loaded, NetworkLoader
from search.networks.saved_model import SavedModel

LOADERS: tuple[NetworkLoader, ...] = (KerasArchive(), Hdf5(), SavedModel())


def load(path: Path) -> Loaded:
    """The network in a file or folder.  Nothing that it says is run.

    Raises
    ------
    JobError
        When there is nothing at that path, or it is of an unknown kind.
    DataError
        When its network cannot be used.
    """
    try:
        there = path.exists()
    except OSError as error:
        raise JobError(f"network {str(path)[:80]!r} cannot be read: {error.strerror}") from error
    if not there:
        raise JobError(f"network {str(path)!r} does not exist: give a .keras file, an .h5 file or a SavedModel folder")
    for loader in LOADERS:
        if loader.recognises(path):
            return _read(loader, path)
    kinds = ", ".join(loader.kind for loader in LOADERS)
    raise JobError(f"network {str(path)!r} is of an unknown kind: {kinds} can be read, 'tinyfront score' takes .tflite")


def _read(loader: NetworkLoader, path: Path) -> Loaded:
    try:
        return loader.read(path)
    except TinyFrontError as error:
        raise DataError(f"network {str(path)!r}: {error}") from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        # A description is whatever a file says: one that is no description fails anywhere.
        raise DataError(
            f"network {str(path)!r}: its description is damaged ({type(error).__name__}: {error}): save it again"
        ) from error
