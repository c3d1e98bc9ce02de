"""Tables: separators, columns by name or position, texts, missing values, what training rows teach."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devices.artifact import Normalization
from devices.frontend.table_encoding import TableColumn, TableEncoding
from search import codec
from search.datasets.columns import fit_columns
from search.datasets.frontend import behind
from search.datasets.load import inspect, load, read, save
from search.datasets.options import DataOptions
from search.datasets.raw import Place, RawData
from search.datasets.table import Table
from search.errors import DataError
from tests.search.datasets.made import random, table, write_rows


def _raw(path: Path, **options: object) -> RawData:
    return Table().read_file(Place(path=path, files=None, options=DataOptions(**options)))  # type: ignore[arg-type]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(separator: str, tmp_path: Path) -> None:
    """Found out, not asked for."""
    rows = [[i, i / 2, "uv"[i % 2]] for i in range(20)]
    raw = _raw(write_rows(tmp_path / "a.csv", rows, ("a", "b", "kind"), separator))
    assert [column.name for column in raw.columns] == ["a", "b"]
    assert raw.train.x.tolist() == [[i, i / 2] for i in range(20)]
    assert raw.train.y.tolist() == ["uv"[i % 2] for i in range(20)]


def test_decimal_comma(tmp_path: Path) -> None:
    """``1,5;2`` is a number and a half, and two."""
    raw = _raw(write_rows(tmp_path / "a.csv", [[f"{i},25", i % 2] for i in range(20)], ("a", "kind"), ";"))
    assert raw.train.x.ravel().tolist() == [i + 0.25 for i in range(20)]
    assert raw.train.y.dtype == np.int64


def test_columns_by_name_and_position(tmp_path: Path) -> None:
    """A position counts from 0, or from -1 backwards; a name that looks like a number is a name."""
    path = write_rows(tmp_path / "a.csv", [[i, i % 2, i / 2] for i in range(20)], ("1", "kind", "b"))
    assert _raw(path, label="kind").train.y.tolist() == [i % 2 for i in range(20)]
    assert _raw(path, label="-2").train.y.tolist() == [i % 2 for i in range(20)]
    assert _raw(path, label="1").train.y.tolist() == list(range(20))
    assert _raw(path).train.y.dtype == np.float64
    assert [column.name for column in _raw(path, label="kind", columns=("b",)).columns] == ["b"]
    assert [column.name for column in _raw(path, label="kind", ignore=("b",)).columns] == ["1"]


def test_several_targets(tmp_path: Path) -> None:
    """Named targets are one array, and no inputs."""
    path = write_rows(tmp_path / "a.csv", [[i, i * 2, i * 3] for i in range(20)], ("a", "p", "q"))
    raw = _raw(path, targets=("q", "p"))
    assert raw.train.y.tolist() == [[i * 3, i * 2] for i in range(20)]
    assert [column.name for column in raw.columns] == ["a"]
    assert raw.target_names == ("q", "p")


def test_header_is_found_out(tmp_path: Path) -> None:
    """Texts over numbers are names; a first row like the others is data; the options have the last word."""
    rows = [[i, i % 2] for i in range(20)]
    assert len(_raw(write_rows(tmp_path / "a.csv", rows)).train.x) == 20
    assert len(_raw(write_rows(tmp_path / "b.csv", rows, ("a", "b"))).train.x) == 20
    assert len(_raw(write_rows(tmp_path / "c.csv", rows, ("0", "kind"))).train.x) == 20
    assert len(_raw(write_rows(tmp_path / "d.csv", rows), header=True).train.x) == 19


def test_row_names_without_a_header(tmp_path: Path) -> None:
    """One field more than names, as R writes it: the first column is no input."""
    raw = _raw(write_rows(tmp_path / "a.csv", [[i + 1, i / 2, i % 2] for i in range(20)], ("b", "kind")))
    assert [column.name for column in raw.columns] == ["b"]
    assert raw.train.x.ravel().tolist() == [i / 2 for i in range(20)]


def test_quotes(tmp_path: Path) -> None:
    """A separator, a line break and a quote inside of quotes are text."""
    rows = [[i, ['"u, v"', '"say ""hi"""'][i % 2]] for i in range(20)]
    raw = _raw(write_rows(tmp_path / "a.csv", rows, ("a", "kind")))
    assert sorted(set(raw.train.y.tolist())) == ['say "hi"', "u, v"]


def test_encoding_learns_from_training_rows() -> None:
    """Median, range and texts of the training rows; what they do not know is zeros, and nothing is NaN."""
    columns = (TableColumn(name="n"), TableColumn(name="c", values=("p", "q", "r")))
    train = np.array([[0.0, 0], [10.0, 2], [np.nan, np.nan], [4.0, 0]])
    encoding = fit_columns(train, columns, "one-hot")
    assert encoding.input_names == ("n", "c=p", "c=r")
    assert encoding.encode(train, columns).tolist() == [
        [0.0, 1, 0],
        [1.0, 0, 1],
        [pytest.approx(0.4), 0, 0],
        [pytest.approx(0.4), 1, 0],
    ]
    assert encoding.encode(np.array([[np.nan, 1], [20.0, 2]]), columns).tolist() == [
        [pytest.approx(0.4), 0, 0],
        [2.0, 0, 1],
    ]
    ordinal = fit_columns(train, columns, "ordinal")
    assert ordinal.encode(train, columns)[:, 1].tolist() == [0.0, 0.5, 1.0, 0.0]
    assert "n (1 x 4)" in encoding.notes()[0]
    assert "c (2)" in encoding.notes()[1]


def test_encoding_survives_the_file(tmp_path: Path) -> None:
    """Prepared data carry it, so that an export can write it; it is plain JSON."""
    changes: dict[tuple[int, int], object] = {(row, 1): ["red", "blue"][row % 2] for row in range(60)}
    found = inspect(str(table(tmp_path / "a.csv", n=60, changes={**changes, (5, 0): ""})))
    assert found.data.table is not None
    assert found.data.table.input_names == ("a", "b=blue", "b=red")
    save(found.data, tmp_path / "prepared.npz")
    again = read(tmp_path / "prepared.npz")
    assert again.table == found.data.table
    assert codec.from_json(codec.to_json(again.table), TableEncoding) == again.table
    assert again.digest() == found.data.digest()


def test_rows_are_kept_to_check_the_device_with(tmp_path: Path) -> None:
    """The first three of validation, raw, and three with something missing or unknown, none of them of test."""
    train = [[i / 7, "pq"[i % 2], i % 2] for i in range(20)]
    validation = [[i / 3, "p", i % 2] for i in range(10)]
    validation[0][1] = ""
    validation[4][1] = "r"
    validation[6][0] = ""
    train[5][0] = train[7][0] = ""
    test = [["", "z", i % 2] for i in range(10)]
    for name, rows in (("train", train), ("validation", validation), ("test", test)):
        write_rows(tmp_path / "split" / f"{name}.csv", rows, ("n", "c", "kind"))
    data = load(str(tmp_path / "split"))
    assert data.rows == ((0.0, None), (1 / 3, "p"), (2 / 3, "p"), (4 / 3, "r"), (None, "p"), (None, "q"))
    assert data.table is not None
    assert np.array_equal([data.table.encode_row(row) for row in data.rows[:3]], data.validation.x[:3])
    save(data, tmp_path / "prepared.npz")
    assert read(tmp_path / "prepared.npz").rows == data.rows


def test_prepared_tables_of_earlier_versions(tmp_path: Path) -> None:
    """They kept no rows, and are read all the same; other data have none."""
    data = load(str(table(tmp_path / "a.csv", n=60)))
    save(data, tmp_path / "prepared.npz")
    with np.load(tmp_path / "prepared.npz") as arrays:
        old = {name: arrays[name] for name in arrays if name != "rows"}
    np.savez(tmp_path / "old.npz", **old)
    again = read(tmp_path / "old.npz")
    assert (again.rows, again.table, again.digest()) == ((), data.table, data.digest())
    assert load("digits").rows == ()


@pytest.mark.parametrize("rows", ["[1]", "{", "7"])
def test_damaged_rows(rows: str, tmp_path: Path) -> None:
    save(load(str(table(tmp_path / "a.csv", n=60))), tmp_path / "prepared.npz")
    with np.load(tmp_path / "prepared.npz") as arrays:
        changed = {**arrays, "rows": np.array(rows)}
    np.savez(tmp_path / "prepared.npz", **changed)
    with pytest.raises(DataError, match="is not prepared data"):
        read(tmp_path / "prepared.npz")


@pytest.mark.parametrize("categories", ["one-hot", "ordinal"])
def test_encoded_rows_are_the_raw_values(categories: str, tmp_path: Path) -> None:
    """Nothing scales them once more, so that a front-end starts from the very bits that a device has."""
    path = str(write_rows(tmp_path / "a.csv", [["pqr"[i % 3], i % 2] for i in range(60)], ("c", "kind")))
    data = load(path, DataOptions(categories=categories))  # type: ignore[arg-type]
    assert data.normalization == Normalization(offset=0.0, factor=1.0)
    assert data.table is not None
    assert np.array_equal(data.validation.x[:3], [data.table.encode_row(row) for row in data.rows[:3]])
    standardised = behind(data, {"standardise": {}}, standardised=True)
    assert standardised.raw is not None
    assert np.array_equal(standardised.raw, data.validation.x[:3])


def test_only_training_rows_count(tmp_path: Path) -> None:
    """Extreme test rows change nothing about how training rows are encoded."""
    for name, scale in (("plain", 1), ("wide", 1000)):
        table(tmp_path / name / "train.csv", n=30)
        rows = [[scale * x, y, "uv"[i % 2]] for i, (x, y) in enumerate(random(5).normal(size=(10, 2)))]
        write_rows(tmp_path / name / "test.csv", rows, ("a", "b", "kind"))
    plain, wide = load(str(tmp_path / "plain")), load(str(tmp_path / "wide"))
    assert plain.table == wide.table
    assert np.array_equal(plain.train.x, wide.train.x)
    assert np.abs(wide.test.x).max() > 10
    assert len(plain.test) == 10


def test_dates_that_are_left_out_are_pointed_at(tmp_path: Path) -> None:
    """A split class by class of minutes one after the other makes figures too good; numbers and names are no dates."""
    rows = [[f"2015-02-04 17:{i:02}:00", f"room {i}", i, i % 2] for i in range(20)]
    path = write_rows(tmp_path / "a.csv", rows, ("date", "room", "number", "kind"))
    notes = _raw(path, ignore=("date", "room")).notes
    assert len(notes) == 1
    assert notes[0].startswith("column 'date' holds times: ")
    assert notes[0].endswith("data_options.time=date with data_options.split=time does not")
    assert not _raw(path, ignore=("room",), time="date").notes
    assert not _raw(path, ignore=("date",), split="time", time="number").notes
    assert not _raw(path, ignore=("date",), group_by="room").notes


def test_group_and_time_columns(tmp_path: Path) -> None:
    """They split and are no inputs."""
    rows = [[i, i // 10, f"2026-01-{1 + i // 4:02}", "uv"[i % 2]] for i in range(100)]
    path = str(write_rows(tmp_path / "a.csv", rows, ("v", "who", "day", "kind")))
    by_group = inspect(path, DataOptions(group_by="who", ignore=("day",)))
    assert by_group.data.input_shape == (1,)
    assert [part.n_groups for part in by_group.split.parts] == [6, 2, 2]
    by_time = inspect(path, DataOptions(time="day", split="time", ignore=("who",)))
    assert by_time.data.input_shape == (1,)
    assert by_time.data.test.x.min() > by_time.data.validation.x.max() > by_time.data.train.x.max()


def test_parquet_is_the_csv(tmp_path: Path) -> None:
    """The same table in both forms is the same data, texts, truth values and missing values included."""
    import polars as pl

    frame = pl.DataFrame(
        {
            "n": [None if i == 3 else i / 4 for i in range(30)],
            "c": ["p" if i % 3 else "q" for i in range(30)],
            "b": [i % 5 == 0 for i in range(30)],
            "kind": [i % 2 for i in range(30)],
        }
    )
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    as_csv, as_parquet = load(str(tmp_path / "a.csv")), load(str(tmp_path / "a.parquet"))
    assert as_csv.table == as_parquet.table
    assert as_csv.digest() == as_parquet.digest()


def test_occupancy(shared: Path) -> None:
    """The published file, whose header lacks the name of its first column."""
    found = inspect(str(shared / "data/occupancy/datatraining.txt"), DataOptions(ignore=("date",)))
    assert found.data.table is not None
    assert found.data.table.input_names == ("Temperature", "Humidity", "Light", "CO2", "HumidityRatio")
    assert sum(part.n for part in found.split.parts) == 8143
