"""Columns of a table as network inputs: missing values filled, texts encoded, scaled, all learnt from training rows.

What was learnt is a `TableEncoding`: numbers and texts only, so that a device's
program can do the same to a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

_LARGEST = float(np.finfo(np.float32).max)

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """One column as it was found.

    Attributes
    ----------
    name
        From the header, or ``column 3``.
    values
        Texts that occur, sorted; the column then holds their numbers from 0.  Empty for a column of numbers.
    """

    name: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnEncoding:
    """How one column becomes inputs.

    Attributes
    ----------
    name
        Of the column.
    kind
        ``number``: (value - offset) x factor; ``one-hot``: an input for each of
        `values`; ``ordinal``: its place in `values` / their number.
    filled
        What stands in for a missing number: the median of the training rows.
    n_missing
        Missing values among the training rows.
    offset, factor
        Of a number; they bring the training rows to 0..1.
    values
        Texts of the training rows, sorted.  Any other, and a missing one, is
        all zeros, or the place after the last.
    """

    name: str
    kind: Literal["number", "one-hot", "ordinal"]
    filled: float = 0.0
    n_missing: int = 0
    offset: float = 0.0
    factor: float = 1.0
    values: tuple[str, ...] = ()

    @property
    def n_inputs(self) -> int:
        """Inputs that the column becomes."""
        return len(self.values) if self.kind == "one-hot" else 1

    def encode(self, column: Numbers, texts: tuple[str, ...]) -> Numbers:
        """Inputs (n, n_inputs) of a column (n,), whose numbers stand for `texts` where it holds texts."""
        if self.kind == "number":
            filled = np.where(np.isnan(column), self.filled, column)
            with np.errstate(over="ignore"):  # far outside of the training rows: the greatest number there is
                return ((filled - self.offset) * self.factor)[:, np.newaxis]
        place = {text: index for index, text in enumerate(self.values)}
        unknown = len(self.values)
        # One more place than texts, for a value that is missing.
        places = np.array([*(place.get(text, unknown) for text in texts), unknown], np.intp)
        which = places[np.where(np.isnan(column), len(texts), column).astype(np.intp)]
        if self.kind == "ordinal":
            return (which / max(unknown, 1)).astype(np.float64)[:, np.newaxis]
        return np.eye(unknown + 1, unknown)[which]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEncoding:
    """How a row of a table becomes one input vector: column by column, side by side."""

    columns: tuple[ColumnEncoding, ...]

    @property
    def input_names(self) -> tuple[str, ...]:
        """A name for each input: the column's, or ``column=text``."""
        return tuple(
            name
            for column in self.columns
            for name in (
                [f"{column.name}={value}" for value in column.values] if column.kind == "one-hot" else [column.name]
            )
        )

    def encode(self, x: npt.NDArray[Any], columns: tuple[TableColumn, ...]) -> npt.NDArray[np.float32]:
        """Inputs float32 (n, n_inputs) of rows float64 (n, columns)."""
        made = [
            encoding.encode(x[:, index], column.values)
            for index, (encoding, column) in enumerate(zip(self.columns, columns, strict=True))
        ]
        return np.concatenate(made, axis=1).clip(-_LARGEST, _LARGEST).astype(np.float32)

    def notes(self) -> tuple[str, ...]:
        """What was filled and encoded, a sentence each."""
        filled = [
            f"{column.name} ({column.n_missing} x {column.filled:g})"
            for column in self.columns
            if column.kind == "number" and column.n_missing
        ]
        encoded = [f"{column.name} ({len(column.values)})" for column in self.columns if column.kind != "number"]
        absent = [
            f"{column.name} ({column.n_missing})"
            for column in self.columns
            if column.kind != "number" and column.n_missing
        ]
        said = []
        if filled:
            said.append(f"missing numbers of the training rows are their column's median: {', '.join(filled)}")
        if encoded:
            said.append(f"columns of texts, with how many training rows hold: {', '.join(encoded)}")
        if absent:
            said.append(f"missing texts of the training rows count as none of the known: {', '.join(absent)}")
        return tuple(said)


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
