"""What was read from a folder is kept, and read again when anything changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from search.datasets import cache
from search.datasets.load import inspect
from search.datasets.options import DataOptions
from search.datasets.raw import RawData
from tests.search.datasets.made import images, recordings, sounds, write_image


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty cache."""
    monkeypatch.setenv("TINYFRONT_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_second_time_nothing_is_read(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same data set to the bit, notes included, without opening an image; another split reads nothing either."""
    images(tmp_path / "data", size=(200, 200))
    first = inspect(str(tmp_path / "data"))
    monkeypatch.setattr("search.datasets.image_folder.read_images", None)
    second = inspect(str(tmp_path / "data"))
    assert second.data.digest() == first.data.digest()
    assert (second.notes, second.split) == (first.notes, first.split)
    assert len(inspect(str(tmp_path / "data"), DataOptions(test_share=0.4)).data.test) == 4
    assert len(list(kept.glob("*.npz"))) == 1


@pytest.mark.parametrize("change", ["time", "size", "name", "added", "options"])
def test_any_change_reads_again(change: str, tmp_path: Path, kept: Path) -> None:
    """A file's time, size or name, one more file, other options: another entry."""
    data = images(tmp_path / "data")
    inspect(str(data))
    file = data / "cat" / "000.png"
    options = DataOptions()
    if change == "time":
        os.utime(file, ns=(1, 1))
    elif change == "size":
        write_image(file, seed=77, compress_level=0)
    elif change == "name":
        file.rename(file.with_name("zzz.png"))
    elif change == "added":
        write_image(data / "dog" / "new.png", seed=99)
    else:
        options = DataOptions(channels=1)
    inspect(str(data), options)
    assert len(list(kept.glob("*.npz"))) == 2


def test_groups_rates_and_channels_are_kept(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that raw data hold comes back."""
    read: list[RawData] = []
    write = cache._write

    def listen(place: Path, raw: RawData) -> None:
        read.append(raw)
        write(place, raw)

    monkeypatch.setattr(cache, "_write", listen)
    inspect(str(recordings(tmp_path / "r", rows=20)), DataOptions(window=5, sample_rate_hz=50))
    inspect(str(sounds(tmp_path / "s")))
    for raw in read:
        again = next(other for other in map(cache._read, kept.glob("*.npz")) if other.source == raw.source)
        assert (again.sample_rate_hz, again.channel_names, again.notes) == (
            raw.sample_rate_hz,
            raw.channel_names,
            raw.notes,
        )
        assert (again.train.groups is None) == (raw.train.groups is None)
        assert again.train.x.tobytes() == raw.train.x.tobytes()
    assert {raw.sample_rate_hz for raw in read} == {50, 8000}


def test_a_damaged_entry_is_read_anew(tmp_path: Path, kept: Path) -> None:
    """A cache that was cut short costs nothing but time."""
    data = images(tmp_path / "data")
    first = inspect(str(data))
    (entry,) = kept.glob("*.npz")
    entry.write_bytes(entry.read_bytes()[:100])
    assert inspect(str(data)).data.digest() == first.data.digest()
    assert entry.stat().st_size > 100


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data load, and a note says that they will have to be read again."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TINYFRONT_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert "is not kept for the next time" in inspect(str(images(tmp_path / "data"))).notes[-1]


def test_the_oldest_go(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When all take more than the most, those not used for longest are removed."""
    inspect(str(images(tmp_path / "a")))
    (first,) = kept.glob("*.npz")
    os.utime(first, (1, 1))
    monkeypatch.setattr(cache, "_MOST_BYTES", first.stat().st_size)
    inspect(str(images(tmp_path / "b", ("x", "y"))))
    assert not first.exists()
    assert len(list(kept.glob("*.npz"))) == 1


def test_without_a_home_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user has none: the data are read all the same, and a note says why not faster."""

    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("TINYFRONT_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    found = inspect(str(images(tmp_path / "data")))
    assert any("not kept for the next time: Could not determine home" in note for note in found.notes)


def test_a_cache_that_cannot_be_entered_is_not_used(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the file system answers, for the super-user too, who may enter everything."""
    exists, mkdir = Path.exists, Path.mkdir

    def refused(path: Path) -> None:
        if kept in (path, *path.parents):
            raise PermissionError(13, "Permission denied", str(path))

    def checked_exists(path: Path, **options: bool) -> bool:
        refused(path)
        return exists(path, **options)

    def checked_mkdir(path: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        refused(path)
        mkdir(path, mode, parents, exist_ok)

    monkeypatch.setattr(Path, "exists", checked_exists)
    monkeypatch.setattr(Path, "mkdir", checked_mkdir)
    found = inspect(str(images(tmp_path / "data")))
    assert any("not kept for the next time" in note and "Permission denied" in note for note in found.notes)
