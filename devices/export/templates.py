"""Templates of a target: files in the ``templates`` folder of its package."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from string import Template


def render(package: str, name: str, fields: Mapping[str, str]) -> bytes:
    """Template `name` of `package` with ``$field`` replaced, as UTF-8.

    Parameters
    ----------
    package
        Dotted name of the target's package.
    name
        File below its ``templates`` folder.
    fields
        Text per placeholder; text put in is never searched for placeholders.

    Raises
    ------
    KeyError
        Where the template has a placeholder that `fields` lacks.
    """
    text = files(package).joinpath("templates", name).read_text(encoding="utf-8")
    return Template(text).substitute(fields).encode()


def verbatim(package: str, name: str) -> bytes:
    """File `name` below the ``templates`` folder of `package`, as it stands."""
    return files(package).joinpath("templates", name).read_bytes()
