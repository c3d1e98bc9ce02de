"""Target ``tflite`` hands over the file itself and labels that stay one to a line."""

from __future__ import annotations

from devices.export.target import Bundle
from devices.export.tflite.tflite import TFLiteTarget


def test_files(bundle: Bundle) -> None:
    files = TFLiteTarget().files(bundle)
    assert set(files) == {"model.tflite", "labels.txt", "model.json", "MODEL_CARD.md"}
    assert files["model.tflite"] == bundle.artifact.content


def test_labels_are_one_a_line_and_read_back(bundle: Bundle) -> None:
    lines = TFLiteTarget().files(bundle)["labels.txt"].decode().splitlines()
    back = tuple(line.encode("latin-1", "backslashreplace").decode("unicode_escape") for line in lines)
    assert back == bundle.artifact.labels
