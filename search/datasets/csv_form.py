"""How a text table is written: its separator, its decimal sign, whether names stand on top."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from search.datasets.options import DataOptions
from search.errors import DataError

_SEPARATORS = (",", ";", "\t", "|")
_LOOKED_AT = 100  # rows
_MOST_LINE_CHARACTERS = 1 << 20
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_UNNAMED = "row names"


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvForm:
    """The form of one text table.

    Attributes
    ----------
    separator, decimal
        One character each.
    names
        Of the columns: from the header, else ``column 0`` and so on.
    n_header
        Rows that hold names: 0 or 1.
    unnamed
        True where rows have one field more than the header, as R writes row
        names: that first column is called ``row names`` and is no input.
    """

    separator: str
    decimal: Literal[".", ","]
    names: tuple[str, ...]
    n_header: int
    unnamed: bool


def form_of(path: Path, options: DataOptions) -> CsvForm:
    """Find out how `path` is written; what the options say is taken as it is.

    Raises
    ------
    DataError
        When the file is no text in UTF-8 or has no rows.
    """
    lines = _first_lines(path)
    separator = options.separator or _separator(lines)
    rows = [row for row in _rows(path, lines, separator) if row]
    if not rows:
        raise DataError(f"data file {str(path)!r} has no rows: write it again")
    decimal = options.decimal or _decimal(rows, separator)
    widths = Counter(len(row) for row in rows[1:])
    unnamed = len(rows) > 1 and widths.most_common(1)[0][0] == len(rows[0]) + 1
    has_header = unnamed or (_has_header(rows, decimal, options.missing) if options.header is None else options.header)
    if not has_header:
        names = tuple(f"column {index}" for index in range(len(rows[0])))
        return CsvForm(separator=separator, decimal=decimal, names=names, n_header=0, unnamed=False)
    names = _distinct([*([_UNNAMED] if unnamed else []), *rows[0]])
    return CsvForm(separator=separator, decimal=decimal, names=names, n_header=1, unnamed=unnamed)


def check_rows(path: Path, form: CsvForm) -> int:
    """Rows of the table without its header; blank lines do not count.

    Raises
    ------
    DataError
        When a row has more or fewer fields than there are columns, a quote is
        never closed or a field is longer than 128 kB; it names the line.
    """
    n_rows = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=form.separator, strict=True)
            for row in itertools.islice(reader, form.n_header, None):
                if not row:
                    continue
                if len(row) != len(form.names):
                    raise DataError(
                        f"data file {str(path)!r}, line {reader.line_num}: {len(row)} fields, but there are "
                        f"{len(form.names)} columns: mend the line, or name the separator (it was taken to be "
                        f"{form.separator!r}: data_options.separator)"
                    )
                n_rows += 1
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"data file {str(path)!r} cannot be read as a table ({error}): write it again") from error
    return n_rows


def _first_lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines: list[str] = []
            for _ in range(_LOOKED_AT):
                line = stream.readline(_MOST_LINE_CHARACTERS)
                if len(line) >= _MOST_LINE_CHARACTERS:
                    raise DataError(f"data file {str(path)!r}, line {len(lines) + 1} has over a million characters")
                if not line:
                    break
                lines.append(line)
    except UnicodeDecodeError as error:
        raise DataError(f"data file {str(path)!r} is no text in UTF-8 ({error.reason}): save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"data file {str(path)!r} cannot be read: {error.strerror}") from error
    if any("\0" in line for line in lines):
        raise DataError(f"data file {str(path)!r} is no text, it holds zero bytes: save it as CSV in UTF-8")
    return lines


def _rows(path: Path, lines: Iterable[str], separator: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=separator))
    except csv.Error as error:
        raise DataError(f"data file {str(path)!r} cannot be read as a table ({error}): write it again") from error


def _separator(lines: Sequence[str]) -> str:
    """The one that cuts most rows into equally many fields, and into the most of them."""

    def fitness(separator: str) -> tuple[float, int]:
        try:
            widths = Counter(len(row) for row in csv.reader(lines, delimiter=separator) if row)
        except csv.Error:
            return 0.0, 0
        width, count = widths.most_common(1)[0] if widths else (0, 0)
        return (count / widths.total(), width) if width > 1 else (0.0, width)

    return max(_SEPARATORS, key=fitness)


def _decimal(rows: Sequence[Sequence[str]], separator: str) -> Literal[".", ","]:
    cells = [cell.strip() for row in rows for cell in row]
    commas = sum(bool(_COMMA_NUMBER.fullmatch(cell)) for cell in cells)
    points = sum("." in cell and bool(_NUMBER.fullmatch(cell)) for cell in cells)
    return "," if separator != "," and commas > points else "."


def _has_header(rows: Sequence[Sequence[str]], decimal: str, missing: tuple[str, ...]) -> bool:
    """True where a text stands over numbers, or the first row is all texts that differ."""

    def is_number(cell: str) -> bool:
        return bool(_NUMBER.fullmatch(cell.strip().replace(decimal, ".")))

    first, rest = rows[0], rows[1:]
    for index, cell in enumerate(first):
        below = [row[index] for row in rest if len(row) > index and row[index].strip() not in missing]
        if cell.strip() not in missing and not is_number(cell) and below and all(map(is_number, below)):
            return True
    return not any(map(is_number, first)) and len(set(first)) == len(first)


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names without blanks around them; an empty one gets its position, one that stands twice a number."""
    out: list[str] = []
    for index, name in enumerate(names):
        text = name.strip() or f"column {index}"
        repeated = sum(other == text or other.startswith(f"{text} (") for other in out)
        out.append(f"{text} ({repeated + 1})" if text in out else text)
    return tuple(out)
