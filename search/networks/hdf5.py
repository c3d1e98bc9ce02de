"""``.h5``: the legacy format of Keras 2, which Keras 3 still writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from search.errors import DataError
from search.networks.loader import Loaded, rebuilt
from search.networks.realisation import Model
from search.networks.weights_file import check_weights_file


class Hdf5:
    """An HDF5 file with the configuration as an attribute and a group of weights."""

    kind = ".h5 file"

    def recognises(self, path: Path) -> bool:
        """True for files that end in ``.h5`` or ``.hdf5``."""
        return path.is_file() and path.suffix.lower() in (".h5", ".hdf5")

    def read(self, path: Path) -> Loaded:
        """The network of a legacy file; see `search.networks.loader.NetworkLoader.read`."""
        check_weights_file(path)
        config, version = _attributes(path)

        def load(model: Model) -> None:
            model.load_weights(str(path))

        return rebuilt(config, version, load)


def _attributes(path: Path) -> tuple[dict[str, Any], str]:
    import h5py

    with h5py.File(path, "r") as file:
        text = file.attrs.get("model_config")
        version = file.attrs.get("keras_version", "2")
    if text is None:
        raise DataError("it holds weights and no layers: save the whole network with model.save")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"its description of the layers is not JSON ({error}): save the network again") from error
    if not isinstance(config, dict):
        raise DataError("its description of the layers is not a mapping: save the network again")
    return config, version.decode() if isinstance(version, bytes) else str(version)
