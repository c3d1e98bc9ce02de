"""KerasTuner's hyperparameters, answered by an Optuna trial or from a record.

Every way to declare a hyperparameter (``hp.Choice``, ``hp.Int``, name and
conditional scopes) ends in ``HyperParameters._register``; both classes here
override that method alone.  Whatever is inactive under its conditions is
neither drawn nor looked up, which is define-by-run as Optuna means it.

Importing this module imports Keras and TensorFlow.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, cast

import keras_tuner
from keras_tuner.engine import hyperparameters as kinds

from compressors.compressor import Value
from spaces.errors import SpaceError
from spaces.trial import Trial, suggest_ordered, suggest_unordered


class AnsweredHyperParameters(keras_tuner.HyperParameters):  # type: ignore[misc]  # keras_tuner carries no types
    """Hyperparameters whose values are answered instead of defaulted.

    Parameters
    ----------
    pinned
        Values by full name that are neither answered nor part of `drawn`.
    """

    def __init__(self, pinned: Mapping[str, Value] | None = None) -> None:
        super().__init__()
        self._pinned = dict(pinned or {})
        self.values.update(self._pinned)

    @abstractmethod
    def _answer(self, declared: Any) -> Value:
        """Give the value of one active hyperparameter, asked once a name."""

    def _register(self, hyperparameter: Any, overwrite: bool = False) -> Value | None:
        self._validate_name(hyperparameter.name)
        declared = hyperparameter.__class__.from_config(hyperparameter.get_config())
        self._hps[declared.name].append(declared)
        self._space.append(declared)
        if not self.is_active(declared):
            return None
        if overwrite or declared.name not in self.values:
            self.values[declared.name] = self._answer(declared)
        return cast(Value, self.values[declared.name])

    def drawn(self) -> dict[str, Value]:
        """Values by full name, without the pinned ones."""
        return {name: value for name, value in self.values.items() if name not in self._pinned}


class OptunaHyperParameters(AnsweredHyperParameters):
    """Hyperparameters drawn from a trial.

    Numbers in a ``Choice`` are ordered and drawn as an index (see
    `spaces.trial`), and so is a grid with logarithmic steps, for which Optuna
    has no distribution.  A choice of one value is not drawn.

    Parameters
    ----------
    trial
        What draws.
    prefix
        Put before every name in the trial, not in `drawn`.
    pinned
        Values by full name that are not drawn.
    """

    def __init__(self, trial: Trial, prefix: str = "", pinned: Mapping[str, Value] | None = None) -> None:
        super().__init__(pinned)
        self._trial, self._prefix = trial, prefix

    def _answer(self, declared: Any) -> Value:
        name = self._prefix + declared.name
        if isinstance(declared, kinds.Fixed):
            return cast(Value, declared.value)
        if isinstance(declared, kinds.Boolean):
            return suggest_unordered(self._trial, name, (False, True))
        if isinstance(declared, kinds.Choice):
            suggest = suggest_ordered if declared.ordered else suggest_unordered
            return cast(Value, suggest(self._trial, name, tuple(declared.values)))
        if isinstance(declared, kinds.Int | kinds.Float):
            return self._number(name, declared)
        raise SpaceError(f"{name}: a {type(declared).__name__} cannot be drawn; use Choice, Int, Float or Boolean")

    def _number(self, name: str, declared: Any) -> Value:
        low, high, step = declared.min_value, declared.max_value, declared.step
        integer = isinstance(declared, kinds.Int)
        if declared.sampling == "linear":
            if integer:
                return self._trial.suggest_int(name, low, high, step=step)
            return self._trial.suggest_float(name, low, high, step=step)
        if declared.sampling != "log":
            raise SpaceError(f"{name}: sampling {declared.sampling!r} cannot be drawn; use 'linear' or 'log'")
        if step is not None:
            return suggest_ordered(self._trial, name, _logarithmic_grid(low, high, step, integer))
        if integer:
            return self._trial.suggest_int(name, low, high, log=True)
        return self._trial.suggest_float(name, low, high, log=True)


def _logarithmic_grid(low: float, high: float, step: float, integer: bool) -> tuple[Value, ...]:
    """``low * step**i`` up to `high` inclusive."""
    count = int(math.log(high / low, step) + 1e-8) + 1
    grid = [low * step**index for index in range(count)]
    return tuple(int(value) for value in grid) if integer else tuple(grid)


class ReplayedHyperParameters(AnsweredHyperParameters):
    """Hyperparameters looked up in a record of an earlier draw.

    Parameters
    ----------
    recorded
        What `drawn` returned, by full name.
    pinned
        Values by full name that were pinned in that draw.
    """

    def __init__(self, recorded: Mapping[str, Value], pinned: Mapping[str, Value] | None = None) -> None:
        super().__init__(pinned)
        self._recorded = dict(recorded)

    def _answer(self, declared: Any) -> Value:
        """Look the value up.

        Raises
        ------
        SpaceError
            When the name is not recorded, or its value is not one it may have.
        """
        if declared.name not in self._recorded:
            raise SpaceError(
                f"no value for {declared.name!r} is recorded: the architecture is of another space or input"
            )
        value = self._recorded[declared.name]
        if not _allows(declared, value):
            raise SpaceError(f"{declared.name!r} is recorded as {value!r}, which is not offered here: draw anew")
        return value

    def unused(self) -> tuple[str, ...]:
        """List the recorded names that were never asked for, sorted."""
        return tuple(sorted(set(self._recorded) - set(self.values)))


def _allows(declared: Any, value: Value) -> bool:
    if isinstance(declared, kinds.Fixed):
        return bool(declared.value == value)
    if isinstance(declared, kinds.Choice | kinds.Boolean):
        return value in declared.values
    return isinstance(value, int | float) and bool(declared.min_value <= value <= declared.max_value)
