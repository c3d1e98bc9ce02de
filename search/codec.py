"""Records to JSON and back: unknown keys and wrong types are refused.

JSON is written sorted and with a final newline, so that equal records are
equal files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_origin

import cattrs
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError

from compressors.compressor import Value

T = TypeVar("T")
Setting: TypeAlias = Value | tuple[Value, ...]  # a value, or those that are searched


class CodecError(ValueError):
    """A document is not the record it should be; the message names the place and the rule."""


def _exact(kind: type) -> Any:
    def structure(value: object, _: type) -> object:
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if type(value) is not kind:
            raise TypeError(f"expected {kind.__name__}, got {value!r}")
        return value

    return structure


def _scalar(value: object, _: type) -> Value:
    if not isinstance(value, bool | int | float | str):
        raise TypeError(f"expected a number, a text or true/false, got {value!r}")
    return value


def _setting(value: object, _: type) -> Setting:
    if isinstance(value, list | tuple):
        return tuple(_scalar(each, object) for each in value)
    return _scalar(value, object)


def _is_literal(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _choice(value: object, kind: Any) -> object:
    choices = get_args(kind)
    if value not in choices:
        raise ValueError(f"expected {' or '.join(map(repr, choices))}, got {value!r}")
    return value


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (int, float, str, bool):
        converter.register_structure_hook(kind, _exact(kind))
    converter.register_structure_hook_func(lambda kind: kind == Value, _scalar)
    converter.register_structure_hook_func(lambda kind: kind == Setting, _setting)
    converter.register_structure_hook_func(_is_literal, _choice)
    return converter


def _sentences(error: BaseException, place: str) -> list[str]:
    if isinstance(error, ForbiddenExtraKeysError):
        return [f"{place or 'document'}: unknown key {sorted(error.extra_fields)[0]!r}"]
    if isinstance(error, ClassValidationError | IterableValidationError):
        out: list[str] = []
        for inner in error.exceptions:
            notes = getattr(inner, "__notes__", [])
            name = str(getattr(notes[0], "name", getattr(notes[0], "index", ""))) if notes else ""
            out += _sentences(inner, ".".join(part for part in (place, name) if part))
        return out
    if isinstance(error, KeyError):
        return [f"{place or 'document'}: missing"]
    return [f"{place}: {error}" if place else str(error)]


def unstructure(record: object) -> Any:
    """Plain dicts, lists and scalars of a record, ready for JSON."""
    return _converter().unstructure(record)


def structure(document: object, kind: type[T]) -> T:
    """A record of type `kind` from plain data.

    Raises
    ------
    CodecError
        Naming the first place that is unknown, missing or of the wrong type.
    """
    try:
        return _converter().structure(document, kind)
    except Exception as error:
        raise CodecError(_sentences(error, "")[0]) from error


def canonical(document: object) -> str:
    """The shortest JSON text of plain data, sorted: equal data, equal text."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def to_json(record: object) -> str:
    """JSON text of a record, sorted, indented by one."""
    return json.dumps(unstructure(record), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def from_json(text: str | bytes, kind: type[T], upgrade: Callable[[Any], Any] | None = None) -> T:
    """The record of type `kind` that `to_json` wrote; CodecError when it is not one.

    `upgrade` brings a document of an earlier version to today's form.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise CodecError(f"not JSON: {error}") from error
    return structure(document if upgrade is None else upgrade(document), kind)
