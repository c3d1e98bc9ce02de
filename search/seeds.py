"""Seeds: every random choice has one of its own, found from the job's seed and what is chosen.

So a trial does not depend on which trials ran before it in the same process,
and a resumed run draws what an undisturbed one would have drawn.
"""

from __future__ import annotations

import hashlib


def seed_of(*parts: int | str) -> int:
    """A seed in 0..2**31-1 from parts such as ``(job seed, trial number, "draw")``."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
