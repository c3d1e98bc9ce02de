"""A file is the old one or the new one, and nothing else is left behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from search.errors import StorageError
from search.files import write_whole


def test_it_writes_and_replaces(tmp_path: Path) -> None:
    """The second content stands alone, and no temporary file stays."""
    path = tmp_path / "front.json"
    write_whole(path, b"a long first content")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_it_has_the_rights_of_an_ordinary_file(tmp_path: Path) -> None:
    """A colleague may read it when the umask says so: 0644 under 022, not a temporary file's 0600."""
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(("place", "step"), [(os, "fsync"), (Path, "replace")])
def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: object, step: str
) -> None:
    """Whichever step fails, the old content stays, the temporary goes, and the sentence says what to do."""
    path = tmp_path / "front.json"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(place, step, full)
        with pytest.raises(StorageError, match=r"No space left on device\. Free space there"):
            write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_leaves_no_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C goes through as itself, after the cleaning."""

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_whole(tmp_path / "a", b"new")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    """A missing folder, a file in place of a folder and a folder in place of a file each have their remedy."""
    with pytest.raises(StorageError, match=r"Make the folder .*nowhere first"):
        write_whole(tmp_path / "nowhere" / "a", b"")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="could not be written"):
        write_whole(tmp_path / "file" / "a", b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="It is a folder; name a file"):
        write_whole(tmp_path / "folder", b"")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder"]
