"""Names, paths and the prepared data's file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from search.datasets.load import BUILT_IN, LOADERS, load, read, save
from search.datasets.options import SPLITS, DataOptions
from search.errors import DataError, JobError, StorageError
from tests.search.datasets.conftest import MakeNpz


def test_names_and_suffixes_are_unique() -> None:
    """A name or an ending leads to one loader."""
    names = [name for built_in in BUILT_IN for name in built_in.names]
    names += [suffix for loader in LOADERS for suffix in loader.suffixes]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("mnits", "unknown data 'mnits': did you mean 'mnist'?"),
        ("digit", "did you mean 'digits'?"),
        ("qqqqqq", "known: cifar10, diabetes, digits, fashion_mnist, mnist"),
        ("nowhere/data.npz", "'nowhere/data.npz' does not exist"),
        ("nowhere.csv", "'nowhere.csv' does not exist"),
        pytest.param("x" * 5000, "neither a known name nor a path", id="long"),
        ("~nobody-of-that-name/data.npz", "neither a known name nor a path"),
        ("", "data folder '' holds no images, sounds or tables"),
    ],
)
def test_unknown_references(reference: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt name gets a guess, a missing file and an impossible path a sentence."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        load(reference)
    assert sentence in str(caught.value)


def test_unknown_ending(tmp_path: Path) -> None:
    """A file that is there but of no known kind: the kinds are listed."""
    (tmp_path / "data.mat").write_bytes(b"MATLAB")
    with pytest.raises(DataError, match=r"unknown kind: files that can be read end in .npz, .ts, .csv"):
        load(str(tmp_path / "data.mat"))


def test_folder(tmp_path: Path) -> None:
    """An empty folder, and one that holds nothing that can be read."""
    with pytest.raises(DataError, match="holds no images, sounds or tables"):
        load(str(tmp_path))
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(DataError, match="holds 1 files, none of them images, sounds or tables"):
        load(str(tmp_path))


def test_upper_case_ending(make_npz: MakeNpz) -> None:
    """Endings are compared without regard to case."""
    path = make_npz()
    assert load(str(path.rename(path.with_suffix(".NPZ")))).n_classes == 3


@pytest.mark.parametrize("reference", ["digits", "npz", "os:getcwd"])
def test_options_that_mean_nothing(reference: str, make_npz: MakeNpz) -> None:
    """A group that would be torn apart in silence is refused; the split's options are always known."""
    path = str(make_npz()) if reference == "npz" else reference
    with pytest.raises(JobError, match=r"data_options\.group_by means nothing to .*known there: split, test"):
        load(path, DataOptions(group_by="person"))
    if reference != "os:getcwd":
        assert len(load(path, DataOptions(test_share=0.4)).test) > len(load(path).test)


def test_every_option_is_of_some_loader() -> None:
    """No option is there for nothing, and no loader names one that does not exist."""
    used = frozenset().union(*(loader.uses for loader in LOADERS)) | SPLITS
    assert used == {item.name for item in dataclasses.fields(DataOptions)}


@pytest.mark.parametrize("reference", ["digits", "npz"])
def test_round_trip(reference: str, tmp_path: Path, make_npz: MakeNpz) -> None:
    """What the workers read is what was prepared, to the bit."""
    labels = np.array(["größer", "b", "c c"] * 10)
    data = load(reference if reference == "digits" else str(make_npz(y_train=labels)))
    save(data, tmp_path / "prepared.npz")
    again = read(tmp_path / "prepared.npz")
    assert again.digest() == data.digest()
    assert (again.name, again.labels, again.normalization) == (data.name, data.labels, data.normalization)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")] == []


def test_save_needs_a_folder(tmp_path: Path) -> None:
    """A file that cannot be written is a storage error."""
    with pytest.raises(StorageError, match="Make the folder"):
        save(load("digits"), tmp_path / "nowhere" / "prepared.npz")


def test_read_refuses_other_archives(tmp_path: Path, make_npz: MakeNpz) -> None:
    """A user's own .npz is not prepared data, and neither is one of the right keys and wrong content."""
    with pytest.raises(DataError, match="missing"):
        read(make_npz(x_val=None))
    keys = [f"{axis}_{name}" for axis in "xy" for name in ("train", "validation", "test")]
    wrong = {key: np.zeros((2, 2), np.float32) for key in keys}
    np.savez(tmp_path / "wrong.npz", name=np.array("a"), labels=np.array(["a"]), normalization=np.zeros(3), **wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="not prepared data"):
        read(tmp_path / "wrong.npz")
