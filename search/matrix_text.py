"""What ``score --all-devices`` prints in a terminal: a line a board."""

from __future__ import annotations

from collections import Counter

from devices.device import Device
from search.columns import aligned, clipped, printable, shortened, wrapped
from search.score_text import runtime_name
from search.scoring import Matrix, Scored, Unscored
from search.units import kilobytes, milliseconds_range, share_of, title

_HEADING = ("board", "core", "fits", "est. flash kB", "est. RAM kB", "est. ms (90 %)")
_MOST_NAME, _MOST_REASONS = 28, 10


def matrix_text(matrix: Matrix) -> str:
    """A heading, a line a board in the order of `Matrix`, and what the figures mean; ends in a newline."""
    rows = [_HEADING, *map(_row, matrix.boards), *map(_unscored_row, matrix.unscored)]
    lines = [*_header(matrix), "", *aligned(rows, left=(0, 1, 2)), "", *_legend(matrix)]
    return "\n".join(map(printable, lines)) + "\n"


def _header(matrix: Matrix) -> list[str]:
    n_boards = len(matrix.boards) + len(matrix.unscored)
    saved = matrix.model_bytes - matrix.slimmed_bytes
    return [
        f"{matrix.model}: fits {matrix.n_fits} of {n_boards} boards",
        f"model {matrix.model_bytes} B (exact); slimmed {matrix.slimmed_bytes} B, saves {saved} B",
    ]


def _row(scored: Scored) -> tuple[str, ...]:
    cost, device = scored.footprint, scored.device
    return (
        *_names(device),
        _short(scored),
        f"{kilobytes(cost.flash_bytes)} ({share_of(cost.flash_bytes, device.flash_bytes)})",
        f"{kilobytes(cost.ram_bytes)} ({share_of(cost.ram_bytes, device.ram_bytes)})",
        "-" if scored.unsupported else milliseconds_range(cost.latency_ms, cost.latency_low_ms, cost.latency_high_ms),
    )


def _unscored_row(unscored: Unscored) -> tuple[str, ...]:
    return *_names(unscored.device), unscored.short, "-", "-", "-"


def _names(device: Device) -> tuple[str, ...]:
    return clipped(device.name, _MOST_NAME), device.core


def _short(scored: Scored) -> str:
    if scored.unsupported:
        return "not supported"
    broken = [title(name) for name, value in scored.excess.items() if value > 0]
    return f"no: {', '.join(broken)}" if broken else "yes"


def _legend(matrix: Matrix) -> list[str]:
    runtimes = Counter(runtime_name(scored.device) for scored in matrix.boards)
    lines = [
        "flash: model + runtime, RAM: arena + static RAM; in brackets the share of what the board has; 1 kB = 1000 B",
        "latency holds for",
        *(f"- {name} ({_boards(count)})" for name, count in runtimes.most_common()),
    ]
    refused = Counter(reason for scored in matrix.boards for reason in scored.unsupported)
    why = [f"not supported on {_boards(count)}: {reason}" for reason, count in refused.items()]
    lines += shortened(why, _MOST_REASONS)
    left_out = Counter(unscored.reason for unscored in matrix.unscored)
    lines += [f"not scored on {_boards(count)}: {reason}" for reason, count in left_out.items()]
    return [part for line in lines for part in wrapped("", line)]


def _boards(count: int) -> str:
    return f"{count} board{'' if count == 1 else 's'}"
