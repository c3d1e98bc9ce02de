"""What is needed of an Optuna trial, and how ordered values are drawn from it.

Optuna's samplers see the order of numbers only when they are drawn as
numbers.  A list such as ``(4, 8, 16, 32)`` is therefore drawn as the integer
*index* into it, under the parameter's name followed by `INDEX_SUFFIX`;
everything else is drawn under the parameter's plain name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar, cast

from compressors.compressor import Value
from spaces.errors import SpaceError

V = TypeVar("V", bound=Value)

INDEX_SUFFIX = "#"


class Trial(Protocol):
    """The three methods of `optuna.trial.BaseTrial` that spaces use; `optuna.trial.FixedTrial` replays."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Draw an integer in [low, high]."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Draw a number in [low, high]."""

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Value | None:
        """Draw one of `choices`."""


def suggest_ordered(trial: Trial, name: str, values: Sequence[V]) -> V:
    """One of `values`, whose order means something; a single value is not drawn.

    The trial's parameter is `name` + `INDEX_SUFFIX`, an index into `values`.
    """
    if len(values) == 1:
        return values[0]
    return values[trial.suggest_int(name + INDEX_SUFFIX, 0, len(values) - 1)]


def suggest_unordered(trial: Trial, name: str, values: Sequence[V]) -> V:
    """One of `values`, in no order; a single value is not drawn."""
    if len(values) == 1:
        return values[0]
    return cast(V, trial.suggest_categorical(name, values))


def ordered_parameter(name: str, value: Value, values: Sequence[Value]) -> Mapping[str, Value]:
    """Give the trial parameter under which `suggest_ordered` gives `value`; empty where nothing is drawn.

    Raises
    ------
    SpaceError
        When `value` is not among `values`.
    """
    if value not in values:
        raise SpaceError(f"{name} cannot be {value!r}: choose one of {', '.join(map(repr, values))}")
    return {} if len(values) == 1 else {name + INDEX_SUFFIX: list(values).index(value)}
