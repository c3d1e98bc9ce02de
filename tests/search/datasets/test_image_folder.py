"""Folders of images: sizes, channels, orientation, parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from search.datasets.images import read_images
from search.datasets.load import inspect, load
from search.datasets.options import DataOptions
from search.datasets.raw import Array
from tests.search.datasets.made import images, write_image


def _raw(path: Path, **options: Any) -> Array:
    pixels, _ = read_images([path], DataOptions(**options), "made-up")
    made: Array = pixels[0]
    return made


def test_pixels_are_those_of_the_file(tmp_path: Path) -> None:
    """Lossless images arrive unchanged, in colour and in grey."""
    for mode in ("RGB", "L"):
        path = write_image(tmp_path / f"{mode}.png", (6, 9), mode)
        expected = np.asarray(Image.open(path)).reshape(6, 9, -1)
        assert np.array_equal(_raw(path), expected)


def test_classes_and_parts(tmp_path: Path) -> None:
    """Folders are classes, sorted; train and test folders are kept, validation is taken from training."""
    images(tmp_path / "train", ("zebra", "ant"), n=10, mode="L")
    for index in range(6):
        write_image(tmp_path / "test" / ("ant", "zebra")[index % 2] / f"{index}.png", mode="L", seed=7000 + index)
    found = inspect(str(tmp_path))
    assert found.data.labels == ("ant", "zebra")
    assert found.data.input_shape == (8, 8, 1)
    assert [(part.name, part.n, part.is_given) for part in found.split.parts] == [
        ("train", 16, True),
        ("validation", 4, False),
        ("test", 6, True),
    ]
    assert found.data.normalization.factor == pytest.approx(1 / 255, rel=0.02)


def test_size_is_chosen(tmp_path: Path) -> None:
    """As asked for; else large images, or unequal ones, become 96 x 96, and a note says so."""
    images(tmp_path, size=(200, 300), n=4)
    usual = inspect(str(tmp_path))
    assert usual.data.input_shape == (96, 96, 3)
    assert usual.notes == ("images of 200 x 300 pixels are brought to 96 x 96, stretched",)
    asked = inspect(str(tmp_path), DataOptions(image_height=20, image_width=30, channels=1, image_fit="crop"))
    assert asked.data.input_shape == (20, 30, 1)
    assert asked.notes == ("images of 200 x 300 pixels are brought to 20 x 30, their middle cut out",)
    assert load(str(tmp_path), DataOptions(image_height=24)).input_shape == (24, 24, 3)


def test_crop_takes_the_middle(tmp_path: Path) -> None:
    """A wide image whose middle third is white is all white when cropped, and not when stretched."""
    values = np.zeros((30, 90), np.uint8)
    values[:, 30:60] = 255
    Image.fromarray(values, "L").save(tmp_path / "a.png")
    size = {"image_height": 10, "image_width": 10}
    assert _raw(tmp_path / "a.png", image_fit="crop", **size).min() > 200  # edges blend with their neighbours
    assert _raw(tmp_path / "a.png", image_fit="stretch", **size).min() == 0


def test_phones_turn_their_pictures(tmp_path: Path) -> None:
    """The orientation that EXIF names is undone."""
    values = np.zeros((16, 16, 3), np.uint8)
    values[:8] = 255  # bright above
    exif = Image.Exif()
    exif[0x0112] = 6  # the top is at the right
    Image.fromarray(values, "RGB").save(tmp_path / "a.jpg", exif=exif, quality=95)
    upright = _raw(tmp_path / "a.jpg")
    assert upright[:, 8:].mean() > 200 > 50 > upright[:, :8].mean()


def test_sixteen_bits_and_transparency(tmp_path: Path) -> None:
    """The upper eight of 16 bits; what is clear is black, whatever colour lies beneath."""
    deep = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.array_equal(_raw(tmp_path / "deep.png")[..., 0], deep >> 8)
    clear = np.full((8, 8, 4), 255, np.uint8)
    clear[:4, :, 3] = 0
    Image.fromarray(clear, "RGBA").save(tmp_path / "clear.png")
    pixels = _raw(tmp_path / "clear.png")
    assert (pixels[:4].max(), pixels[4:].min()) == (0, 255)


def test_names_say_class_and_group(tmp_path: Path) -> None:
    """A flat folder, split by who took the pictures."""
    for index in range(24):
        write_image(tmp_path / f"{'ab'[index % 2]}-{index // 6}-{index}.png", seed=index)
    found = inspect(str(tmp_path), DataOptions(file_name="{label}-{who}-{_}", group_by="who"))
    assert found.data.labels == ("a", "b")
    assert [part.n_groups for part in found.split.parts] == [2, 1, 1]


def test_mnist(shared: Path, tmp_path: Path) -> None:
    """The published pictures, as their archive unpacks."""
    from tests.benchmarks.real_data import unpack

    unpack(shared / "data/mnist/train10k.tar.xz", tmp_path, most=1500)
    data = load(str(tmp_path / "train"))
    assert (data.input_shape, data.labels) == ((28, 28, 1), ("0", "1"))
