"""Where what is printed goes, by Python and by C: stdout is data, stderr is progress."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STDOUT, STDERR = 1, 2


@contextmanager
def redirected(numbers: tuple[int, ...], target: int | Path) -> Iterator[None]:
    """Send file descriptors to another one, or to the end of a file, while the block runs.

    Raises
    ------
    OSError
        When the file cannot be opened; nothing is redirected then.
    """
    _flush()
    opened = (
        os.dup(target) if isinstance(target, int) else os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    )
    kept = [os.dup(number) for number in numbers]
    for number in numbers:
        os.dup2(opened, number)
    os.close(opened)
    try:
        yield
    finally:
        _flush()
        for number, copy in zip(numbers, kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)


def _flush() -> None:
    """Write out what Python and C hold back, so that it goes where it was meant to go."""
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)
