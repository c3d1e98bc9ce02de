"""What ``devices`` prints in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from devices.boards import CORES
from devices.device import Accelerator, Device
from search.board_latency import BoardLatency, board_latency
from search.columns import WIDTH, aligned, clipped, wrapped

_HEADING = ("board", "MHz", "flash", "RAM", "kernels", "90 % within", "latency from")
_INDENT = 14
_LEAST_MIB = 10_240  # KiB; smaller memories are compared by the KiB
_LEGEND = (
    "Each board's clock, flash and RAM stand in its data sheet or on its maker's page; 'tinyfront devices NAME' says "
    "where each was read, and how its latency is known. The RAM is what one tensor arena can use. Kernels u55 and u85 "
    "are those of an Arm Ethos-U. Latency: 'cycles of' and 'ratios of' a board were published, of the same code or of "
    "the same runtime on it; 'taken after' says that nothing was. Each model's own doubt comes on top. A board of your "
    "own is a file of about ten lines: --device path/to/board.toml."
)


def boards_table(devices: Iterable[Device]) -> str:
    """A line a board under its core, cores in the order of `CORES`; ends in a newline."""
    ordered = sorted(devices, key=lambda each: (CORES.index(each.core), each.name))
    lines = iter(aligned([_HEADING, *map(_row, ordered)], left=(0, 4, 6)))
    text = [next(lines)]
    for core, boards in groupby(ordered, key=lambda each: each.core):
        text += ["", core, *(f"  {next(lines)}" for _ in boards)]
    text[0] = f"  {text[0]}"
    return "\n".join([*text, "", *wrapped("", _LEGEND)]) + "\n"


def board_text(device: Device) -> str:
    """Every figure of one board with its source; ends in a newline."""
    sources, latency = dict(device.sources), board_latency(device)
    parts: Sequence[tuple[str, str, str]] = (
        ("core", device.core, sources.get("core", "")),
        ("clock", f"{device.clock_hz / 1e6:g} MHz", sources["clock_hz"]),
        ("flash", f"{device.flash_bytes} B = {_size(device.flash_bytes)}", sources["flash_bytes"]),
        ("RAM", f"{device.ram_bytes} B = {_size(device.ram_bytes)}", sources["ram_bytes"]),
        ("kernels", device.kernels, sources.get("kernels", "")),
        *([("accelerator", _words(device.accelerator), sources.get("accelerator", ""))] if device.accelerator else []),
        ("latency", f"{latency.timing}, {latency.basis}; 90 % within {_interval(latency)}", latency.source),
    )
    lines = [device.name, *wrapped("  ", device.description), ""]
    for name, value, source in parts:
        lines += wrapped(f"  {name:<{_INDENT - 2}}", value)
        lines += wrapped(" " * (_INDENT + 2), source) if source else []
    return "\n".join(lines) + "\n"


def _row(device: Device) -> tuple[str, ...]:
    latency = board_latency(device)
    return (
        clipped(device.name, WIDTH // 3),
        f"{device.clock_hz / 1e6:g}",
        _size(device.flash_bytes),
        _size(device.ram_bytes),
        device.kernels if device.accelerator is None else device.accelerator.config.removeprefix("ethos-"),
        _interval(latency),
        latency.basis,
    )


def _interval(latency: BoardLatency) -> str:
    return f"{100 * latency.low:.0f}-{100 * latency.high:.0f} %"


def _size(count: int) -> str:
    """Bytes in KiB, MiB or GiB of 1024, as data sheets count memory, with no needless decimals."""
    kibibytes = count / 1024
    if kibibytes < _LEAST_MIB:
        value, unit = kibibytes, "KiB"
    elif kibibytes < 1024 * 1024:
        value, unit = kibibytes / 1024, "MiB"
    else:
        value, unit = kibibytes / 1024**2, "GiB"
    return f"{value:.1f}".removesuffix(".0") + f" {unit}"


def _words(accelerator: Accelerator) -> str:
    return f"{accelerator.config}, {accelerator.system_config}, {accelerator.memory_mode}"
