"""What ``devices`` prints of the catalogue and of one board."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from devices.boards import CORES, device_names, load_device
from devices.device import Accelerator, Device
from devices.ethos_u import NPU_INTERVAL
from devices.latency import host_timing, timing_of
from search.board_document import board_document
from search.board_latency import board_latency
from search.board_text import board_text, boards_table
from search.columns import WIDTH

DEVICES = tuple(map(load_device, device_names()))
NPU = Accelerator(config="ethos-u55-128", system_config="Ethos_U55_High_End_Embedded", memory_mode="Shared_Sram")


def test_the_table_has_every_board_once_under_its_core() -> None:
    """Cores come in one order, boards by name below them, whatever order they are given in."""
    lines = boards_table(reversed(DEVICES)).partition("\n\nEach board's")[0].splitlines()
    shown: dict[str, list[str]] = {}
    for line in lines[2:]:
        if line and not line.startswith(" "):
            shown[line] = []
        elif line:
            shown[list(shown)[-1]].append(line.split()[0])
    assert list(shown) == [core for core in CORES if core in shown]
    assert shown == {core: sorted(each.name for each in DEVICES if each.core == core) for core in shown}
    assert sum(map(len, shown.values())) == len(DEVICES)


def test_the_table_is_narrow_and_says_where_more_stands() -> None:
    text = boards_table(DEVICES)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "'tinyfront devices NAME'" in text
    assert text.endswith(".\n")


def test_a_row_of_the_table() -> None:
    """Clock, flash, RAM, kernels, and how far the milliseconds may be off."""
    device = load_device("nucleo-l4r5zi")
    (row,) = (line for line in boards_table(DEVICES).splitlines() if line.split()[:1] == [device.name])
    assert row.split()[1:7] == ["120", "2048", "KiB", "640", "KiB", "cmsis-nn"]
    timing = timing_of(device)
    assert row.endswith(f" {100 * timing.low:.0f}-{100 * timing.high:.0f} %  cycles of NUCLEO-L4R5ZI")


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (65_536, "64 KiB"),
        (180_736, "176.5 KiB"),
        (8 << 20, "8192 KiB"),
        (16 << 20, "16 MiB"),
        (12 << 30, "12 GiB"),
        (1 << 30, "1 GiB"),
    ],
)
def test_sizes_count_in_1024(count: int, shown: str) -> None:
    """As data sheets do; the unit grows before the number gets long."""
    device = replace(load_device("nucleo-l432kc"), flash_bytes=count)
    assert f"{count} B = {shown}" in board_text(device)


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_one_board_shows_every_source(device: Device) -> None:
    """Of each number and of the latency, word for word but for the line breaks."""
    words = " ".join(board_text(device).split())
    assert words.startswith(f"{device.name} {device.description} core {device.core} ")
    for text in (*dict(device.sources).values(), board_latency(device).source):
        assert " ".join(text.split()) in words


def test_an_accelerator_is_shown_with_its_own_interval() -> None:
    """Its milliseconds are Vela's, whose doubt is not that of the core."""
    device = replace(load_device("ek-ra8m1"), accelerator=NPU)
    latency = board_latency(device)
    assert (latency.basis, (latency.low, latency.high)) == ("Arm's Vela", NPU_INTERVAL)
    assert latency.source == f"{latency.source.partition(' core: ')[0]} core: {timing_of(device).source}"
    assert latency.source.startswith("What the Ethos-U runs: Vela's cycles")
    assert "ethos-u55-128, Ethos_U55_High_End_Embedded, Shared_Sram" in board_text(device)
    assert " u55-128 " in boards_table([device])


def test_the_calibrated_board_says_so() -> None:
    """Cycles were published for one board; every other says whose it goes by."""
    bases = {device.name: board_latency(device).basis for device in DEVICES}
    assert all(bases.values())
    assert [name for name, basis in bases.items() if basis.startswith("cycles of ")] == ["nucleo-l4r5zi"]
    assert bases["nucleo-h7a3zi-q"] == "ratios of NUCLEO-H7A3ZI-Q"
    assert bases["nrf52840-dk"] == "taken after stm32l4"


def test_a_linux_board_has_its_hosts_latency() -> None:
    """LiteRT's timing is another one than TensorFlow Lite Micro's."""
    device = load_device("raspberry-pi-4b")
    latency, timing = board_latency(device), host_timing(device)
    assert (latency.low, latency.high, latency.source) == (timing.low, timing.high, timing.source)


def test_the_document_says_what_the_text_says() -> None:
    """The file's keys, sources by field, the runtime and the latency, as JSON can hold them."""
    device = load_device("esp32-s3-devkitc-1")
    document = json.loads(json.dumps(board_document(device)))
    assert document["sources"] == dict(device.sources)
    assert (document["name"], document["runtime"], document["kernels"]) == (device.name, "tflm", "esp-nn")
    assert document["latency"]["source"] == timing_of(device).source
    assert set(document["latency"]) == {"timing", "basis", "low", "high", "source"}
    assert document["accelerator"] is None
