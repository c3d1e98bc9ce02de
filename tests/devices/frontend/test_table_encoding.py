"""Rows become inputs by what training rows taught, and what that costs on a device."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import numpy as np
import pytest

from devices.boards import load_device
from devices.frontend.table_encoding import LARGEST, ColumnEncoding, Row, TableColumn, TableEncoding

_NUMBER = ColumnEncoding(name="n", kind="number", filled=20.7, offset=-3.3, factor=1 / 45.1)
_COLOUR = ColumnEncoding(name="c", kind="one-hot", values=("blue", "red"))
_SIZE = ColumnEncoding(name="s", kind="ordinal", values=("l", "m", "s"))
_TABLE = TableEncoding(columns=(_NUMBER, _COLOUR, _SIZE))


def _single(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


@pytest.mark.parametrize(
    ("row", "inputs"),
    [
        ((1.7, "red", "m"), [_single((1.7 + 3.3) * (1 / 45.1)), 0, 1, _single(1 / 3)]),
        ((None, None, None), [_single((20.7 + 3.3) * (1 / 45.1)), 0, 0, 1]),
        ((1e300, "green", "xl"), [LARGEST, 0, 0, 1]),
        ((-1e300, "blue", "l"), [-LARGEST, 1, 0, 0]),
    ],
)
def test_a_row(row: Row, inputs: list[float]) -> None:
    """In double precision, rounded once; missing and unknown texts alike, far numbers cut off."""
    assert _TABLE.encode_row(row).tolist() == inputs
    assert len(inputs) == _TABLE.n_inputs == len(_TABLE.input_names)


def test_numbers_that_are_none_are_missing() -> None:
    """Infinities too, so that no input is ever undefined, even where the factor is 0."""
    table = TableEncoding(columns=(_NUMBER, replace(_NUMBER, factor=0.0)))
    x = np.array([[np.nan] * 2, [np.inf] * 2, [-np.inf] * 2, [20.7] * 2])
    encoded = table.encode(x, (TableColumn(name="n"),) * 2)
    assert (encoded == encoded[3]).all()
    assert np.isfinite(encoded).all()


def test_a_row_is_encoded_as_in_an_array() -> None:
    columns = (
        TableColumn(name="n"),
        TableColumn(name="c", values=("blue", "green", "red")),
        TableColumn(name="s", values=("m",)),
    )
    x = np.array([[0.1, 2, 0], [np.nan, 1, np.nan], [7.7, np.nan, 0]])
    rows: tuple[Row, ...] = ((0.1, "red", "m"), (None, "green", None), (7.7, None, "m"))
    assert np.array_equal(_TABLE.encode(x, columns), [_TABLE.encode_row(row) for row in rows])


def test_which_rows_it_takes() -> None:
    assert _TABLE.takes((1.0, "red", None))
    assert _TABLE.takes((math.nan, "no such", "l"))
    assert not _TABLE.takes((1.0, "red"))
    assert not _TABLE.takes(("1.0", "red", "l"))
    assert not _TABLE.takes((1.0, 1.0, "l"))


@pytest.mark.parametrize(
    ("columns", "size"),
    [((_NUMBER,), 8), ((_COLOUR, _SIZE), 2), ((_COLOUR, _NUMBER), 16), ((_NUMBER, _COLOUR, _SIZE), 16), ((), 0)],
)
def test_bytes_of_a_row(columns: tuple[ColumnEncoding, ...], size: int) -> None:
    """As a C++ compiler lays it out; ``tests/devices/export/cpp/test_columns.py`` asks one."""
    assert TableEncoding(columns=columns).row_bytes == size


def test_cost_counts_tables_and_buffers_exactly() -> None:
    """Three doubles a number and no tables for texts; the row, and a float for each input."""
    device = load_device("nucleo-l4r5zi")
    cost, more = _TABLE.cost(device), TableEncoding(columns=(*_TABLE.columns, _NUMBER)).cost(device)
    assert more.flash_bytes - cost.flash_bytes == 3 * 8 + 25
    assert cost.ram_bytes == 16 + 4 * 4
    assert 0 < cost.latency_low_ms < cost.latency_ms < cost.latency_high_ms
    assert TableEncoding(columns=(_COLOUR,)).cost(device).flash_bytes < 200  # nothing of double precision


def test_double_precision_costs_what_the_core_has_for_it() -> None:
    """A unit, one for single precision alone, none at all; the library where there is none."""
    table = TableEncoding(columns=(_NUMBER,) * 10)
    with_unit, single, none = (
        table.cost(load_device(name)) for name in ("raspberry-pi-4b", "nucleo-l4r5zi", "nucleo-g0b1re")
    )
    assert single.flash_bytes == none.flash_bytes == with_unit.flash_bytes + 2250
    assert none.cycles > single.cycles > 5 * with_unit.cycles


@pytest.mark.parametrize(
    ("columns", "instructions", "code"),
    [
        ((_NUMBER,), 365, 204),
        ((_NUMBER,) * 20, 7227, 656),
        ((replace(_COLOUR, values=tuple("abcde")),), 34, 110),
        ((replace(_COLOUR, values=tuple("abcde")),) * 20, 701, 344),
        ((_SIZE,) * 20, 265, 238),
    ],
)
def test_near_what_was_emulated(columns: tuple[ColumnEncoding, ...], instructions: int, code: int) -> None:
    """The exported source for a Cortex-M4 by Clang (Zig 0.17.1) at -O2; a division is one instruction there."""
    device, table = load_device("nucleo-l4r5zi"), TableEncoding(columns=columns)
    operations = [column.operations() for column in columns]
    counted = sum(replace(each, simple=each.simple + each.slow, slow=0).instructions(device) for each in operations)
    assert 1 / 1.25 < counted / instructions < 1.25
    n_numbers = sum(column.is_number for column in columns)
    library = 2250 if n_numbers else 0
    assert table.cost(device).flash_bytes - library - 24 * n_numbers == pytest.approx(code, abs=30)


def test_the_library_of_another_compiler_may_be_far_faster_or_slower() -> None:
    """The interval is wider where it computes."""
    numbers, texts = (TableEncoding(columns=(column,)) for column in (_NUMBER, _COLOUR))
    for name, ratios in (("nucleo-l4r5zi", (2.4, 1.4)), ("raspberry-pi-4b", (1.4, 1.4))):
        for table, ratio in zip((numbers, texts), ratios, strict=True):
            cost = table.cost(load_device(name))
            assert cost.latency_high_ms >= ratio * cost.latency_ms
    cost = texts.cost(load_device("nucleo-l4r5zi"))
    assert cost.latency_high_ms < 2 * cost.latency_ms
