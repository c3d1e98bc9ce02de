"""Data that a function of the user's own returns.

This runs the user's code, with all that it may do.  A reference of this kind is
therefore taken from a command line or from Python alone; whoever passes on what
others wrote, such as a service, must refuse what `is_function` says is one.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from search.datasets.npz import OPTIONAL, REQUIRED, parts_of
from search.datasets.raw import RawData
from search.errors import DataError

_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_RETURNS = "return (x, y), or a dict with x_train, y_train and perhaps x_val, y_val, x_test, y_test"


def is_function(reference: str) -> bool:
    """Whether `reference` is written ``module:function``."""
    return bool(_REFERENCE.fullmatch(reference))


def call(reference: str) -> RawData:
    """What ``module:function`` returns, called without arguments.

    The module is looked for where Python looks and in the working folder.

    Raises
    ------
    DataError
        When there is no such function, it fails, or returns something else.
    """
    module_name, _, name = reference.partition(":")
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        function = getattr(importlib.import_module(module_name), name)
        returned = function()
    except Exception as error:  # whatever the user's code raises
        raise DataError(f"data {reference!r} failed: {type(error).__name__}: {error}") from error
    finally:
        if added:
            sys.path.remove(here)
    return _raw(reference, returned)


def _raw(reference: str, returned: object) -> RawData:
    if isinstance(returned, tuple) and len(returned) == 2:
        returned = {"x_train": returned[0], "y_train": returned[1]}
    if not isinstance(returned, Mapping) or not {*REQUIRED} <= {*returned} <= {*REQUIRED, *OPTIONAL}:
        raise DataError(f"data {reference!r} returned {type(returned).__name__}: {_RETURNS}")
    arrays = {}
    for key, value in returned.items():
        array = np.asarray(value)
        if array.dtype.hasobject:
            raise DataError(
                f"data {reference!r} returned Python objects as {key!r}: make it an array of numbers or texts"
            )
        arrays[key] = array
    return parts_of(arrays, name=reference.partition(":")[2], source=reference)
