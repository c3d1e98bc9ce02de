"""YAML files of a user's own: jobs and plans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search.errors import JobError


def read_mapping(file: Path, kind: str, shape: str) -> dict[Any, Any]:
    """The mapping that a YAML file holds.

    Parameters
    ----------
    kind
        What the file is, as errors call it, such as ``job``.
    shape
        What it maps, with an example, such as ``keys to values, such as 'data: digits'``.

    Raises
    ------
    JobError
        When the file cannot be read, is not YAML, or holds something else.
    """
    import yaml

    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise JobError(f"{kind} {str(file)!r} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise JobError(f"{kind} {str(file)!r} is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise JobError(f"{kind} {str(file)!r} must be a mapping of {shape}")
    return document
