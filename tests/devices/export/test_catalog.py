"""What every export target must do, and finding one by name."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest

from devices.export.bundle import Bundle
from devices.export.catalog import TARGETS, find_target
from devices.export.records import ExportError
from devices.export.target import ExportTarget
from devices.export.write import export

_EVERY_TARGET = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@_EVERY_TARGET
def test_has_a_name_and_one_line_of_description(target: ExportTarget) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]*", target.name)
    assert target.description
    assert "\n" not in target.description


@_EVERY_TARGET
def test_the_same_bundle_gives_the_same_bytes(target: ExportTarget, bundle: Bundle) -> None:
    assert dict(target.files(bundle)) == dict(target.files(bundle))


@_EVERY_TARGET
def test_paths_are_relative_and_texts_are_utf8_without_gaps(target: ExportTarget, bundle: Bundle) -> None:
    """No placeholder is left and no line ends in a blank; every text ends in a newline."""
    for name, content in target.files(bundle).items():
        assert not PurePosixPath(name).is_absolute()
        if name.endswith(".tflite"):
            continue
        text = content.decode("utf-8")
        assert text.endswith("\n")
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), name
        if not name.endswith("Makefile"):
            assert not re.search(r"(?<!\\)\$\{?[a-z]", text), name


@_EVERY_TARGET
def test_exports_a_folder(target: ExportTarget, bundle: Bundle, tmp_path: Path) -> None:
    written = export(bundle, target, tmp_path / target.name)
    assert {path.relative_to(tmp_path / target.name).as_posix() for path in written} == set(target.files(bundle))
    assert all(path.is_file() for path in written)


def test_names_are_unique() -> None:
    assert len({target.name for target in TARGETS}) == len(TARGETS)


def test_finds_by_name() -> None:
    assert find_target("cpp").name == "cpp"


def test_an_unknown_name_gets_a_guess() -> None:
    with pytest.raises(ExportError, match=r"no export target 'tflit': did you mean 'tflite'\?"):
        find_target("tflit")
    with pytest.raises(ExportError, match=r"no export target 'zzz': known: cpp, tflite"):
        find_target("zzz")
