"""Front-ends as jobs name them, and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

from compressors.compressor import Value
from devices.suggestion import suggestion
from search import codec
from search.codec import Setting
from search.errors import JobError

if TYPE_CHECKING:
    from devices.frontend.frontend import Frontend
    from devices.frontend.pipeline import Pipeline

Choice: TypeAlias = Mapping[str, Mapping[str, Setting]]

_MOST_VARIANTS = 16  # the data is prepared for each, and kept
_PREFIX = "frontend/"  # of the parameters of a trial


def choice_of(value: object) -> dict[str, dict[str, Setting]]:
    """What a job's ``frontend`` says, a name or one name with its settings, as a name and settings.

    A setting with a list of values is searched.

    Raises
    ------
    JobError
        When it is neither, or names an unknown front-end or setting.
    """
    if value is None or value == {}:
        return {}
    document = {value: {}} if isinstance(value, str) else value
    if not isinstance(document, Mapping) or len(document) != 1:
        raise JobError(f"frontend is {value!r}: write its name, or 'frontend: {{mfcc: {{coefficients: 13}}}}'")
    name, settings = next(iter(document.items()))
    settings = {} if settings is None else settings
    if not isinstance(settings, Mapping):
        raise JobError(f"frontend.{name} is {settings!r}: write a mapping of its settings, or leave them out")
    known = [item.name for item in dataclasses.fields(_kind(str(name)))]
    for key in settings:
        if key not in known:
            raise JobError(f"unknown key frontend.{name}.{key}: {suggestion(str(key), known)}")
    choice = {str(name): {key: _setting(name, key, given) for key, given in settings.items()}}
    count = prod(len(values) for values in searched(choice).values())
    if count > _MOST_VARIANTS:
        raise JobError(
            f"frontend.{name} lists values that make {count} front-ends: at most {_MOST_VARIANTS} are searched, "
            "leave some out"
        )
    return choice


def _setting(name: object, key: str, given: Any) -> Setting:
    if not isinstance(given, list | tuple):
        value: Setting = given
        return value
    if not given or len(set(map(repr, given))) < len(given) or any(isinstance(each, list | dict) for each in given):
        raise JobError(f"frontend.{name}.{key} is {given!r}: list the values to search, each once")
    return tuple(given)


def searched(choice: Choice) -> dict[str, tuple[Value, ...]]:
    """What is drawn of a front-end: parameter of a trial to its values; empty where its settings are fixed."""
    settings = next(iter(choice.values()), {})
    return {f"{_PREFIX}{key}": given for key, given in settings.items() if isinstance(given, tuple)}


def parameters_of(choice: Choice) -> tuple[dict[str, Value], ...]:
    """Parameters of a trial for each of `variants_of`, in its order."""
    drawn = searched(choice)
    return tuple(dict(zip(drawn, values, strict=True)) for values in product(*drawn.values()))


def variants_of(choice: Choice) -> tuple[dict[str, dict[str, Value]], ...]:
    """Every front-end that a choice may mean, in a fixed order; the choice itself where nothing is searched."""
    return tuple(_settled(choice, drawn) for drawn in parameters_of(choice))


def _settled(choice: Choice, drawn: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
    return {
        name: {key: drawn[f"{_PREFIX}{key}"] if isinstance(given, tuple) else given for key, given in settings.items()}
        for name, settings in choice.items()
    }


def takes_sound(choice: Choice) -> bool:
    """Whether the front-end of a choice is one for sounds."""
    return any("sample_rate_hz" in {item.name for item in dataclasses.fields(_kind(name))} for name in choice)


def variant_of(choice: Choice, drawn: Mapping[str, Value]) -> int:
    """Position among `variants_of` of the front-end with a trial's parameters, those not drawn being the first."""
    values = {name: drawn.get(name, given[0]) for name, given in searched(choice).items()}
    return variants_of(choice).index(_settled(choice, values))


def frontend_of(
    choice: Mapping[str, Mapping[str, Value]], sample_rate_hz: int | None, full_scale: float
) -> Frontend | None:
    """The front-end of a job's choice, what it leaves out derived from the data; None where it names none.

    Parameters
    ----------
    sample_rate_hz
        Of the data; None where it is not known.
    full_scale
        What sound of the data is 1 at, where the choice does not say it.

    Raises
    ------
    JobError
        When a setting is of the wrong type or out of range, or the sample rate is not known.
    """
    if not choice:
        return None
    name, given = next(iter(choice.items()))
    kind = _kind(name)
    known = {item.name for item in dataclasses.fields(kind)}
    settings: dict[str, Value] = dict(given)
    if "sample_rate_hz" in known and "sample_rate_hz" not in settings:
        if sample_rate_hz is None:
            raise JobError(
                f"the data does not say its sample rate, which front-end {name!r} needs: add it, such as "
                f"--set frontend.{name}.sample_rate_hz=16000"
            )
        settings["sample_rate_hz"] = sample_rate_hz
    if "full_scale" in known:
        settings.setdefault("full_scale", full_scale)
    try:
        return codec.structure(settings, kind)
    except codec.CodecError as error:
        raise JobError(f"frontend.{name}: {error}") from error


def pipeline_to_json(pipeline: Pipeline) -> str:
    """JSON text of a pipeline."""
    return codec.canonical(
        {
            "input_shape": list(pipeline.input_shape),
            "frontend": {pipeline.frontend.name: codec.unstructure(pipeline.frontend)},
            "standardisation": codec.unstructure(pipeline.standardisation),
        }
    )


def pipeline_from_json(text: str) -> Pipeline:
    """The pipeline that `pipeline_to_json` wrote.

    Raises
    ------
    ValueError
        When it is not one.
    """
    import json

    from devices.frontend.catalog import find_frontend
    from devices.frontend.pipeline import Pipeline
    from devices.frontend.standardise import Standardisation

    document: Any = json.loads(text)
    try:
        (name, settings), fitted = next(iter(document["frontend"].items())), document["standardisation"]
        return Pipeline(
            input_shape=codec.structure(document["input_shape"], tuple[int, ...]),
            frontend=codec.structure(settings, find_frontend(name)),
            standardisation=None if fitted is None else codec.structure(fitted, Standardisation),
        )
    except (AttributeError, KeyError, StopIteration, TypeError) as error:
        raise ValueError(f"not a front-end: {error!r}") from error


def _kind(name: str) -> type[Frontend]:
    from devices.frontend.catalog import find_frontend
    from devices.frontend.frontend import FrontendError

    try:
        return find_frontend(name)
    except FrontendError as error:
        raise JobError(str(error)) from error
