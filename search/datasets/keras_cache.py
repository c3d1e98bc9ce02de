"""The data sets that Keras keeps in its cache: read where they are, never downloaded, never unpickled."""

from __future__ import annotations

import gzip
import os
import pickletools
import zlib
from pathlib import Path

import numpy as np

from search.datasets.archive import check_file, read_arrays
from search.datasets.raw import Array, RawData, RawPart
from search.errors import DataError

_MOST_IDX_BYTES = 256 << 20
_MOST_BATCH_BYTES = 256 << 20
_ROW_BYTES = 3 * 32 * 32


class KerasCache:
    """``mnist``, ``fashion_mnist`` and ``cifar10`` of ``$KERAS_HOME/datasets``, else ``~/.keras/datasets``."""

    names: tuple[str, ...] = ("mnist", "fashion_mnist", "cifar10")

    def read_name(self, name: str) -> RawData:
        """The cached data set called `name`; DataError with the way to get it when it is not there."""
        folder = _home(name) / "datasets"
        readers = {"mnist": _mnist, "fashion_mnist": _fashion_mnist, "cifar10": _cifar10}
        train, test = readers[name](folder)
        return RawData(name=name, source=name, train=train, test=test)


def _home(name: str) -> Path:
    named = os.environ.get("KERAS_HOME")
    if named:
        return Path(named)
    try:
        return Path.home() / ".keras"
    except RuntimeError as error:
        raise DataError(
            f"data {name!r} lies in the home folder, and there is none ({error}): set KERAS_HOME"
        ) from error


def _present(name: str, *candidates: Path) -> Path:
    """The first of `candidates` that exists."""
    for path in candidates:
        if path.exists():
            return path
    raise DataError(
        f"data {name!r} is not on this machine: {candidates[0]} does not exist. Nothing is downloaded silently: "
        f'run  python -c "import keras; keras.datasets.{name}.load_data()"  once, or put the file there.'
    )


def _mnist(folder: Path) -> tuple[RawPart, RawPart]:
    arrays = read_arrays(_present("mnist", folder / "mnist.npz"), ("x_train", "y_train", "x_test", "y_test"))
    train, test = (
        RawPart(x=arrays[f"x_{split}"], y=arrays[f"y_{split}"], x_name=f"x_{split}", y_name=f"y_{split}")
        for split in ("train", "test")
    )
    return train, test


def _fashion_mnist(folder: Path) -> tuple[RawPart, RawPart]:
    def part(stem: str) -> RawPart:
        files = [
            _present("fashion_mnist", folder / "fashion-mnist" / f"{stem}-{what}-ubyte.gz")
            for what in ("images-idx3", "labels-idx1")
        ]
        x, y = (_idx(file) for file in files)
        return RawPart(x=x, y=y, x_name=files[0].name, y_name=files[1].name)

    return part("train"), part("t10k")


def _idx(path: Path) -> Array:
    """An IDX file of bytes: 0, 0, 8, rank, then each length as a big-endian 32-bit number, then the values."""
    check_file(path)
    try:
        with gzip.open(path) as stream:
            content = stream.read(_MOST_IDX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"data file {str(path)!r} is damaged ({error}): delete it and download it again") from error
    rank = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
    start = 4 + 4 * rank
    shape = tuple(int(length) for length in np.frombuffer(content[4:start], ">u4")) if len(content) >= start else ()
    if not rank or len(shape) != rank or len(content) - start != int(np.prod(shape, dtype=object)):
        raise DataError(f"data file {str(path)!r} is not an IDX file of bytes: delete it and download it again")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _cifar10(folder: Path) -> tuple[RawPart, RawPart]:
    inner = "cifar-10-batches-py"
    home = _present("cifar10", folder / "cifar-10-batches-py-target" / inner, folder / inner)
    batches = [_batch(home / f"data_batch_{number}") for number in range(1, 6)]
    train = RawPart(
        x=np.concatenate([x for x, _ in batches]),
        y=np.concatenate([y for _, y in batches]),
        x_name="data_batch_1..5",
        y_name="labels of data_batch_1..5",
    )
    x, y = _batch(home / "test_batch")
    return train, RawPart(x=x, y=y, x_name="test_batch", y_name="labels of test_batch")


def _batch(path: Path) -> tuple[Array, Array]:
    """Images (n, 32, 32, 3) and labels (n,) of one batch.

    The file is a pickle.  Its opcodes are listed and none is executed: the
    longest text is the pixels, the numbers after the text ``labels`` are the labels.
    """
    check_file(path)
    if path.stat().st_size > _MOST_BATCH_BYTES:
        raise DataError(f"data file {str(path)!r} is larger than any CIFAR-10 batch: delete it and download it again")
    pixels, labels, key = "", [], ""
    try:
        for opcode, value, _ in pickletools.genops(path.read_bytes()):
            if isinstance(value, bytes | str) and opcode.name not in ("GLOBAL", "GET", "PUT"):
                key = value if isinstance(value, str) else value.decode("latin-1")
                pixels = max(pixels, key, key=len)
            elif opcode.name in ("BININT", "BININT1", "BININT2", "INT") and key == "labels":
                labels.append(value)
        flat = np.frombuffer(pixels.encode("latin-1"), np.uint8)
    except ValueError as error:
        raise DataError(f"data file {str(path)!r} is damaged ({error}): delete it and download it again") from error
    if not labels or flat.size != len(labels) * _ROW_BYTES:
        raise DataError(
            f"data file {str(path)!r} holds {flat.size} bytes of pixels and {len(labels)} labels, expected "
            f"{_ROW_BYTES} bytes a label: delete it and download it again"
        )
    return flat.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), np.array(labels)
