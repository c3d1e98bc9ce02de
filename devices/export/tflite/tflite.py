"""The ``tflite`` target: for people who have a runtime of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from devices.export.bundle import Bundle
from devices.export.escape import one_line
from devices.export.tflite.card import card
from devices.export.tflite.description import description


@dataclass(frozen=True, slots=True)
class TFLiteTarget:
    """The model file, and all a program or a person must know to use it."""

    name: str = "tflite"
    description: str = "model.tflite with its labels, a description for programs and a model card"

    def files(self, bundle: Bundle) -> Mapping[str, bytes]:
        """``model.tflite``, ``labels.txt``, ``model.json`` and ``MODEL_CARD.md``.

        For a board with an Ethos-U also ``model_vela.tflite``, which is what it
        executes; ``model.tflite`` is what that was compiled from.
        For a Huffman-coded model also ``model.tfh``, the package that is flashed.
        ``labels.txt`` has one label a line in output order, written by
        `escape.one_line`; ``model.json`` has them unchanged.
        """
        compiled = {} if bundle.compiled is None else {"model_vela.tflite": bundle.compiled}
        package = {} if bundle.artifact.package is None else {"model.tfh": bundle.artifact.package}
        return {
            "model.tflite": bundle.artifact.content,
            **compiled,
            **package,
            "labels.txt": "".join(f"{one_line(label)}\n" for label in bundle.artifact.labels).encode(),
            "model.json": description(bundle),
            "MODEL_CARD.md": card(bundle),
        }
