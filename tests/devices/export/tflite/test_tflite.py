"""Target ``tflite`` hands over the file itself and labels that stay one to a line."""

from __future__ import annotations

from devices.coding.package import unpack
from devices.export.bundle import Bundle
from devices.export.tflite.tflite import TFLiteTarget


def test_files(bundle: Bundle) -> None:
    files = TFLiteTarget().files(bundle)
    assert set(files) == {"model.tflite", "labels.txt", "model.json", "MODEL_CARD.md"}
    assert files["model.tflite"] == bundle.artifact.content


def test_labels_are_one_a_line_and_read_back(bundle: Bundle) -> None:
    lines = TFLiteTarget().files(bundle)["labels.txt"].decode().splitlines()
    back = tuple(line.encode("latin-1", "backslashreplace").decode("unicode_escape") for line in lines)
    assert back == bundle.artifact.labels


def test_a_coded_model_comes_with_its_package(coded_bundle: Bundle) -> None:
    """The package is what ``unpack`` makes the model file of; the model file is there too."""
    files = TFLiteTarget().files(coded_bundle)
    assert set(files) == {"model.tflite", "model.tfh", "labels.txt", "model.json", "MODEL_CARD.md"}
    assert unpack(files["model.tfh"]) == files["model.tflite"] == coded_bundle.artifact.content
