"""Columns of a table as network inputs: missing values filled, texts encoded, numbers scaled.

What was learnt from training rows is a `TableEncoding`: numbers and texts only.
Python encodes whole arrays with it here, for training and scoring, and target
``cpp`` writes a C++ source that encodes one row (``devices/export/cpp/columns.py``).
Both subtract and multiply the same double-precision numbers in the same order
and round the result to single precision once, so that they are equal bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from devices.frontend.cost import FrontendCost, Operations, cost_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.device import Device
    from devices.frontend.frontend import Floats

LARGEST = float(np.finfo(np.float32).max)
"""Encoded numbers beyond it, either way, are cut off."""

# Machine code for a Cortex-M4 (Clang of Zig 0.17.1, -O2): what each kind of column has once, and a call a column.
_KIND_BYTES = {"number": 160, "one-hot": 100, "ordinal": 28}
_CALL_BYTES = {"number": 25, "one-hot": 12, "ordinal": 10}
_NUMBER_BYTES = 8  # of a double; three of them are kept for each column of numbers

Numbers: TypeAlias = npt.NDArray[np.float64]
Cell: TypeAlias = float | str | None
"""One raw value of a row: a number, a text, or None where it is missing."""
Row: TypeAlias = tuple[Cell, ...]


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
        What stands in for a missing number, and for one that is not finite: the median of the training rows.
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

    @property
    def is_number(self) -> bool:
        """False for a column of texts."""
        return self.kind == "number"

    @property
    def place_bytes(self) -> int:
        """Bytes of the column in ``struct Row``, which are its alignment as well."""
        return _NUMBER_BYTES if self.is_number else 1 if len(self.values) < 256 else 2

    def operations(self) -> Operations:
        """What one value takes, counted along the C++ source."""
        if self.is_number:
            return Operations(simple=0, double=5, integer=4)
        if self.kind == "ordinal":
            return Operations(simple=2, slow=1, integer=3)
        return Operations(simple=0, integer=6 + 3 * len(self.values))

    def encode(self, column: Numbers, texts: tuple[str, ...]) -> Numbers:
        """Inputs (n, n_inputs) of a column (n,), whose numbers stand for `texts` where it holds texts."""
        if self.is_number:
            filled = np.where(np.isfinite(column), column, self.filled)
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
    def n_inputs(self) -> int:
        """Inputs that a row becomes."""
        return sum(column.n_inputs for column in self.columns)

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

    def encode(self, x: npt.NDArray[Any], columns: tuple[TableColumn, ...]) -> Floats:
        """Inputs float32 (n, n_inputs) of rows float64 (n, columns)."""
        made = [
            encoding.encode(x[:, index], column.values)
            for index, (encoding, column) in enumerate(zip(self.columns, columns, strict=True))
        ]
        return np.concatenate(made, axis=1).clip(-LARGEST, LARGEST).astype(np.float32)

    def encode_row(self, row: Row) -> Floats:
        """Inputs float32 (n_inputs,) of one row of raw values."""
        numbers = [np.nan if cell is None else 0.0 if isinstance(cell, str) else cell for cell in row]
        columns = tuple(
            TableColumn(name=column.name, values=(cell,) if isinstance(cell, str) else ())
            for column, cell in zip(self.columns, row, strict=True)
        )
        encoded: Floats = self.encode(np.array([numbers], np.float64), columns)[0]
        return encoded

    def takes(self, row: Row) -> bool:
        """Whether a row has a value for each column, each of its kind or missing."""
        return len(row) == len(self.columns) and all(
            cell is None or isinstance(cell, float if column.is_number else str)
            for column, cell in zip(self.columns, row, strict=True)
        )

    @property
    def row_bytes(self) -> int:
        """Size of ``struct Row``: columns in order, each on a multiple of its size, as is the whole."""
        end = 0
        for column in self.columns:
            end += -end % column.place_bytes + column.place_bytes
        return end + -end % max((column.place_bytes for column in self.columns), default=1)

    def cost(self, device: Device) -> FrontendCost:
        """What encoding a row takes on a device (`devices.frontend.cost`): RAM holds the row and what it becomes."""
        counted = [column.operations() for column in self.columns]
        kinds = [column.kind for column in self.columns]
        return cost_of(
            Operations(
                simple=sum(each.simple for each in counted),
                slow=sum(each.slow for each in counted),
                integer=sum(each.integer for each in counted),
                double=sum(each.double for each in counted),
            ),
            device,
            table_bytes=3 * _NUMBER_BYTES * kinds.count("number"),
            code_bytes=sum(_KIND_BYTES[kind] for kind in set(kinds)) + sum(_CALL_BYTES[kind] for kind in kinds),
            ram_bytes=self.row_bytes + 4 * self.n_inputs,
        )

    def notes(self) -> tuple[str, ...]:
        """What was filled and encoded, a sentence each."""
        texts = [column for column in self.columns if not column.is_number]
        filled = [
            f"{column.name} ({column.n_missing} x {column.filled:g})"
            for column in self.columns
            if column.is_number and column.n_missing
        ]
        encoded = [f"{column.name} ({len(column.values)})" for column in texts]
        absent = [f"{column.name} ({column.n_missing})" for column in texts if column.n_missing]
        return (
            *_said("missing numbers of the training rows are their column's median", filled),
            *_said("columns of texts, with how many training rows hold", encoded),
            *_said("missing texts of the training rows count as none of the known", absent),
        )


def _said(what: str, columns: Iterable[str]) -> tuple[str, ...]:
    listed = ", ".join(columns)
    return (f"{what}: {listed}",) if listed else ()
