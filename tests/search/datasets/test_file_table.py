"""Tables that name files, with a class or a measured target each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search.datasets.file_table import FileTable
from search.datasets.folder import files_in
from search.datasets.load import inspect
from search.datasets.options import DataOptions
from search.datasets.raw import Place
from search.errors import DataError, JobError
from tests.search.datasets.made import write_image, write_rows, write_sound


def _images(folder: Path, n: int = 12) -> Path:
    for index in range(n):
        write_image(folder / "pictures" / f"{index}.png", seed=index)
    rows = [[f"pictures/{index}.png", index * 15.5, "ab"[index % 2]] for index in range(n)]
    write_rows(folder / "targets.csv", rows, ("name", "angle", "kind"))
    return folder


def test_measured_targets(tmp_path: Path) -> None:
    """A folder with one table: the targets stay broken numbers, each beside its image."""
    place = Place(path=_images(tmp_path), files=files_in(tmp_path), options=DataOptions(file="name", label="angle"))
    raw = FileTable().read_file(place)
    assert raw.train.y.tolist() == [index * 15.5 for index in range(12)]
    assert raw.train.x.shape == (12, 8, 8, 3)
    assert np.array_equal(raw.train.x[7], np.random.default_rng(7).integers(0, 256, (8, 8, 3), dtype=np.uint8))


def test_classes(tmp_path: Path) -> None:
    """The last column is the class; files may be named without their folder where that is unique."""
    _images(tmp_path)
    found = inspect(str(tmp_path / "targets.csv"), DataOptions(file="name"))
    assert found.data.labels == ("a", "b")
    rows = [[f"{index}.png", "ab"[index % 2]] for index in range(12)]
    write_rows(tmp_path / "targets.csv", rows, ("name", "kind"))
    assert inspect(str(tmp_path / "targets.csv"), DataOptions(file="name")).data.digest() == found.data.digest()


def test_a_table_may_end_in_txt(tmp_path: Path) -> None:
    _images(tmp_path)
    expected = inspect(str(tmp_path / "targets.csv"), DataOptions(file="name"))
    (tmp_path / "targets.csv").rename(tmp_path / "targets.txt")
    assert inspect(str(tmp_path / "targets.txt"), DataOptions(file="name")).data.digest() == expected.data.digest()


def test_sounds(tmp_path: Path) -> None:
    """Sounds as well, in groups."""
    for index in range(12):
        write_sound(tmp_path / f"{index}.wav", seed=index)
    rows = [[f"{index}.wav", f"p{index // 3}", "ab"[index % 2]] for index in range(12)]
    path = write_rows(tmp_path / "list.csv", rows, ("name", "who", "kind"))
    found = inspect(str(path), DataOptions(file="name", group_by="who"))
    assert found.data.input_shape == (800,)
    assert [part.n_groups for part in found.split.parts] == [2, 1, 1]


def test_refused(tmp_path: Path) -> None:
    """Files of several kinds, several tables, and sounds that are to be cut."""
    write_sound(_images(tmp_path) / "a.wav")
    write_rows(tmp_path / "list.csv", [["a.wav", 1], ["1.png", 2]], ("name", "kind"))
    with pytest.raises(DataError, match=r"names files that end in .png, .wav: it must name images alone"):
        inspect(str(tmp_path / "list.csv"), DataOptions(file="name"))
    with pytest.raises(DataError, match="holds 2 tables: name the one that lists the files"):
        inspect(str(tmp_path), DataOptions(file="name"))
    with pytest.raises(JobError, match=r"data_options.overlap means nothing to data .*list.csv'"):
        inspect(str(tmp_path / "list.csv"), DataOptions(file="name", overlap=0.5))
