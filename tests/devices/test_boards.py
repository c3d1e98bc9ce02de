"""Boards as data: the catalogue and a user's own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.boards import DeviceError, device_names, load_device, parse_device
from devices.latency import timing_of

GOOD = """
name = "my-board"
description = "A board"
core = "cortex-m4"
clock_hz = 80_000_000
flash_bytes = 262_144
ram_bytes = 65_536
kernels = "cmsis-nn"

[sources]
clock_hz = "datasheet"
flash_bytes = "datasheet"
ram_bytes = "datasheet"
"""


@pytest.mark.parametrize("name", device_names())
def test_every_board_of_the_catalogue_loads(name: str) -> None:
    """File and board agree on the name, every number has a source, and there is a cycle model."""
    device = load_device(name)
    assert device.name == name
    assert {field for field, _ in device.sources} >= {"clock_hz", "flash_bytes", "ram_bytes"}
    assert timing_of(device).cycles_per_instruction > 0
    assert device.ram_bytes < device.flash_bytes


@pytest.mark.parametrize(
    ("name", "core", "megahertz", "flash_kib", "ram_kib"),
    [
        ("nucleo-l432kc", "cortex-m4", 80, 256, 64),
        ("nucleo-l4r5zi", "cortex-m4", 120, 2048, 640),
        ("nucleo-f446re", "cortex-m4", 180, 512, 128),
        ("arduino-nano-33-ble", "cortex-m4", 64, 1024, 256),
        ("nrf52840-dk", "cortex-m4", 64, 1024, 256),
        ("nrf5340-dk", "cortex-m33", 128, 1024, 512),
        ("nucleo-f746zg", "cortex-m7", 216, 1024, 320),
        ("nucleo-h743zi", "cortex-m7", 480, 2048, 512),
        ("raspberry-pi-pico", "cortex-m0plus", 133, 2048, 264),
        ("raspberry-pi-pico-2", "cortex-m33", 150, 4096, 520),
    ],
)
def test_datasheet_numbers(name: str, core: str, megahertz: int, flash_kib: int, ram_kib: int) -> None:
    """The boards people name first, against their datasheets."""
    device = load_device(name)
    assert (device.core, device.clock_hz) == (core, megahertz * 1_000_000)
    assert (device.flash_bytes, device.ram_bytes) == (flash_kib * 1024, ram_kib * 1024)


def test_an_unknown_name_gets_a_guess() -> None:
    with pytest.raises(DeviceError, match=r"no device is named 'nucleo-l432'.*did you mean 'nucleo-l432kc'.*\.toml"):
        load_device("nucleo-l432")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    """A path that ends in .toml is read as a board; without a timing the core's is taken."""
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    device = load_device(str(path))
    assert (device.name, device.clock_hz, device.timing) == ("my-board", 80_000_000, "")
    assert device.sources[0] == ("clock_hz", "datasheet")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"no device file .*nothing\.toml"):
        load_device(str(tmp_path / "nothing.toml"))


def test_a_folder_is_not_a_board(tmp_path: Path) -> None:
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    with pytest.raises(DeviceError, match="cannot be read"):
        load_device(str(folder))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("clock_hz = 80_000_000", "clok_hz = 80_000_000", r"unknown key 'clok_hz': did you mean 'clock_hz'"),
        ("ram_bytes = 65_536", "", r"missing key 'ram_bytes'"),
        ("ram_bytes = 65_536", "ram_bytes = 0", r"ram_bytes must be greater than 0, got 0"),
        ("flash_bytes = 262_144", "flash_bytes = -1", r"flash_bytes must be greater than 0, got -1"),
        ("flash_bytes = 262_144", "flash_bytes = 1.5", r"flash_bytes must be a whole number, got 1\.5"),
        ("clock_hz = 80_000_000", 'clock_hz = "80 MHz"', r"clock_hz must be a whole number, got '80 MHz'"),
        ("clock_hz = 80_000_000", "clock_hz = true", r"clock_hz must be a whole number, got True"),
        ('description = "A board"', "description = 3", r"description must be text that is not empty, got 3"),
        ('core = "cortex-m4"', 'core = "cortex-m4f"', r"core must be one of .*did you mean 'cortex-m4'"),
        ('kernels = "cmsis-nn"', 'kernels = "cmsisnn"', r"kernels must be one of .*did you mean 'cmsis-nn'"),
        ('kernels = "cmsis-nn"', 'kernels = "cmsis-nn"\ntiming = "stm32l5"', r"timing must be one of .*'stm32l4'"),
        ('name = "my-board"', 'name = "My Board"', r"name must be lower-case letters .* got 'My Board'"),
        ('ram_bytes = "datasheet"', "", r"\[sources\] must say where ram_bytes was read"),
        ('ram_bytes = "datasheet"', 'ram_bytes = ""', r"the source of ram_bytes must be text"),
        ('ram_bytes = "datasheet"', 'ram = "datasheet"', r"sources has the unknown key 'ram'"),
        ("[sources]", "[sources", r"not valid TOML"),
    ],
)
def test_a_wrong_description_names_rule_value_and_file(old: str, new: str, message: str) -> None:
    """Each rule refuses what breaks it, and the message starts with where the text came from."""
    assert old in GOOD
    with pytest.raises(DeviceError, match=rf"^mine\.toml: .*{message}"):
        parse_device(GOOD.replace(old, new), "mine.toml")


def test_sources_must_be_a_table() -> None:
    with pytest.raises(DeviceError, match="sources must be a table"):
        parse_device(GOOD.split("[sources]", maxsplit=1)[0] + 'sources = "datasheet"', "mine.toml")
