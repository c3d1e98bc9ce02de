"""The error of this storey."""

from __future__ import annotations


class SpaceError(ValueError):
    """Something cannot be drawn, replayed or built; the message says what, why and what to do."""
