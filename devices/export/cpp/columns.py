"""The C++ files that encode a row of a table, one function a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.export.cpp.identifiers import Names, capitalised, field_name
from devices.export.cpp.literals import double_literal
from devices.export.escape import c_string
from devices.export.templates import render, verbatim

if TYPE_CHECKING:
    from devices.export.bundle import Bundle
    from devices.frontend.table_encoding import ColumnEncoding, TableEncoding

_PACKAGE = "devices.export.cpp"
_MOST_IN_COMMENTS = 100  # letters of a user's text
_UNKNOWN, _MISSING = "kUnknown", "kMissing"
_ENUM = """// Texts of column {comment} in the training rows. Any other text and a missing one are alike to the network.
enum class {name} : {kind} {{
{texts}  {unknown},
  {missing} = {unknown},
}};

"""
_FINDERS = """
// Place of a text among `count` others; `count` where it is none of them, or null.
inline std::size_t PlaceOfText(const char* text, const char* const* texts, std::size_t count) {
  std::size_t place = 0;
  while (place < count && (text == nullptr || texts[place] == nullptr || std::strcmp(text, texts[place]) != 0)) {
    ++place;
  }
  return place;
}

// Enumerators of UTF-8 texts without spaces around them. Each of these costs flash only where it is called.
"""
_FINDER = """inline {kind} {finder}(const char* text) {{
  static constexpr const char* kTexts[] = {{
{texts}
  }};
  return static_cast<{kind}>(PlaceOfText(text, kTexts, {count}));
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSource:
    """One column as C++ names it.

    Attributes
    ----------
    encoding
        Of the column.
    member
        Of ``struct Row``.
    enum
        Type of a column of texts; empty for numbers.
    finder
        The function that gives the enumerator of a text; empty for numbers.
    texts
        An enumerator for each known text, in order.
    """

    encoding: ColumnEncoding
    member: str
    enum: str = ""
    finder: str = ""
    texts: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """Of the member."""
        return self.enum or "double"

    @property
    def missing(self) -> str:
        """The value that stands for none."""
        return f"{self.enum}::{_MISSING}" if self.enum else "kMissingNumber"

    def enumerator(self, text: str) -> str:
        """The value that stands for a text."""
        known = dict(zip(self.encoding.values, self.texts, strict=True))
        return f"{self.enum}::{known.get(text, _UNKNOWN)}"


def column_sources(table: TableEncoding) -> tuple[ColumnSource, ...]:
    """Every column under names of its own."""
    members, others = Names(), Names(("PlaceOfText",))
    made = []
    for position, encoding in enumerate(table.columns):
        member = members.unique(field_name(encoding.name, position))
        if encoding.is_number:
            made.append(ColumnSource(encoding=encoding, member=member))
            continue
        enum = others.unique(f"{capitalised(member)}Text")
        finder, texts = others.unique(f"Find{enum}"), _enumerators(encoding)
        made.append(ColumnSource(encoding=encoding, member=member, enum=enum, finder=finder, texts=texts))
    return tuple(made)


def _enumerators(encoding: ColumnEncoding) -> tuple[str, ...]:
    names = Names((_UNKNOWN, _MISSING))
    made = []
    for position, text in enumerate(encoding.values):
        name = f"k{capitalised(text)}"
        plain = name not in ("k", _UNKNOWN, _MISSING)
        made.append(names.unique(name if plain else f"kText{name[1:] or position}"))
    return tuple(made)


def columns_h(bundle: Bundle, table: TableEncoding) -> bytes:
    """The row's record, the texts' enumerations, and what encodes a row."""
    columns, behind = column_sources(table), bundle.frontend is not None
    texts = [column for column in columns if column.enum]
    fields = {
        "next_header": "preprocess.h" if behind else "quantization.h",
        "next_elements": "kRawElements" if behind else "kInputElements",
        "next_function": "Preprocess" if behind else "Normalize",
        "enums": "".join(_enum(column) for column in texts),
        "fields": "\n".join(
            f"  {column.type} {column.member} = {column.missing};  // {_comment(column.encoding.name)}"
            for column in columns
        ),
        "elements": str(table.n_inputs),
        "finders": _FINDERS + "\n".join(map(_finder, texts)) if texts else "",
    }
    return render(_PACKAGE, "columns.h", fields)


def _enum(column: ColumnSource) -> str:
    pairs = zip(column.texts, column.encoding.values, strict=True)
    return _ENUM.format(
        comment=_comment(column.encoding.name),
        name=column.enum,
        kind="std::uint8_t" if len(column.texts) < 256 else "std::uint16_t",
        texts="".join(f"  {name},  // {_comment(text)}\n" for name, text in pairs),
        unknown=_UNKNOWN,
        missing=_MISSING,
    )


def _finder(column: ColumnSource) -> str:
    # No C string holds a zero byte: such a text is never found.
    texts = ["nullptr" if "\0" in text else c_string(text) for text in column.encoding.values]
    # C++ has no empty array: of no known text there is one that is none.
    listed = "\n".join(f"      {text}," for text in texts or ["nullptr"])
    return _FINDER.format(kind=column.enum, finder=column.finder, texts=listed, count=len(texts))


def _comment(text: str) -> str:
    """`text` as a string literal: quotes at its end keep a backslash from joining the next line."""
    return c_string(text if len(text) <= _MOST_IN_COMMENTS else f"{text[:_MOST_IN_COMMENTS]}...")


def columns_cc(table: TableEncoding) -> bytes:
    """Encodes a row, with the helpers that its columns need."""
    columns = column_sources(table)
    kinds = {column.encoding.kind for column in columns}
    helpers = [
        verbatim(_PACKAGE, f"{kind.replace('-', '_')}_column.inc").decode() for kind in sorted(kinds - {"number"})
    ]
    if "number" in kinds:
        helpers.insert(0, render(_PACKAGE, "number_column.inc", {"rows": _number_rows(columns)}).decode())
    fields = {
        "helpers": "\n".join(helpers).rstrip("\n"),
        "calls": "\n".join(_calls(columns)),
    }
    return render(_PACKAGE, "columns.cc", fields)


def _number_rows(columns: tuple[ColumnSource, ...]) -> str:
    numbers = [column.encoding for column in columns if column.encoding.is_number]
    values = [", ".join(map(double_literal, (each.filled, each.offset, each.factor))) for each in numbers]
    return "\n".join(f"    {{{row}}},  // {_comment(each.name)}" for row, each in zip(values, numbers, strict=True))


def _calls(columns: tuple[ColumnSource, ...]) -> list[str]:
    calls, number = [], 0
    for column in columns:
        place = f"static_cast<std::size_t>(row.{column.member}), {len(column.texts)}"
        if column.encoding.kind == "one-hot":
            calls.append(f"  raw = OneHot({place}, raw);")
        elif column.encoding.kind == "ordinal":
            calls.append(f"  *raw++ = Ordinal({place});")
        else:
            calls.append(f"  *raw++ = Scaled(row.{column.member}, kNumberColumns[{number}]);")
            number += 1
    return calls
