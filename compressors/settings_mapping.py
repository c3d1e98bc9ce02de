"""Settings records as plain mappings of scalars, for job files and JSON, and back.

A field that holds (name, number) pairs, such as ``overrides``, is spread over
keys ``overrides.<name>``, so that every value is a scalar.  A field that may be
None is left out where it is, so its default must be None.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from compressors.compressor import Settings, Value
from devices.suggestion import suggestion

S = TypeVar("S", bound=Settings)

_PAIRS = tuple[tuple[str, float], ...]


def as_values(settings: Settings) -> dict[str, Value]:
    """All fields of a settings record, in their order."""
    values: dict[str, Value] = {}
    for name, hint in _fields(type(settings)).items():
        value = getattr(settings, name)
        if hint == _PAIRS:
            values.update({f"{name}.{key}": number for key, number in value})
        elif value is not None:
            values[name] = value
    return values


def from_values(kind: type[S], values: Mapping[str, Value]) -> S:
    """A settings record; fields left out keep their defaults.

    Raises
    ------
    ValueError
        When a field is unknown, with a guess, or a value is of the wrong type
        or out of range.
    """
    hints = _fields(kind)
    fields: dict[str, Any] = {}
    for key, value in values.items():
        name, dot, rest = key.partition(".")
        if name not in hints or bool(dot) is not (hints[name] == _PAIRS):
            raise ValueError(f"no setting {key!r}: {suggestion(key, (_shown(n, h) for n, h in hints.items()))}")
        if dot:
            fields[name] = (*fields.get(name, ()), (rest, _checked(key, value, float)))
        else:
            fields[name] = _checked(key, value, _without_none(hints[name]))
    return kind(**fields)


def _fields(kind: type[Settings]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}  # type: ignore[arg-type]  # a protocol cannot say "dataclass"


def _shown(name: str, hint: Any) -> str:
    return f"{name}.<group>" if hint == _PAIRS else name


def _without_none(hint: Any) -> Any:
    if get_origin(hint) is not UnionType:
        return hint
    (kind,) = (each for each in get_args(hint) if each is not NoneType)
    return kind


def _checked(name: str, value: Value, hint: Any) -> Value:
    """`value` as the field's type; a whole number passes for a real one, a bool for neither."""
    if get_origin(hint) is Literal:
        if value in get_args(hint) and type(value) in {type(choice) for choice in get_args(hint)}:
            return value
        raise ValueError(f"{name} is {value!r}, must be one of {', '.join(map(repr, get_args(hint)))}")
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ValueError(f"{name} is {value!r}, must be a {_TYPE_NAMES[hint]}")
    return value


_TYPE_NAMES = {bool: "true or false", int: "whole number", float: "number", str: "text"}
