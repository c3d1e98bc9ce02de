"""An exported folder is whole or absent, and nothing that was there is touched."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devices.export.bundle import Bundle
from devices.export.records import ExportError
from devices.export.write import export


@dataclass
class _Target:
    """A target that writes what it is told."""

    contents: Mapping[str, bytes] = field(default_factory=lambda: {"b/c.txt": b"c", "a.txt": b"a"})
    name: str = "told"
    description: str = "writes what it is told"

    def files(self, bundle: Bundle) -> Mapping[str, bytes]:
        assert bundle.artifact.content
        return self.contents


def _everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_writes_files_into_a_new_folder_below_new_parents(bundle: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    assert export(bundle, _Target(), folder) == (folder / "a.txt", folder / "b" / "c.txt")
    assert (folder / "b" / "c.txt").read_bytes() == b"c"
    assert _everything(tmp_path) == ["new", "new/out", "new/out/a.txt", "new/out/b", "new/out/b/c.txt"]


def test_takes_an_empty_folder(bundle: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    export(bundle, _Target(), folder)
    assert (folder / "a.txt").read_bytes() == b"a"


def test_refuses_a_folder_with_something_in_it(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ExportError, match=r"is not empty.*another --out"):
        export(bundle, _Target(), tmp_path)
    assert _everything(tmp_path) == ["mine.txt"]


def test_refuses_a_file_and_a_link(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(ExportError, match="is not a folder; give another --out"):
            export(bundle, _Target(), tmp_path / name)


def test_refuses_the_current_folder(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExportError, match="current folder"):
        export(bundle, _Target(), Path())


def test_leaves_nothing_behind_when_the_disk_fails(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def failing(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(ExportError, match="No space left on device; give another --out"):
        export(bundle, _Target(), tmp_path / "out")
    assert _everything(tmp_path) == []


def test_does_not_overwrite_a_folder_filled_meanwhile(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program fills the folder between the check and the rename."""
    folder, rename = tmp_path / "out", Path.rename

    def late(self: Path, target: Path) -> Path:
        folder.mkdir()
        (folder / "theirs").write_text("theirs")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    with pytest.raises(ExportError, match="cannot write"):
        export(bundle, _Target(), folder)
    assert _everything(tmp_path) == ["out", "out/theirs"]


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "", "a\\b"])
def test_refuses_paths_that_leave_the_folder(bundle: Bundle, tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match="paths must be relative"):
        export(bundle, _Target({name: b""}), tmp_path / "out")
    assert _everything(tmp_path) == []
