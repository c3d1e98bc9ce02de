"""Files read one by one: several at once, with progress on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")

_SAID_EVERY_S = 2.0
_AT_ONCE = 256  # files read ahead: what waits to be used stays small


def read_each(items: Sequence[Item], read: Callable[[Item], Made], what: str) -> Iterator[Made]:
    """``read(item)`` of each, in order, by as many threads as there are cores.

    After two seconds, and every two seconds from then on, a line on stderr
    says how many of how many `what` were read.
    """
    said = time.monotonic()
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        for start in range(0, len(items), _AT_ONCE):
            yield from pool.map(read, items[start : start + _AT_ONCE])
            if time.monotonic() - said > _SAID_EVERY_S:
                said = time.monotonic()
                print(f"read {min(start + _AT_ONCE, len(items))} of {len(items)} {what}", file=sys.stderr, flush=True)
