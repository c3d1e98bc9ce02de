"""What hostile data are made of: files that lie about themselves, folders that lead in circles."""

from __future__ import annotations

import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.search.datasets.conftest import arrays
from tests.search.datasets.made import images, sounds, write_image

Build = Callable[[Path], Path]


def changed(base: Build, change: Callable[[Path], object]) -> Build:
    def build(folder: Path) -> Path:
        made = base(folder)
        change(made)
        return made

    return build


def with_bytes(name: str, content: bytes) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return change


def cut(name: str, keep: float) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(keep * len(content))])

    return change


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that declares a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"".join(chunk(kind, data) for kind, data in chunks)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + body
        + chunk(b"IDAT", zlib.compress(b"\0" * 64))
        + chunk(b"IEND", b"")
    )


def wav(data: bytes, *, channels: int = 1, rate: int = 8000, declared: int | None = None) -> bytes:
    """A 16-bit WAV whose header may lie."""
    size = len(data) if declared is None else declared
    form = struct.pack("<HHIIHH", 1, channels, rate, (rate * 2 * channels) & 0xFFFFFFFF, 2 * channels, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", min(36 + size, 0xFFFFFFFF)) + body


def endless_flac(folder: Path) -> None:
    """A FLAC of 118 bytes or so that declares an hour of eight channels at 192 kHz, 20.6 GiB as floats."""
    import soundfile

    soundfile.write(folder / "yes" / "001.flac", np.zeros((16, 8)), 192_000)
    content = (folder / "yes" / "001.flac").read_bytes()
    info = int.from_bytes(content[18:26], "big")  # of STREAMINFO: rate, channels, bits, then 36 bits of length
    length = (info >> 36 << 36) | 3600 * 192_000
    (folder / "yes" / "001.flac").write_bytes(content[:18] + length.to_bytes(8, "big") + content[26:])


def npz_of(entries: dict[str, bytes]) -> Build:
    def build(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "data.npz", "w") as archive:
            for key, content in entries.items():
                archive.writestr(f"{key}.npy", content)
        return folder / "data.npz"

    return build


def npy(shape: str, descr: str, content: bytes = b"") -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


def pickled(folder: Path) -> Path:
    (folder / "data.npz").write_bytes(pickle.dumps({"x_train": 1}))
    return folder / "data.npz"


def objects(folder: Path) -> Path:
    held: dict[str, Any] = {**arrays(), "y_train": np.array([{}] * 30)}
    np.savez(folder / "data.npz", allow_pickle=True, **held)
    return folder / "data.npz"


def csv(name: str, text: str | bytes) -> Build:
    def build(folder: Path) -> Path:
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return folder / name

    return build


def numbered(rows: int, cells: Callable[[int], str], header: str = "a,b,kind\n") -> str:
    return header + "".join(f"{cells(row)}\n" for row in range(rows))


def parquet(rows: int, **columns: Any) -> Build:
    def build(folder: Path) -> Path:
        import polars as pl

        pl.DataFrame({"kind": ["u", "v"] * (rows // 2), **columns}).write_parquet(folder / "data.parquet")
        return folder / "data.parquet"

    return build


def long_parquet(folder: Path) -> Path:
    """A billion equal rows: a megabyte that would be eight gigabytes."""
    import polars as pl

    zeros = pl.LazyFrame({"a": [0.0]}).select(pl.col("a").repeat_by(40_000_000).explode())
    joined = pl.concat([zeros] * 25)
    joined.sink_parquet(folder / "data.parquet", row_group_size=20_000_000)
    return folder / "data.parquet"


def loop(folder: Path) -> Path:
    images(folder)
    (folder / "cat" / "again").symlink_to(folder, target_is_directory=True)
    return folder


def deep(folder: Path) -> Path:
    write_image(folder.joinpath(*["d"] * 20) / "a.png")
    return folder


def copied_test(folder: Path) -> Path:
    images(folder / "train", n=12)
    images(folder / "test", n=12)
    return folder


def few_copies(folder: Path) -> Path:
    images(folder / "train", n=12)
    images(folder / "test", n=3)
    for name in ("cat", "dog"):
        for index in range(12):
            write_image(folder / "test" / name / f"new{index}.png", seed=5000 + index + 100 * (name == "dog"))
    return folder


def named_files(text: str) -> Build:
    def build(folder: Path) -> Path:
        for index in range(6):
            write_image(folder / f"{index}.png", seed=index)
        rows = "".join(f"{index}.png,{index % 2}\n" for index in range(6))
        (folder / "list.csv").write_text(f"name,kind\n{rows}{text}\n")
        return folder / "list.csv"

    return build


def zeros(n: int) -> bytes:
    """That many zeros, packed."""
    return zlib.compress(b"\0" * n)


def infinite_sound(folder: Path) -> Path:
    """A sound of float samples, one of them infinite."""
    import soundfile

    sounds(folder)
    values = np.zeros(800, np.float32)
    values[5] = np.inf
    soundfile.write(folder / "no" / "a.wav", values, 8000, subtype="FLOAT")
    return folder


def silence(folder: Path) -> Path:
    """Two classes of nothing."""
    for name in ("no", "yes"):
        for index in range(6):
            (folder / name).mkdir(exist_ok=True)
            (folder / name / f"{index}.wav").write_bytes(wav(b"\0\0" * 800))
    return folder
