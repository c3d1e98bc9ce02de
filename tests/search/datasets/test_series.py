"""Recordings of sensors: folders of tables, one long table, ``.ts`` files; windows and lengths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.datasets.load import inspect, load
from search.datasets.long_table import LongTable
from search.datasets.options import DataOptions
from search.datasets.raw import Place, RawData
from search.datasets.recordings import Recording, samples_of
from search.errors import DataError, JobError
from tests.search.datasets.made import recordings, ts_file, write_image, write_rows, write_sound


def _recording(rows: int, name: str = "r", **changes: object) -> Recording:
    values = np.arange(rows * 2, dtype=np.float64).reshape(rows, 2)
    return Recording(**{"name": name, "values": values, "label": "a", **changes})  # type: ignore[arg-type]  # a test's own


def test_windows() -> None:
    """Windows of 4 rows every 2, each with its rows in order; what is left at the end is not a window."""
    parts, notes = samples_of([_recording(9), _recording(3, "s")], DataOptions(window=4, overlap=0.5), "d", "l")
    train = parts["train"]
    assert train.x.shape == (3, 4, 1, 2)
    assert train.x.dtype == np.float32
    assert train.x[:, :, 0, 0].tolist() == [[0, 2, 4, 6], [4, 6, 8, 10], [8, 10, 12, 14]]
    assert train.groups is not None
    assert len(set(train.groups.tolist())) == 1
    assert notes == ("1 recordings are shorter than 4 rows and are left out",)


def test_one_length() -> None:
    """Padding repeats the last row, cutting drops the end, stretching goes from the first to the last row."""
    both = [_recording(4), _recording(2)]
    padded, notes = samples_of(both, DataOptions(), "d", "l")
    assert padded["train"].x[1, :, 0, 0].tolist() == [0, 2, 2, 2]
    assert notes == ("1 of 2 recordings are not 4 rows long and are filled up with their last row or cut",)
    assert samples_of(both, DataOptions(length=3), "d", "l")[0]["train"].x[0, :, 0, 0].tolist() == [0, 2, 4]
    stretched = samples_of(both, DataOptions(length=3, fit="resample"), "d", "l")[0]["train"].x
    assert stretched[:, :, 0, 0].tolist() == [[0, 3, 6], [0, 1, 2]]


def test_the_longest_of_training_is_the_length() -> None:
    """A longer test recording does not change what the network takes."""
    parts, _ = samples_of([_recording(4, part="train"), _recording(9, part="test")], DataOptions(), "d", "l")
    assert parts["test"].x.shape == (1, 4, 1, 2)


def test_contradictions() -> None:
    """Overlapping windows by time would put rows into two parts; an overlap of nothing; two lengths."""
    with pytest.raises(JobError, match="windows that overlap cannot be split by time"):
        samples_of([_recording(9)], DataOptions(window=4, overlap=0.5, split="time"), "d", "l")
    with pytest.raises(JobError, match=r"it is of windows, set data_options\.window"):
        samples_of([_recording(9)], DataOptions(overlap=0.5), "d", "l")
    with pytest.raises(JobError, match="window and length both say how long"):
        samples_of([_recording(9)], DataOptions(window=4, length=5), "d", "l")


@pytest.mark.parametrize(("value", "what"), [(np.nan, "no value"), (np.inf, "inf"), (1e39, "1e\\+39")])
def test_values_that_no_network_takes(value: float, what: str) -> None:
    """The row and the channel are named."""
    values = np.zeros((3, 2))
    values[1, 1] = value
    with pytest.raises(DataError, match=f"'r' has {what} in row 2, channel 1"):
        Recording(name="r", values=values, label="a")


def test_folder(tmp_path: Path) -> None:
    """A table a recording, the folder is the class; windows of one recording stay together."""
    found = inspect(str(recordings(tmp_path, n=10, rows=20)), DataOptions(window=5, columns=("ay",)))
    assert found.data.input_shape == (5, 1, 1)
    assert [(part.n, part.n_groups) for part in found.split.parts] == [(48, 12), (16, 4), (16, 4)]
    assert found.split.kind == "group"


def test_folder_leaves_out_the_time(tmp_path: Path) -> None:
    """A column that is called timestamp is no channel, and a note says so."""
    for index in range(12):
        write_rows(tmp_path / "ab"[index % 2] / f"{index}.csv", [[1, index], [2, index + 0.5]], ("timestamp", "v"))
    found = inspect(str(tmp_path))
    assert found.data.input_shape == (2, 1, 1)
    assert found.notes[0] == "column 'timestamp' is taken for the time and left out"


def test_folder_by_time(tmp_path: Path) -> None:
    """Times in the names of files: the last ones are the test, of sounds and images as well."""
    for index in range(20):
        label = "ab"[index % 2]
        write_rows(tmp_path / "r" / f"{label}_{index * 10}.csv", [[index], [index + 0.5]], ("v",))
        write_image(tmp_path / "i" / f"{label}_{index * 10}.png", seed=index)
        write_sound(tmp_path / "s" / f"{label}_{index * 10}.wav", seed=index)
    options = DataOptions(file_name="{label}_{time}", split="time")
    for kind in "ris":
        found = inspect(str(tmp_path / kind), options)
        assert [part.n for part in found.split.parts] == [12, 4, 4]
        assert found.split.kind == "time"
    data = load(str(tmp_path / "r"), options)
    assert data.train.x.max() < data.validation.x.min() < data.test.x.min()


def _long(path: Path, ids: int = 12, rows: int = 6) -> Path:
    """A long table, its rows in any order."""
    lines = [[i, t, i * 100 + t, "uv"[i % 2], f"p{i // 2}"] for i in range(ids) for t in range(rows)]
    np.random.default_rng(0).shuffle(lines)
    return write_rows(path, lines, ("id", "t", "v", "kind", "who"))


def _read(path: Path, **options: Any) -> RawData:
    return LongTable().read_file(Place(path=path, files=None, options=DataOptions(**options)))


def test_long_table_by_id(tmp_path: Path) -> None:
    """Rows of one id in order of time are one sample."""
    raw = _read(_long(tmp_path / "long.csv"), id="id", time="t", label="kind", group_by="who")
    assert raw.train.x.shape == (12, 6, 1, 1)
    assert raw.channel_names == ("v",)
    by_id = {int(x[0, 0, 0]) // 100: x[:, 0, 0].tolist() for x in raw.train.x}
    assert by_id == {i: [float(i * 100 + t) for t in range(6)] for i in range(12)}
    assert raw.train.groups is not None
    assert sorted(set(raw.train.groups.tolist())) == [f"p{i}" for i in range(6)]
    found = inspect(str(tmp_path / "long.csv"), DataOptions(id="id", time="t", label="kind", group_by="who"))
    assert [(part.n, part.n_groups) for part in found.split.parts] == [(8, 4), (2, 1), (2, 1)]


def test_long_table_by_window(tmp_path: Path) -> None:
    """Without ids a recording ends where the label changes, so no window has two classes."""
    labels = "uuuuuvvvvvvvuuuu"
    write_rows(tmp_path / "long.csv", [[i, label] for i, label in enumerate(labels)], ("v", "kind"))
    raw = _read(tmp_path / "long.csv", window=2)
    starts = raw.train.x[:, 0, 0, 0].tolist()
    assert starts == [0, 2, 5, 7, 9, 12, 14]
    assert raw.train.y.tolist() == ["u", "u", "v", "v", "v", "u", "u"]
    assert raw.train.groups is not None
    assert len(set(raw.train.groups.tolist())) == 3


def test_long_table_by_time(tmp_path: Path) -> None:
    """Windows know the time of their first row, so that the last ones are the test."""
    rows = [[f"2026-01-01 00:{i // 60:02}:{i % 60:02}", i, "uv"[i // 5 % 2]] for i in range(300)]
    write_rows(tmp_path / "long.csv", rows, ("when", "v", "kind"))
    found = inspect(str(tmp_path / "long.csv"), DataOptions(window=5, time="when", split="time"))
    assert found.split.kind == "time"
    scale = found.data.normalization
    assert found.data.test.x.min() / scale.factor + scale.offset == pytest.approx(240)


def test_ts_file(tmp_path: Path) -> None:
    """Values land where they belong, and the test file beside the training file is the test part."""
    cases = [f"{i},2,3:{i},5,6:{'uv'[i % 2]}" for i in range(10)]
    ts_file(tmp_path / "Made_TRAIN.ts", cases)
    ts_file(tmp_path / "Made_TEST.ts", ["100,2,3:9,5,6:u"])
    for reference in (tmp_path, tmp_path / "Made_TRAIN.ts"):
        data = load(str(reference))
        assert (data.name, data.input_shape, data.labels) == ("Made", (3, 1, 2), ("u", "v"))
        scale = data.normalization
        assert (data.test.x / scale.factor + scale.offset)[0, :, 0].ravel().tolist() == pytest.approx(
            [100, 9, 2, 5, 3, 6]
        )


def test_ts_unequal_lengths(tmp_path: Path) -> None:
    """Cases of different lengths, as in JapaneseVowels."""
    cases = [",".join(["1.5"] * (3 + i % 4)) + f",{i}:{'uv'[i % 2]}" for i in range(12)]
    found = inspect(str(ts_file(tmp_path / "a.ts", cases)))
    assert found.data.input_shape == (7, 1, 1)
    assert "9 of 12 recordings are not 7 rows long" in found.notes[0]


def test_ts_targets(tmp_path: Path) -> None:
    """@targetLabel makes numbers of the last field."""
    from search.datasets.ts_file import TsFile

    path = ts_file(tmp_path / "a.ts", ["1,2:0.25", "3,4:-7"], ("@targetLabel true", "@data"))
    raw = TsFile().read_file(Place(path=path, files=None, options=DataOptions()))
    assert raw.train.y.tolist() == [0.25, -7.0]


def test_real_archives(shared: Path) -> None:
    """The archive's own three sets, with its split."""
    shapes = {"BasicMotions": (100, 1, 6), "GunPoint": (150, 1, 1), "JapaneseVowels": (26, 1, 12)}
    sizes = {"BasicMotions": (40, 40), "GunPoint": (50, 150), "JapaneseVowels": (270, 370)}
    for name, shape in shapes.items():
        data = load(str(shared / "data/uea_small" / name))
        assert data.input_shape == shape
        assert (len(data.train) + len(data.validation), len(data.test)) == sizes[name]
