"""A network that something stands in front of: what it costs by itself."""

from __future__ import annotations

from devices.footprint import Footprint

NETWORK = Footprint(
    model_bytes=10_000,
    runtime_flash_bytes=30_000,
    activation_bytes=4_000,
    bookkeeping_bytes=1_000,
    setup_bytes=0,
    static_ram_bytes=2_000,
    macs=100_000,
    instructions=None,
    cycles=1_000_000,
    latency_ms=10.0,
    latency_low_ms=8.0,
    latency_high_ms=12.0,
)
