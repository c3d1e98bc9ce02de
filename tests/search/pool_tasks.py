"""Tasks that misbehave, for the pool's tests: importable by a fresh worker process."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def double(value: int) -> int:
    return 2 * value


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def fail(message: str) -> None:
    raise ValueError(message)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker: str) -> str:
    """Dies the first time; the second time the marker is there."""
    if not Path(marker).exists():
        Path(marker).write_text("dead")
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def allocate(nbytes: int) -> int:
    return len(bytearray(nbytes))


def pid() -> int:
    return os.getpid()
