"""Small files of every kind, made where a test needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def write_image(path: Path, size: tuple[int, int] = (8, 8), mode: str = "RGB", seed: int = 0, **options: Any) -> Path:
    """An image of noise, `size` is (height, width); two of the same seed are equal."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    channels = {"L": (), "RGB": (3,), "RGBA": (4,), "CMYK": (4,)}[mode]
    values = random(seed).integers(0, 256, (*size, *channels), dtype=np.uint8)
    Image.fromarray(values, mode).save(path, **options)
    return path


def write_sound(
    path: Path, seconds: float = 0.1, rate: int = 8000, channels: int = 1, seed: int = 0, **options: Any
) -> Path:
    """A sound of noise."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (round(seconds * rate), channels) if channels > 1 else round(seconds * rate)
    soundfile.write(path, random(seed).uniform(-0.5, 0.5, shape), rate, **options)
    return path


def write_rows(path: Path, rows: Sequence[Sequence[object]], header: Sequence[str] = (), separator: str = ",") -> Path:
    """A text table, nothing quoted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [separator.join(map(str, row)) for row in ([header] if header else []) + [*rows]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def images(folder: Path, classes: Sequence[str] = ("cat", "dog"), n: int = 6, **options: Any) -> Path:
    """A folder for each class with `n` different images."""
    for number, name in enumerate(classes):
        for index in range(n):
            write_image(folder / name / f"{index:03}.png", seed=number * 1000 + index, **options)
    return folder


def sounds(folder: Path, classes: Sequence[str] = ("no", "yes"), n: int = 6, **options: Any) -> Path:
    """A folder for each class with `n` different sounds."""
    for number, name in enumerate(classes):
        for index in range(n):
            write_sound(folder / name / f"{index:03}.wav", seed=number * 1000 + index, **options)
    return folder


def recordings(folder: Path, classes: Sequence[str] = ("rest", "run"), n: int = 6, rows: int = 10) -> Path:
    """A folder for each class with `n` recordings of two channels."""
    for number, name in enumerate(classes):
        for index in range(n):
            values = random(number * 1000 + index).normal(size=(rows, 2)).round(4).tolist()
            write_rows(folder / name / f"{index:03}.csv", values, ("ax", "ay"))
    return folder


def table(path: Path, n: int = 20, changes: Mapping[tuple[int, int], object] | None = None) -> Path:
    """Columns ``a``, ``b`` of numbers and ``kind`` of two classes; `changes` sets cells by (row, column)."""
    rows: list[list[object]] = [
        [f"{x:.4f}", f"{y:.4f}", "uv"[i % 2]] for i, (x, y) in enumerate(random().normal(size=(n, 2)))
    ]
    for (row, column), value in (changes or {}).items():
        rows[row][column] = value
    return write_rows(path, rows, ("a", "b", "kind"))


def ts_file(path: Path, cases: Sequence[str] = (), tags: Sequence[str] = ("@classLabel true u v", "@data")) -> Path:
    """A ``.ts`` file of twelve cases of two channels, or of those given."""
    values = random().normal(size=(12, 2, 4)).round(4)
    lines = cases or [
        ":".join([*(",".join(map(str, channel)) for channel in case), "uv"[i % 2]]) for i, case in enumerate(values)
    ]
    path.write_text("\n".join([*tags, *lines]) + "\n", encoding="utf-8")
    return path
