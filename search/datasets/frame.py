"""Tables of foreign origin, as CSV or Parquet, column by column."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from devices.suggestion import suggestion
from search.datasets.archive import check_file
from search.datasets.csv_form import check_rows, form_of
from search.datasets.options import DataOptions
from search.datasets.parts import check_bytes
from search.datasets.raw import Array
from search.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_MOST_FILE_BYTES = 1 << 30
_MOST_CHARACTERS = 200  # of one text that is used
_MOST_COLUMNS = 20_000
_LARGEST = 1e300  # so that the span of two values is finite
PARQUET = ".parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One table.

    Attributes
    ----------
    path
        Its file.
    table
        Texts, or for Parquet whatever type each column has.
    decimal
        Sign of decimals in texts.
    missing
        Texts that stand for a missing value.
    unnamed
        Column of row names without a header, which is no input; None where there is none.
    notes
        What was left out.
    """

    path: Path
    table: pl.DataFrame
    decimal: str
    missing: tuple[str, ...]
    unnamed: str | None
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns, in order."""
        return tuple(self.table.columns)

    def find(self, wanted: str, option: str) -> str:
        """The column of that name, else at that position; empty where nothing is wanted.

        Raises
        ------
        DataError
            When there is none.
        """
        if not wanted or wanted in self.names:
            return wanted
        if wanted.removeprefix("-").isdecimal() and -len(self.names) <= int(wanted) < len(self.names):
            return self.names[int(wanted)]
        raise DataError(
            f"data file {str(self.path)!r} has no column {wanted!r} (data_options.{option}): "
            f"{suggestion(wanted, self.names)}"
        )

    def numbers(self, name: str) -> npt.NDArray[np.float64] | None:
        """A column as float64 with NaN for missing values; None where its values are no numbers.

        Raises
        ------
        DataError
            When it holds infinity or more than 1e300, or a few texts among more than
            20 different numbers; it names the row.
        """
        import polars as pl

        column = self.table[name]
        if column.dtype != pl.String:
            values: npt.NDArray[np.float64] = column.cast(pl.Float64).fill_null(np.nan).to_numpy().astype(np.float64)
            return self._finite(name, values)
        texts = column.str.strip_chars()
        known = texts.set(texts.is_in(list(self.missing)), None)
        written = known.str.replace(self.decimal, ".", literal=True) if self.decimal != "." else known
        made = written.cast(pl.Float64, strict=False)
        wrong = made.is_null() & known.is_not_null()
        if wrong.any():
            self._check_mixture(name, known, wrong)
            return None
        return self._finite(name, made.fill_null(np.nan).to_numpy().astype(np.float64))

    def _check_mixture(self, name: str, known: pl.Series, wrong: pl.Series) -> None:
        """A text among many numbers is a slip of the pen, not a category."""
        n_wrong, n_known = int(wrong.sum()), len(known) - int(known.null_count())
        if n_wrong < n_known / 2 and known.n_unique() > 20:
            row = int(wrong.arg_max() or 0)
            raise DataError(
                f"data file {str(self.path)!r}, column {name!r}: {str(known[row])[:_MOST_CHARACTERS]!r} in data row "
                f"{row + 1} is no number, as {n_wrong} of {n_known} values: mend them, say which texts stand for a "
                "missing value (data_options.missing), or which sign decimals have (data_options.decimal)"
            )

    def _finite(self, name: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        infinite = np.abs(values) > _LARGEST
        if infinite.any():
            row = int(np.argmax(infinite))
            raise DataError(
                f"data file {str(self.path)!r}, column {name!r} holds {values[row]} in data row {row + 1}: "
                "replace it, remove the row, or change the unit of the column"
            )
        return values

    def texts(self, name: str) -> Array:
        """A column as texts (n,), empty where missing.

        Raises
        ------
        DataError
            When a text is longer than 200 characters.
        """
        import polars as pl

        column = self.table[name].cast(pl.String).fill_null("").str.strip_chars()
        longest = int(column.str.len_chars().max() or 0)  # type: ignore[arg-type]  # of lengths, so a whole number
        if longest > _MOST_CHARACTERS:
            raise DataError(
                f"data file {str(self.path)!r}, column {name!r} has a text of {longest} characters, the most is "
                f"{_MOST_CHARACTERS}: leave the column out (data_options.ignore), or shorten it"
            )
        known = column.set(column.is_in(list(self.missing)), "")
        return np.array(known.to_list(), dtype=str)


def read_frame(path: Path, options: DataOptions) -> Frame:
    """The table in `path`; rows without any value are left out.

    Raises
    ------
    DataError
        When it is missing, damaged, too large, of unequal rows or has none.
    """
    check_file(path)
    if path.stat().st_size > _MOST_FILE_BYTES:
        raise DataError(f"data file {str(path)!r} is larger than {_MOST_FILE_BYTES} bytes: use fewer rows")
    frame = _parquet(path, options) if path.suffix.lower() == PARQUET else _csv(path, options)
    if not frame.table.height:
        raise DataError(f"data file {str(path)!r} has no rows of values: add some")
    return frame


def _csv(path: Path, options: DataOptions) -> Frame:
    import polars as pl

    form = form_of(path, options)
    if len(form.names) > _MOST_COLUMNS:
        raise DataError(f"data file {str(path)!r} has {len(form.names)} columns, the most is {_MOST_COLUMNS}")
    n_rows = check_rows(path, form)
    check_bytes(str(path), n_rows, len(form.names), 8, "use fewer rows")
    table = _guarded(
        path,
        lambda: pl.read_csv(
            io.BytesIO(path.read_bytes()),
            separator=form.separator,
            has_header=False,
            skip_rows=form.n_header,
            schema=dict.fromkeys(form.names, pl.String),
            empty_string_is_null=False,
            raise_if_empty=False,
        ),
    )
    blank = pl.all_horizontal(pl.all().str.strip_chars() == "")
    kept = table.filter(~blank)
    left_out = n_rows - kept.height
    if left_out < 0:
        raise DataError(f"data file {str(path)!r} has quotes inside of fields: write it again with every field quoted")
    return Frame(
        path=path,
        table=kept,
        decimal=form.decimal,
        missing=options.missing,
        unnamed=form.names[0] if form.unnamed else None,
        notes=(f"{path.name}: {left_out} rows without a value are left out",) if left_out else (),
    )


def _parquet(path: Path, options: DataOptions) -> Frame:
    import polars as pl

    lazy = _guarded(path, lambda: pl.scan_parquet(io.BytesIO(path.read_bytes())))
    schema = _guarded(path, lazy.collect_schema)
    for name, kind in schema.items():
        if kind.is_nested() or kind in (pl.Binary, pl.Object):
            raise DataError(
                f"data file {str(path)!r}, column {name!r} is of type {kind}: leave it out of the file, "
                "a column holds numbers or texts"
            )
    n_rows = int(_guarded(path, lambda: lazy.select(pl.len()).collect().item()))
    check_bytes(str(path), n_rows, len(schema), 8, "use fewer rows")
    table = _guarded(path, lazy.collect)
    plain = [pl.col(name).cast(pl.String) for name, kind in schema.items() if not kind.is_numeric()]
    return Frame(
        path=path,
        table=_guarded(path, lambda: table.with_columns(plain)),
        decimal=".",
        missing=options.missing,
        unnamed=None,
        notes=(),
    )


def _guarded(path: Path, read: Any) -> Any:
    """What `read` gives; Polars' errors, panics among them, as a sentence."""
    from polars.exceptions import PanicException

    try:
        return read()
    except (Exception, PanicException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"data file {str(path)!r} is damaged or no such table ({reason}): write it again") from error
