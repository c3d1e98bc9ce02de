"""SavedModel folders that tf_keras wrote: the description of the layers and the checkpoint, never the graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from search.errors import DataError
from search.networks.loader import Loaded, rebuilt
from search.networks.realisation import Model


class SavedModel:
    """A folder with ``saved_model.pb``, ``keras_metadata.pb`` and ``variables``."""

    kind = "SavedModel folder"

    def recognises(self, path: Path) -> bool:
        """True for folders."""
        return path.is_dir()

    def read(self, path: Path) -> Loaded:
        """The network of a folder; see `search.networks.loader.NetworkLoader.read`."""
        if not (path / "saved_model.pb").exists():
            raise DataError("it is a folder without saved_model.pb: give a SavedModel folder, a .keras or an .h5 file")
        metadata = path / "keras_metadata.pb"
        if not metadata.exists():
            raise DataError(
                "it holds a graph to serve and no layers (there is no keras_metadata.pb): "
                "save the network as a .keras file"
            )

        def load(model: Model) -> None:
            model.load_weights(str(path / "variables" / "variables")).assert_existing_objects_matched()

        return rebuilt(_root(metadata), "2", load)


def _root(file: Path) -> dict[str, Any]:
    """The configuration of the folder's outermost object."""
    from google.protobuf.message import DecodeError
    from tf_keras.protobuf import saved_metadata_pb2

    try:
        metadata = saved_metadata_pb2.SavedMetadata.FromString(file.read_bytes())
        text = next(node.metadata for node in metadata.nodes if node.node_path == "root")
        document = json.loads(text, object_hook=_without_marks)
    except (DecodeError, StopIteration, ValueError, OSError, RecursionError) as error:
        raise DataError(f"its keras_metadata.pb is damaged ({error!r}): save the network again") from error
    if not isinstance(document, dict) or "config" not in document:
        raise DataError("its outermost object is no network of layers: save the network as a .keras file")
    return document


def _without_marks(value: dict[str, Any]) -> Any:
    """Tuples and shapes, which this format marks, as lists."""
    return value["items"] if value.get("class_name") in ("__tuple__", "TensorShape") and "items" in value else value
