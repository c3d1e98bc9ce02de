"""What a child process is before its first trial: limited, quick to start, and gone with its coordinator."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
import time
from pathlib import Path

from search.streams import STDERR, STDOUT, redirected

_PARENT_POLL_S = 1.0


def start_worker(memory_bytes: int, coordinator: int) -> None:
    """Prepare a fresh child process: a limit on memory, and an end when its coordinator (a process id) ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the coordinator decides
    _end_with(coordinator)
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))


@functools.cache
def import_frameworks() -> None:
    """Import what a trial needs and set one thread a worker: several workers of one thread beat one of several."""
    with redirected((STDOUT, STDERR), Path(os.devnull)):
        from search.train import configure_threads

        configure_threads()
        import autokeras  # noqa: F401
        import tf_keras  # noqa: F401


def _end_with(coordinator: int) -> None:
    """Leave when the coordinator is gone, however it ended: its SIGKILL cannot be caught."""

    def watch() -> None:
        while os.getppid() == coordinator:
            time.sleep(_PARENT_POLL_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end-with-coordinator").start()
