"""Hostile and broken archives are refused before anything is unpickled or allocated."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.datasets import archive
from search.datasets.archive import read_arrays
from search.errors import DataError
from tests.search.datasets.conftest import MakeNpz


def _npy(header: str, body: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    text = header.encode() + b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + body


def _zip(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return path


def _refused(path: Path, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        read_arrays(path, ("a",))
    assert str(path) in str(caught.value)


def test_reads_what_numpy_wrote(tmp_path: Path) -> None:
    """Stored and compressed archives, both memory orders, give the arrays back."""
    wanted = {"a": np.arange(6.0).reshape(2, 3), "b": np.asfortranarray(np.arange(6).reshape(2, 3)), "c": np.array("x")}
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "data.npz", **wanted)  # type: ignore[arg-type]
        got = read_arrays(tmp_path / "data.npz", ("a", "b"), ("c",))
        assert all(np.array_equal(got[key], value) for key, value in wanted.items())


def test_missing_file(tmp_path: Path) -> None:
    """The path is named and doubted."""
    _refused(tmp_path / "nowhere.npz", "does not exist: check the path")


def test_folder(tmp_path: Path) -> None:
    """A folder is no file."""
    _refused(tmp_path, "is a folder")


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A named pipe would block the reader for ever."""
    os.mkfifo(tmp_path / "pipe.npz")
    _refused(tmp_path / "pipe.npz", "is not a regular file")


def test_empty_file(tmp_path: Path) -> None:
    """Zero bytes."""
    (tmp_path / "empty.npz").touch()
    _refused(tmp_path / "empty.npz", "is empty")


def test_name_with_a_null() -> None:
    """A name that no file system takes is an answer too."""
    with pytest.raises(DataError, match="cannot be read"):
        read_arrays(Path("a\0b.npz"), ("a",))


@pytest.mark.parametrize("content", [b"hello, I am a text", _npy("{}"), b"\x80\x04\x95pickle", b"PK"])
def test_not_a_zip(content: bytes, tmp_path: Path) -> None:
    """Texts, single arrays and pickles are not archives."""
    (tmp_path / "data.npz").write_bytes(content)
    _refused(tmp_path / "data.npz", "is not an .npz archive: make one with numpy.savez")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated(share: float, make_npz: MakeNpz) -> None:
    """Cut anywhere, the archive is called damaged."""
    path = make_npz(a=np.arange(1000))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    _refused(path, "damaged or cut short")


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_flipped_bit(write: Any, tmp_path: Path) -> None:
    """A value that changed on disk fails the checksum instead of being trained on."""
    path = tmp_path / "data.npz"
    write(path, a=np.random.default_rng(0).normal(size=1000))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    _refused(path, "damaged or cut short")


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    """An object array whose pickle would run a command leaves no trace of having run."""
    trace = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(trace),)

    np.savez(tmp_path / "data.npz", a=np.array([Bomb()], dtype=object))
    _refused(tmp_path / "data.npz", "'a' holds Python objects, which are never unpickled")
    assert not trace.exists()


@pytest.mark.parametrize("dtype", ["[('x', '<f4'), ('y', '<i4')]", "'|V4'", "'<U0'"])
def test_odd_types(dtype: str, tmp_path: Path) -> None:
    """Records, raw memory and texts of no length are not plain numbers; the last would be endless for no bytes."""
    member = _npy(f"{{'descr': {dtype}, 'fortran_order': False, 'shape': (0,), }}")
    path = _zip(tmp_path / "data.npz", {"a.npy": member})
    if dtype == "'|V4'":
        assert read_arrays(path, ("a",))["a"].dtype.kind == "V"  # left to the caller's check of types
    else:
        _refused(path, "save plain numbers or texts")


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(3,)", "(-1,)", "(1, 4294967296, 4294967296)"])
def test_declared_shape_against_the_bytes(shape: str, tmp_path: Path) -> None:
    """A header that declares more, or less, than its member holds is found before anything is allocated."""
    member = _npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}", bytes(16))
    _refused(_zip(tmp_path / "data.npz", {"a.npy": member}), r"'a' declares shape .* but holds 16")


@pytest.mark.parametrize(
    "member",
    [
        b"",
        b"\x93NUMPY",
        _npy("{}"),
        _npy("__import__('os').getcwd()"),
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", bytes(16), version=b"\x09\x00"),
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4.5,), }", bytes(16)),
        _npy("(" * 5000),
    ],
)
def test_broken_headers(member: bytes, tmp_path: Path) -> None:
    """Whatever stands in a header, the answer is a sentence."""
    _refused(_zip(tmp_path / "data.npz", {"a.npy": member}), "has no valid .npy header")


def test_bomb(tmp_path: Path) -> None:
    """A few hundred kB that unpack to 100 MB of zeros are refused."""
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(100 << 20, np.uint8))
    path = _zip(tmp_path / "data.npz", {"a.npy": buffer.getvalue()}, zipfile.ZIP_DEFLATED)
    _refused(path, "more than 200 times as much: if that is meant")


def test_limit_of_all_arrays(make_npz: MakeNpz, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum over all arrays is limited."""
    monkeypatch.setattr(archive, "_MOST_BYTES", 500)
    _refused(make_npz(x_train=None, y_train=None, a=np.arange(100)), "the most is 500: use fewer samples")


def test_directory_that_lies(tmp_path: Path) -> None:
    """A stored member whose directory entry declares a gigabyte is refused by comparison with the file."""
    path = tmp_path / "data.npz"
    member = _npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1073741824,), }", bytes(16))
    content = bytearray(_zip(path, {"a.npy": member}).read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 1 << 30)
    path.write_bytes(bytes(content))
    _refused(path, "declares 1073741824 bytes for 'a'")


@pytest.mark.parametrize("name", ["a.txt", "../../a", "a"])
def test_members_that_are_no_arrays(name: str, tmp_path: Path) -> None:
    """Only ``KEY.npy`` members of known keys are looked at."""
    _refused(_zip(tmp_path / "data.npz", {name: b"x"}), "and is no array")


def test_same_key_twice(tmp_path: Path) -> None:
    """Which of two would be meant cannot be known."""
    path = tmp_path / "data.npz"
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("a.npy", b"x")
        with pytest.warns(UserWarning, match="Duplicate"):
            target.writestr("a.npy", b"y")
    _refused(path, "is in it twice")


def test_encrypted(make_npz: MakeNpz) -> None:
    """A member marked as encrypted asks nobody for a password."""
    path = make_npz(x_train=None, y_train=None, a=np.arange(5))
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.rindex(signature) + offset] |= 1
    path.write_bytes(bytes(content))
    _refused(path, "damaged or cut short .*encrypted")
