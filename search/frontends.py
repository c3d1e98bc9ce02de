"""Front-ends as jobs name them, and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from compressors.compressor import Value
from devices.suggestion import suggestion
from search import codec
from search.errors import JobError

if TYPE_CHECKING:
    from devices.frontend.frontend import Frontend
    from devices.frontend.pipeline import Pipeline

_INTEGER_SOUND = 32768.0


def choice_of(value: object) -> dict[str, dict[str, Value]]:
    """What a job's ``frontend`` says, a name or one name with its settings, as a name and settings.

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
    return {str(name): dict(settings)}


def frontend_of(
    choice: Mapping[str, Mapping[str, Value]], sample_rate_hz: int | None, largest: float
) -> Frontend | None:
    """The front-end of a job's choice, what it leaves out derived from the data; None where it names none.

    Parameters
    ----------
    sample_rate_hz
        Of the data; None where it is not known.
    largest
        Greatest absolute raw value of the training split: sound above 1 is
        taken for 16-bit integers.

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
    if "full_scale" in known and largest > 1:
        settings.setdefault("full_scale", _INTEGER_SOUND)
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
