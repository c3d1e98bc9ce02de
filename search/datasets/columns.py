"""What training rows teach about the columns of a table, and rows kept to check the device's program with."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from devices.frontend.table_encoding import ColumnEncoding, Numbers, Row, TableColumn, TableEncoding

_FIRST_ROWS, _STRANGE_ROWS = 3, 3  # that are kept: of the golden samples, and with a value missing or unknown


def fit_columns(
    x: npt.NDArray[Any], columns: tuple[TableColumn, ...], categories: Literal["one-hot", "ordinal"]
) -> TableEncoding:
    """Learn the encoding from training rows float64 (n, columns)."""
    return TableEncoding(
        columns=tuple(
            _texts(x[:, index], column, categories) if column.values else _number(x[:, index], column.name)
            for index, column in enumerate(columns)
        )
    )


def _number(values: Numbers, name: str) -> ColumnEncoding:
    known = values[~np.isnan(values)]
    if not len(known):
        return ColumnEncoding(name=name, kind="number", n_missing=len(values), factor=0.0)
    least, most = float(known.min()), float(known.max())
    # A column that never changes becomes 0 everywhere.
    span = most - least
    factor = 1.0 / span if span > 0 and np.isfinite(1.0 / span) else 0.0
    return ColumnEncoding(
        name=name,
        kind="number",
        filled=float(np.median(known)),
        n_missing=len(values) - len(known),
        offset=least,
        factor=factor,
    )


def _texts(values: Numbers, column: TableColumn, kind: Literal["one-hot", "ordinal"]) -> ColumnEncoding:
    known = values[~np.isnan(values)]
    texts = tuple(column.values[int(index)] for index in np.unique(known))
    return ColumnEncoding(name=column.name, kind=kind, n_missing=len(values) - len(known), values=texts)


def kept_rows(
    validation: npt.NDArray[Any], train: npt.NDArray[Any], columns: tuple[TableColumn, ...], table: TableEncoding
) -> tuple[Row, ...]:
    """Raw rows of float64 (n, columns): the first of validation, and some of either with a value missing or unknown."""
    first, others = validation[:_FIRST_ROWS], validation[_FIRST_ROWS:]
    strange = [part[_is_strange(part, columns, table)][:_STRANGE_ROWS] for part in (others, train)]
    return tuple(_row(values, columns) for values in (*first, *np.concatenate(strange)[:_STRANGE_ROWS]))


def _is_strange(x: npt.NDArray[Any], columns: tuple[TableColumn, ...], table: TableEncoding) -> npt.NDArray[np.bool_]:
    strange: npt.NDArray[np.bool_] = np.isnan(x).any(axis=1)
    for index, (column, encoding) in enumerate(zip(columns, table.columns, strict=True)):
        unknown = [place for place, text in enumerate(column.values) if text not in encoding.values]
        strange |= np.isin(x[:, index], unknown)
    return strange


def _row(values: Numbers, columns: tuple[TableColumn, ...]) -> Row:
    return tuple(
        None if np.isnan(value) else column.values[int(value)] if column.values else float(value)
        for value, column in zip(values, columns, strict=True)
    )
