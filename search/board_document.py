"""What ``devices --json`` prints of a board."""

from __future__ import annotations

from typing import Any

from devices.device import Device
from search import codec
from search.board_latency import board_latency


def board_document(device: Device) -> dict[str, Any]:
    """The board's file as it was read, ``sources`` by field, its runtime, and how its latency is known."""
    document: dict[str, Any] = codec.unstructure(device)
    return {
        **document,
        "sources": dict(device.sources),
        "runtime": device.runtime,
        "latency": codec.unstructure(board_latency(device)),
    }
