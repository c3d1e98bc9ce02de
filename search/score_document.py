"""What ``score --json`` prints: of a file on one board, or on all of them."""

from __future__ import annotations

from typing import Any

from search.scoring import Matrix, Scored, Unscored

_BYTES = (
    "flash_bytes", "model_bytes", "runtime_flash_bytes", "ram_bytes", "arena_bytes", "activation_bytes",
    "bookkeeping_bytes", "setup_bytes", "static_ram_bytes",
)  # fmt: skip
_TIMES = ("macs", "instructions", "cycles", "latency_ms", "latency_low_ms", "latency_high_ms")


def score_document(scored: Scored) -> dict[str, Any]:
    """The document of one board: figures of the whole, then of every operator of the file in order."""
    peak = scored.peak
    document: dict[str, Any] = {
        "model": scored.model,
        **_board(scored),
        "slimmed_bytes": scored.slimmed_bytes,
        "latency_source": scored.latency_source,
        "peak_operator": None if peak is None else peak.index,
    }
    for name, share in scored.shares.items():
        document |= share.as_figures(name)
    if scored.threshold is not None:
        document["threshold"] = scored.threshold
    if scored.output_scale is not None:
        document["output_scale"] = scored.output_scale
    if scored.notes:
        document["notes"] = list(scored.notes)
    if scored.interpreter is not None:
        document["interpreter"] = scored.interpreter
    document["operators"] = [
        {
            "index": each.index,
            "op": each.op,
            "output_shape": list(each.output_shape),
            "macs": each.macs,
            "instructions": each.instructions,
            "cycles": each.cycles,
            "latency_ms": each.latency_ms,
            "live_bytes": each.live_bytes,
        }
        for each in scored.operators
    ]
    return document


def matrix_document(matrix: Matrix) -> dict[str, Any]:
    """The document of all boards, in the order of the table; figures are null where a board was not scored."""
    return {
        "model": matrix.model,
        "model_bytes": matrix.model_bytes,
        "slimmed_bytes": matrix.slimmed_bytes,
        "n_fits": matrix.n_fits,
        "boards": [*map(_board, matrix.boards), *map(_unscored, matrix.unscored)],
    }


def _board(scored: Scored) -> dict[str, Any]:
    device, cost = scored.device, scored.footprint
    return {
        "device": device.name,
        "core": device.core,
        "runtime": device.runtime,
        "kernels": device.kernels,
        "fits": scored.fits,
        "reasons": list(scored.reasons),
        **{name: getattr(cost, name) for name in (*_BYTES, *_TIMES)},
    }


def _unscored(unscored: Unscored) -> dict[str, Any]:
    device = unscored.device
    return {
        "device": device.name,
        "core": device.core,
        "runtime": device.runtime,
        "kernels": device.kernels,
        "fits": None,
        "reasons": [unscored.reason],
        **dict.fromkeys((*_BYTES, *_TIMES)),
    }
