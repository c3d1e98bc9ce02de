"""C++ identifiers made of user's text, such as the names of columns: valid, unique, and no keyword or macro."""

from __future__ import annotations

import re
import unicodedata

_MOST_LETTERS = 40
_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_KEYWORDS = (
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl "
    "concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default "
    "delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline int long "
    "mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public reflexpr register "
    "reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct switch "
    "synchronized template this thread_local throw true try typedef typeid typename union unsigned using virtual void "
    "volatile wchar_t while xor xor_eq"
)
# Lower-case macros of compilers and headers that stand for something without parentheses; and what Arduino's header
# defines with them, which breaks sources that call a function of that name.
_MACROS = (
    "abs arm assert bit constrain data degrees errno far huge i386 inp interface interrupts isr linux m68k max min "
    "mips near pascal pixel r13 radians round sparc sq stderr stdin stdout unix vector vax word"
)
_RESERVED = frozenset(f"{_KEYWORDS} {_MACROS}".split())


def words(text: str) -> list[str]:
    """Runs of ASCII letters and digits, also torn where a capital follows a small letter; accents are dropped."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.findall(r"[A-Za-z0-9]+", _BOUNDARY.sub(" ", plain))


def field_name(text: str, position: int) -> str:
    """A member's name: ``Humidity Ratio`` to ``humidity_ratio``; ``column_3`` where nothing is left of the text.

    Parameters
    ----------
    position
        Of the column, from 0.
    """
    name = "_".join(words(text)).lower()[:_MOST_LETTERS].strip("_") or f"column_{position}"
    if name[0].isdigit():
        name = f"column_{name}"
    return f"{name}_" if name in _RESERVED else name


def capitalised(text: str) -> str:
    """A name of several words without gaps: ``light blue`` to ``LightBlue``; may be empty or begin with a digit."""
    return "".join(word[0].upper() + word[1:] for word in words(text))[:_MOST_LETTERS]


class Names:
    """Identifiers of one scope, each given out once."""

    def __init__(self, taken: tuple[str, ...] = ()) -> None:
        self._next = dict.fromkeys(taken, 2)

    def unique(self, name: str) -> str:
        """`name` where it is still free, else ``name_2``, ``name_3``, ...; never two underscores in a row."""
        number, free = self._next.get(name, 2), name
        while free in self._next:
            free, number = f"{name.rstrip('_')}_{number}", number + 1
        self._next[name] = number
        self._next.setdefault(free, 2)
        return free
