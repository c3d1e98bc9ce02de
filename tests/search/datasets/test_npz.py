"""A user's own arrays: what is taken, and a sentence for everything that is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.datasets.load import inspect, load
from search.errors import DataError
from tests.search.datasets.conftest import MakeNpz, arrays


def _with(array: Any, index: Any, value: object) -> Any:
    changed = array.copy()
    changed[index] = value
    return changed


_X, _Y = arrays()["x_train"], arrays()["y_train"]
_VAL = {"x_val": _X[:6], "y_val": _Y[:6]}

_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no samples": ({"x_train": _X[:0], "y_train": _Y[:0]}, r"x_train has shape \(0, 4\).*at least one sample"),
    "empty axis": ({"x_train": np.zeros((30, 0))}, r"x_train has shape \(30, 0\), which holds no values"),
    "empty test": ({"x_test": _X[:0], "y_test": _Y[:0]}, r"x_test has shape \(0, 4\)"),
    "lengths": ({"y_train": _Y[:29]}, "x_train has 30 samples and y_train has 29 labels.*one label for each sample"),
    "nan": ({"x_train": _with(_X, (7, 2), np.nan)}, r"x_train holds nan at \[7, 2\].*in 1 places: replace or remove"),
    "inf": ({"x_train": _with(_X, (7, 2), -np.inf)}, r"x_train holds -inf at \[7, 2\]"),
    "nan in val": ({**_VAL, "x_val": _with(_X[:6], (1, 0), np.nan)}, r"x_val holds nan at \[1, 0\]"),
    "one class": ({"y_train": np.full(30, 4)}, "every label of y_train is '4'.*at least two classes"),
    "text inputs": ({"x_train": np.full((30, 4), "a")}, "x_train holds texts: turn them into numbers"),
    "byte inputs": ({"x_train": np.full((30, 4), b"a")}, "x_train holds texts"),
    "complex": ({"x_train": _X.astype(complex)}, "x_train holds complex numbers: save their magnitude"),
    "truth values": ({"x_train": _X > 0}, r"x_train holds truth values: save them as numbers"),
    "dates": ({"x_train": np.zeros((30, 4), "M8[s]")}, "x_train holds dates"),
    "nan label": ({"y_train": _with(_Y.astype(float), 3, np.nan)}, r"y_train holds nan at \[3\]"),
    "negative": (
        {"y_train": _with(_Y, 2, -1)},
        r"y_train holds -1 at \[2\]: number the classes from 0.*--task regression",
    ),
    "huge label": (
        {"y_train": _with(_Y.astype(np.uint64), 2, 2**63)},
        "y_train holds 9223372036854775808, .* too large",
    ),
    "huge value": ({"y_train": _with(_Y.astype(float), 2, 1e300)}, "targets between 0 and 1e\\+300 cannot be scaled"),
    "equal values": ({"y_train": np.full(30, 4.5)}, "target is 4.5 in all 18 samples of the train split"),
    "too many values": ({"y_train": np.zeros((30, 65))}, "y_train has 65 targets, the most is 64"),
    "strange label": ({**_VAL, "y_val": _Y[:6] + 1}, "label '3' is in y_val but not in the training split"),
    "strange test label": (
        {"x_test": _X[:6], "y_test": np.full(6, 9)},
        "label '9' is in y_test but not in the training split: add samples of it there, or remove it",
    ),
    "rank 1": ({"x_train": _X[:, 0]}, r"x_train has shape \(30,\), expected \(samples, features\)"),
    "rank 0": ({"x_train": np.float32(1)}, r"x_train has shape \(\), expected"),
    "rank 5": ({"x_train": np.zeros((30, 2, 2, 2, 2))}, r"x_train has shape \(30, 2, 2, 2, 2\).*reshape it"),
    "unequal shapes": (
        {**_VAL, "x_val": _X[:6, :3]},
        r"shape \(4,\) in the training split and \(3,\) in the validation",
    ),
    "unequal types": ({**_VAL, "x_val": _X[:6].astype(np.float64)}, "float32 in the training split and float64"),
    "mixed labels": ({**_VAL, "y_val": np.array(list("012012"))}, "numbers in one split and texts in another"),
    "one-hot": ({"y_train": np.eye(3)[_Y]}, r"y_train has shape \(30, 3\).*y.argmax\(axis=1\)"),
    "label cube": ({"y_train": np.zeros((30, 1, 1), int)}, r"y_train has shape \(30, 1, 1\).*one label a sample"),
    "value cube": ({"y_train": np.zeros((30, 1, 1))}, r"y_train has shape \(30, 1, 1\), expected \(samples,\) or"),
    "unequal targets": (
        {"y_train": np.random.default_rng(0).normal(size=(30, 2)), "x_val": _X[:6], "y_val": np.arange(6.0)},
        "y_train has 2 targets and y_val has 1: make them equal",
    ),
    "date labels": ({"y_train": np.zeros(30, "M8[s]")}, "y_train is of type datetime64"),
    "blank label": ({"y_train": np.array(["a", " ", "b"] * 10)}, "has the label ' ': a class name"),
    "line break": ({"y_train": np.array(["a", "x\ny", "b"] * 10)}, r"has the label 'x\\ny'"),
    "not utf-8": ({"y_train": np.array([b"a", b"\xff", b"b"] * 10)}, "y_train is not UTF-8"),
    "rare class": ({"y_train": _with(_Y % 2, [0, 1], 2)}, "class '2' has 2 samples, at least 3 are needed"),
    "constant": ({"x_train": np.full((30, 4), 3.0)}, "every training input is 3: nothing can be learnt"),
    "too large": ({"x_train": _X.astype(np.float64) * 1e300}, "single precision cannot scale"),
    "too close": ({"x_train": _X.astype(np.float64) * 1e-300}, "single precision cannot scale"),
    "inputs without labels": ({"x_test": _X[:6]}, "'x_test' is there without 'y_test'"),
    "labels without inputs": ({"y_val": _Y[:6]}, "'y_val' is there without 'x_val'"),
    "misspelt key": ({"x_tset": _X[:6]}, "unknown array 'x_tset'. did you mean 'x_test'"),
    "missing labels": ({"y_train": None}, "array 'y_train' is missing; it holds x_train"),
    "nothing": ({"x_train": None, "y_train": None}, "array 'x_train' is missing; it holds no arrays"),
}


@pytest.mark.parametrize("case", _REFUSED)
def test_refused(case: str, make_npz: MakeNpz) -> None:
    """Each broken rule ends in one sentence that names the file, the place and the remedy."""
    changes, sentence = _REFUSED[case]
    path = make_npz(**changes)
    with pytest.raises(DataError, match=f"(?s)data.* '{re.escape(str(path))}'.*{sentence}") as caught:
        load(str(path))
    assert caught.value.exit_code == 3


def test_too_many_classes(make_npz: MakeNpz) -> None:
    """A thousand and one classes are taken for measured values."""
    path = make_npz(x_train=np.random.default_rng(0).normal(size=(1001, 2)), y_train=np.arange(1001))
    with pytest.raises(DataError, match="1001 classes, the most is 1000"):
        load(str(path))


@pytest.mark.parametrize(
    ("shape", "input_shape"), [((4,), (4,)), ((6, 5), (6, 5, 1)), ((6, 5, 3), (6, 5, 3)), ((6, 1), (6, 1, 1))]
)
def test_input_shapes(shape: tuple[int, ...], input_shape: tuple[int, ...], make_npz: MakeNpz) -> None:
    """Features stay as they are, images without channels get one."""
    data = load(str(make_npz(**arrays(shape=shape))))
    assert data.input_shape == input_shape
    assert data.name == "data"


def test_given_splits_are_kept(make_npz: MakeNpz) -> None:
    """With all three given nothing moves; values and order stay, but for the scaling of the training split."""
    path = make_npz(x_val=_X[:6] * 2, y_val=_Y[:6], x_test=_X[6:9], y_test=_Y[6:9])
    data = load(str(path))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [30, 6, 3]
    scale = data.normalization
    assert np.allclose(data.validation.x / scale.factor + scale.offset, _X[:6] * 2, atol=1e-6)
    assert np.array_equal(data.test.y, _Y[6:9])
    assert data.train.x.min() == 0.0
    assert data.train.x.max() == pytest.approx(1.0)


@pytest.mark.parametrize(("given", "sizes"), [("val", [24, 6, 6]), ("test", [24, 6, 6])])
def test_one_missing_split(given: str, sizes: list[int], make_npz: MakeNpz) -> None:
    """Only the missing part is taken from the training part, a fifth of it."""
    data = load(str(make_npz(**{f"x_{given}": _X[:6] + 9, f"y_{given}": _Y[:6]})))
    assert [len(part) for part in (data.train, data.validation, data.test)] == sizes
    kept = data.validation if given == "val" else data.test
    assert kept.x.min() > 1


def test_number_labels_keep_their_text(make_npz: MakeNpz) -> None:
    """Class numbers with gaps map to 0..k-1 in order, and the numbers are the names."""
    data = load(str(make_npz(y_train=np.array([30, 7, 100] * 10), x_val=_X[:3], y_val=np.array([100, 30, 7]))))
    assert data.labels == ("7", "30", "100")
    assert data.validation.y.tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["wing", "slope", "ring"] * 10),
        np.array([b"wing", b"slope", b"ring"] * 10),
        np.array([["wing"], ["slope"], ["ring"]] * 10),
    ],
)
def test_text_labels_are_sorted(labels: Any, make_npz: MakeNpz) -> None:
    """Texts, also as bytes or in a column, map to their place in sorted order."""
    data = load(str(make_npz(y_train=labels, x_test=_X[:3], y_test=labels[:3])))
    assert data.labels == ("ring", "slope", "wing")
    assert data.test.y.tolist() == [2, 1, 0]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64, np.bool_, ">i4"])
def test_label_types(dtype: Any, make_npz: MakeNpz) -> None:
    """Whole numbers of any type are class numbers, floats where the task says so."""
    data = load(str(make_npz(y_train=(_Y % 2).astype(dtype))), task="classification" if dtype is np.float64 else None)
    assert data.labels == ("0", "1")
    assert data.train.y.dtype == np.int64


@pytest.mark.parametrize(
    ("dtype", "most", "offset", "factor"),
    [
        (np.uint8, 255, 0.0, 1 / 255),
        (np.uint16, 4095, 0.0, 1 / 4095),
        (np.int8, 100, -100.0, 1 / 200),
        (np.int64, 2**40, -(2.0**40), 2.0**-41),
        (np.float16, 8, -8.0, 1 / 16),
        (np.float64, 8, -8.0, 1 / 16),
        (">f4", 8, -8.0, 1 / 16),
    ],
)
def test_normalization(dtype: Any, most: int, offset: float, factor: float, make_npz: MakeNpz) -> None:
    """Unsigned integers are divided by their greatest value, all others go from least..greatest to 0..1."""
    unsigned = np.dtype(dtype).kind == "u"
    x = np.tile([0 if unsigned else -most, most], (30, 1)).astype(dtype)
    data = load(str(make_npz(x_train=x)))
    assert (data.normalization.offset, data.normalization.factor) == (offset, factor)
    assert data.train.x.dtype == np.float32
    assert np.allclose(data.train.x[0], [0.0, 1.0])


def test_normalization_sees_the_training_split_alone(make_npz: MakeNpz) -> None:
    """An extreme validation or test value changes nothing about the scaling."""
    plain = load(str(make_npz(x_val=_X[:6], y_val=_Y[:6], x_test=_X[:6], y_test=_Y[:6])))
    wide = load(str(make_npz(x_val=_X[:6] * 100, y_val=_Y[:6], x_test=_X[:6] - 100, y_test=_Y[:6])))
    assert plain.normalization == wide.normalization


def test_rare_classes_reach_every_split(make_npz: MakeNpz) -> None:
    """Twenty classes of three samples each: one in every split, where a share of the whole could not serve all."""
    data = load(str(make_npz(**arrays(samples=60, classes=20))))
    assert all(sorted(part.y.tolist()) == list(range(20)) for part in (data.train, data.validation, data.test))


def test_split_is_a_function_of_the_data(make_npz: MakeNpz) -> None:
    """Loading again gives the same splits, whatever the global random state."""
    path = str(make_npz(**arrays(samples=300)))
    np.random.seed(1)  # noqa: NPY002
    first = load(path)
    np.random.seed(2)  # noqa: NPY002
    assert load(path).digest() == first.digest()


def test_groups(make_npz: MakeNpz) -> None:
    """An array of persons keeps them whole, and must go with the samples."""
    found = inspect(str(make_npz(groups_train=np.arange(30) // 6)))
    assert [(part.n, part.n_groups) for part in found.split.parts] == [(18, 3), (6, 1), (6, 1)]
    with pytest.raises(DataError, match=r"'groups_train' is of shape \(29,\)"):
        load(str(make_npz(groups_train=np.arange(29))))
    with pytest.raises(DataError, match=r"'groups_train' is of shape .* and type float64"):
        load(str(make_npz(groups_train=np.zeros(30))))


def test_folder_of_arrays(tmp_path: Path) -> None:
    """Arrays as .npy files in a folder are what the same arrays in an .npz are; one that holds objects is refused."""
    for key, array in arrays().items():
        np.save(tmp_path / f"{key}.npy", array)
    np.savez(tmp_path.parent / "same.npz", **arrays())
    assert load(str(tmp_path)).digest() == load(str(tmp_path.parent / "same.npz")).digest()
    np.save(tmp_path / "y_train.npy", np.array([{}] * 30), allow_pickle=True)
    with pytest.raises(DataError, match="'y_train' holds Python objects"):
        load(str(tmp_path))
