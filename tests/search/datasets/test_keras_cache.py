"""Keras' cache is read where it is; nothing is downloaded and nothing is unpickled."""

from __future__ import annotations

import gzip
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.datasets.keras_cache import KerasCache
from search.datasets.load import load
from search.errors import DataError

_RNG = np.random.default_rng(0)
_INNER = Path("cifar-10-batches-py-target") / "cifar-10-batches-py"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ``datasets`` folder of an empty Keras home."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = tmp_path / "datasets"
    folder.mkdir()
    return folder


def _images(*shape: int) -> Any:
    return _RNG.integers(0, 256, shape, np.uint8)


def _write_mnist(cache: Path) -> None:
    arrays = {"x_train": _images(30, 28, 28), "x_test": _images(10, 28, 28)}
    np.savez(cache / "mnist.npz", y_train=np.arange(30) % 10, y_test=np.arange(10), **arrays)


def _idx(*shape: int, values: bytes) -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + values


def _write_fashion(cache: Path) -> None:
    folder = cache / "fashion-mnist"
    folder.mkdir()
    for stem, n in (("train", 30), ("t10k", 10)):
        images = _idx(n, 28, 28, values=_images(n, 28, 28).tobytes())
        labels = _idx(n, values=bytes(i % 10 for i in range(n)))
        (folder / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (folder / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))


def _write_cifar(cache: Path, folder: Path = _INNER, protocol: int = 2) -> Any:
    home = cache / folder
    home.mkdir(parents=True)
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        pixels = _images(10, 3072)
        batch = {
            "batch_label": name,
            "labels": list(range(10)),
            "data": pixels,
            "filenames": [f"{i}.png" for i in range(10)],
        }
        (home / name).write_bytes(pickle.dumps(batch, protocol=protocol))
    return pixels


@pytest.mark.parametrize("name", KerasCache.names)
def test_absent(name: str, cache: Path) -> None:
    """The message says where the data belongs and how to get it; nothing was fetched."""
    with pytest.raises(DataError, match=f"'{name}' is not on this machine: {cache}.*keras.datasets.{name}.load_data"):
        load(name)
    assert not any(cache.iterdir())


@pytest.mark.parametrize(
    ("name", "write", "shape"),
    [
        ("mnist", _write_mnist, (28, 28, 1)),
        ("fashion_mnist", _write_fashion, (28, 28, 1)),
        ("cifar10", _write_cifar, (32, 32, 3)),
    ],
)
def test_present(name: str, write: Any, shape: tuple[int, ...], cache: Path) -> None:
    """The test split is Keras' own, the validation split is taken from the training part."""
    write(cache)
    data = load(name)
    assert data.input_shape == shape
    assert data.name == name
    assert len(data.test) == 10
    assert data.n_classes == 10
    assert data.normalization.factor == 1 / 255
    assert len(data.validation) >= 10


@pytest.mark.parametrize(("folder", "protocol"), [(_INNER, 2), (Path("cifar-10-batches-py"), 2), (_INNER, 4)])
def test_cifar_pixels_stand_right(folder: Path, protocol: int, cache: Path) -> None:
    """Row r of a batch is red, green, blue planes of image r, whichever Keras made the folder."""
    pixels = _write_cifar(cache, folder, protocol)
    test = KerasCache().read_name("cifar10").test
    assert test is not None
    assert np.array_equal(test.x[3, :, :, 1].ravel(), pixels[3, 1024:2048])
    assert test.y.tolist() == list(range(10))


def test_cifar_runs_no_opcode(cache: Path, tmp_path: Path) -> None:
    """A pickle that would make a folder on loading makes none."""
    import os

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "ran"),)

    _write_cifar(cache)
    (cache / _INNER / "data_batch_1").write_bytes(pickle.dumps({"labels": [1], "data": Bomb()}))
    with pytest.raises(DataError, match=r"data_batch_1.*bytes of pixels and 1 labels"):
        load("cifar10")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"\x80\x02}q\x00U\xff", b"no pickle at all", b""])
def test_cifar_damaged(content: bytes, cache: Path) -> None:
    """Whatever the bytes are, the file is named."""
    _write_cifar(cache)
    (cache / _INNER / "data_batch_2").write_bytes(content)
    with pytest.raises(DataError, match="data_batch_2"):
        load("cifar10")


_NO_IDX = {
    "not gzip": b"not gzip",
    "nothing": gzip.compress(b""),
    "no rank": gzip.compress(b"\0\0\x08"),
    "other type": gzip.compress(b"\0\0\x0d\x01" + bytes(8)),
    "a value too few": gzip.compress(_idx(10, values=bytes(9))),
    "endless": gzip.compress(_idx(2**32 - 1, 2**32 - 1, 2**32 - 1, values=b"")),
    "cut short": gzip.compress(_idx(10, values=bytes(10)))[:-9],
}


@pytest.mark.parametrize("case", _NO_IDX)
def test_idx_damaged(case: str, cache: Path) -> None:
    """Not gzip, cut short, of another type, or of other lengths than declared."""
    _write_fashion(cache)
    (cache / "fashion-mnist" / "train-labels-idx1-ubyte.gz").write_bytes(_NO_IDX[case])
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte.gz"):
        load("fashion_mnist")


def test_a_home_folder_is_looked_for_only_where_none_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    _write_mnist(cache)
    assert load("mnist").input_shape == (28, 28, 1)
    monkeypatch.delenv("KERAS_HOME")
    with pytest.raises(DataError, match=r"'mnist' lies in the home folder, and there is none .*: set KERAS_HOME"):
        load("mnist")
