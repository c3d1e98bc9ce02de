"""``.keras``: the archive of Keras 3, and of tf_keras 2.12 and later."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from search.errors import DataError
from search.networks.loader import Loaded, rebuilt
from search.networks.realisation import Model
from search.networks.weights_file import check_weights_file

_MOST_TEXT = 64 << 20
_MOST_WEIGHTS = 4 << 30


class KerasArchive:
    """A zip of ``metadata.json``, ``config.json`` and ``model.weights.h5``."""

    kind = ".keras archive"

    def recognises(self, path: Path) -> bool:
        """True for files that end in ``.keras``."""
        return path.is_file() and path.suffix.lower() == ".keras"

    def read(self, path: Path) -> Loaded:
        """The network of an archive; see `search.networks.loader.NetworkLoader.read`."""
        try:
            with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
                version = str(_json(archive, "metadata.json").get("keras_version", "3"))
                config = _json(archive, "config.json")
                weights = Path(folder) / "model.weights.h5"
                _extract(archive, "model.weights.h5", weights)
                check_weights_file(weights)

                def load(model: Model) -> None:
                    model.load_weights(str(weights))

                return rebuilt(config, version, load)
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
            raise DataError(f"it is not a whole .keras archive ({error}): save the network again") from error


def _member(archive: zipfile.ZipFile, name: str, most: int) -> zipfile.ZipInfo:
    try:
        info = archive.getinfo(name)
    except KeyError as error:
        raise DataError(f"the archive holds no {name}: save the network with model.save") from error
    if info.file_size > most:
        raise DataError(f"{name} in the archive takes {info.file_size} bytes unpacked, the most is {most}")
    return info


def _json(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    try:
        document = json.loads(archive.read(_member(archive, name, _MOST_TEXT)))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} in the archive is not JSON ({error}): save the network again") from error
    if not isinstance(document, dict):
        raise DataError(f"{name} in the archive is not a mapping: save the network again")
    return document


def _extract(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    """Copy one member to `target`, whatever path the member names."""
    with archive.open(_member(archive, name, _MOST_WEIGHTS)) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
