"""Boards as data: the catalogue and a user's own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.boards import CORES, CORES_OF, HOST_CORES, DeviceError, device_names, load_device, parse_device
from devices.device import Accelerator
from devices.flatbuffer import read_graph
from devices.latency import host_timing, timing_names, timing_of
from devices.memory import plan_arena
from devices.storage import runtime_flash_bytes, static_ram_bytes
from tests.devices.models import dense_softmax

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
    """File and board agree on the name, and every number says what it was checked against, or that it was not."""
    device = load_device(name)
    assert device.name == name
    sources = dict(device.sources)
    for field in ("clock_hz", "flash_bytes", "ram_bytes"):
        assert "checked against " in sources[field].lower(), field
    assert 1_000_000 * round(device.clock_hz / 1e6) == device.clock_hz
    assert device.ram_bytes % 64 == 0


@pytest.mark.parametrize("name", device_names())
def test_every_board_can_be_costed(name: str) -> None:
    """Its core has a timing; with TensorFlow Lite Micro also a code size and rules for the arena."""
    device, graph = load_device(name), read_graph(dense_softmax())
    if device.runtime == "litert":
        assert host_timing(device).cycles_per_mac_int8 > 0
        return
    assert timing_of(device).cycles_per_instruction > 0
    assert runtime_flash_bytes(graph, device) > 10_000
    assert static_ram_bytes(graph, device) > 400
    assert plan_arena(graph, device.core, device.kernels).activation_bytes > 0


def test_the_catalogue_has_the_families_that_it_promises() -> None:
    """At least 36 boards, every core that has measured or published figures among them, no name twice."""
    devices = [load_device(name) for name in device_names()]
    assert len({device.name for device in devices}) == len(devices) >= 36
    assert {device.core for device in devices} >= {
        "cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m85", *HOST_CORES,
        "xtensa-lx6", "xtensa-lx7", "riscv32imc", "riscv32imafc",
    }  # fmt: skip
    assert {device.kernels for device in devices} == {"cmsis-nn", "esp-nn", "xnnpack"}


def test_all_cores_are_stated_once() -> None:
    """Each core runs the portable kernels or is a host's, and a timing is named after it."""
    assert set(CORES) == {*CORES_OF["reference"], *HOST_CORES}
    assert set(CORES) <= set(timing_names())


@pytest.mark.parametrize(
    ("name", "core", "megahertz", "flash_kib", "ram_kib"),
    [
        ("nucleo-l432kc", "cortex-m4", 80, 256, 64),
        ("nucleo-l476rg", "cortex-m4", 80, 1024, 96),
        ("nucleo-l4r5zi", "cortex-m4", 120, 2048, 640),
        ("nucleo-f401re", "cortex-m4", 84, 512, 96),
        ("nucleo-f446re", "cortex-m4", 180, 512, 128),
        ("nucleo-g474re", "cortex-m4", 170, 512, 128),
        ("nucleo-g0b1re", "cortex-m0plus", 64, 512, 144),
        ("arduino-nano-33-ble", "cortex-m4", 64, 1024, 256),
        ("arduino-mkr-wifi-1010", "cortex-m0plus", 48, 256, 32),
        ("nrf52840-dk", "cortex-m4", 64, 1024, 256),
        ("nrf5340-dk", "cortex-m33", 128, 1024, 512),
        ("nucleo-f746zg", "cortex-m7", 216, 1024, 320),
        ("nucleo-h743zi", "cortex-m7", 480, 2048, 512),
        ("nucleo-u575zi-q", "cortex-m33", 160, 2048, 768),
        ("raspberry-pi-pico", "cortex-m0plus", 133, 2048, 264),
        ("raspberry-pi-pico-2", "cortex-m33", 150, 4096, 520),
        ("esp32-s3-devkitc-1", "xtensa-lx7", 240, 8192, 333.75),
        ("teensy-4.0", "cortex-m7", 600, 2048, 512),
    ],
)
def test_datasheet_numbers(name: str, core: str, megahertz: int, flash_kib: int, ram_kib: float) -> None:
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
        ("ram_bytes = 65_536", "ram_bytes = 0", r"ram_bytes must be greater than 0 .*, got 0"),
        ("flash_bytes = 262_144", "flash_bytes = -1", r"flash_bytes must be greater than 0 .*, got -1"),
        ("flash_bytes = 262_144", "flash_bytes = 1.5", r"flash_bytes must be a whole number, got 1\.5"),
        ("clock_hz = 80_000_000", 'clock_hz = "80 MHz"', r"clock_hz must be a whole number, got '80 MHz'"),
        ("clock_hz = 80_000_000", f"clock_hz = 1{'0' * 30}", r"clock_hz must be .* at most 1e\+12, got 10{19}$"),
        ("clock_hz = 80_000_000", f"clock_hz = {'9' * 5000}", r"not valid TOML: Exceeds the limit"),
        ("clock_hz = 80_000_000", f"clock_hz = {'[' * 5000}{']' * 5000}", r"not valid TOML: .*recursion"),
        ("clock_hz = 80_000_000", "clock_hz = true", r"clock_hz must be a whole number, got True"),
        ('description = "A board"', "description = 3", r"description must be text that is not empty, got 3"),
        ('core = "cortex-m4"', 'core = "cortex-m4f"', r"core must be one of .*did you mean 'cortex-m4'"),
        ('kernels = "cmsis-nn"', 'kernels = "cmsisnn"', r"kernels must be one of .*did you mean 'cmsis-nn'"),
        (
            'kernels = "cmsis-nn"',
            'kernels = "cmsis-nn"\ntiming = "stm32-l4"',
            r"timing must be one of .*did you mean 'stm32l4'",
        ),
        ('name = "my-board"', 'name = "My Board"', r"name must be lower-case letters .* got 'My Board'"),
        ('ram_bytes = "datasheet"', "", r"\[sources\] must say where ram_bytes was read"),
        ('ram_bytes = "datasheet"', 'ram_bytes = ""', r"the source of ram_bytes must be text"),
        ('ram_bytes = "datasheet"', 'ram = "datasheet"', r"sources has the unknown key 'ram'"),
        ("[sources]", "[sources", r"not valid TOML"),
        (
            'kernels = "cmsis-nn"',
            'kernels = "esp-nn"',
            r"kernels must be cmsis-nn or reference on core 'cortex-m4', got 'esp-nn', which need one of xtensa-lx6",
        ),
        ('kernels = "cmsis-nn"', 'kernels = "xnnpack"', r"got 'xnnpack', which need one of cortex-a53, cortex-a72"),
        (
            'core = "cortex-m4"',
            'core = "riscv32imc"',
            r"kernels must be esp-nn or reference on core 'riscv32imc', got 'cmsis-nn', which need one of cortex-m0,",
        ),
        (
            'core = "cortex-m4"\n',
            'core = "cortex-m4"\ntiming = "stm32h7"\n',
            r"timing 'stm32h7' is of another core than 'cortex-m4'; give one of its own, or leave it out",
        ),
        ("[sources]", 'accelerator = "ethos-u55-128"\n[sources]', r"accelerator must be a table \[accelerator\], got"),
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


HOST = GOOD.replace('core = "cortex-m4"', 'core = "cortex-a72"').replace('"cmsis-nn"', '"xnnpack"')
NPU = """
[accelerator]
config = "ethos-u55-128"
system_config = "Ethos_U55_High_End_Embedded"
memory_mode = "Shared_Sram"
"""


@pytest.mark.parametrize(
    ("core", "kernels", "runtime"),
    [("cortex-m4", "reference", "tflm"), ("xtensa-lx7", "reference", "tflm"), ("riscv32imafc", "esp-nn", "tflm")],
)
def test_kernels_that_run_on_the_core(core: str, kernels: str, runtime: str) -> None:
    """The portable kernels run on every microcontroller, ESP-NN on Espressif's."""
    text = GOOD.replace("cortex-m4", core).replace('"cmsis-nn"', f'"{kernels}"')
    device = parse_device(text, "mine.toml")
    assert (device.core, device.kernels, device.runtime) == (core, kernels, runtime)


def test_a_linux_board() -> None:
    """A Cortex-A runs XNNPACK in LiteRT and nothing else, with a timing of its own kind."""
    assert parse_device(HOST, "mine.toml").runtime == "litert"
    with pytest.raises(DeviceError, match=r"kernels must be xnnpack on core 'cortex-a72', got 'reference'"):
        parse_device(HOST.replace("xnnpack", "reference"), "mine.toml")
    with pytest.raises(DeviceError, match=r"^mine\.toml: no host timing for 'stm32l4'"):
        parse_device(HOST.replace("\n[sources]", '\ntiming = "stm32l4"\n[sources]'), "mine.toml")


def test_a_board_with_an_accelerator() -> None:
    """Vela's three words are read as they are."""
    device = parse_device(GOOD + NPU, "mine.toml")
    assert device.accelerator == Accelerator(
        config="ethos-u55-128", system_config="Ethos_U55_High_End_Embedded", memory_mode="Shared_Sram"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('config = "ethos', 'confg = "ethos', r"\[accelerator\]: unknown key 'confg': did you mean 'config'"),
        ('memory_mode = "Shared_Sram"', "", r"\[accelerator\]: missing key 'memory_mode'; it must be stated"),
        ('"ethos-u55-128"', '"ethos-u55"', r"\[accelerator\]: config must be one of ethos-u55-32, .*did you mean"),
        ('"Shared_Sram"', '""', r"\[accelerator\]: memory_mode must be text that is not empty, got ''"),
    ],
)
def test_a_wrong_accelerator(old: str, new: str, message: str) -> None:
    """Its keys are held to the same rules, and the message names the table."""
    assert old in NPU
    with pytest.raises(DeviceError, match=rf"^mine\.toml: {message}"):
        parse_device(GOOD + NPU.replace(old, new), "mine.toml")


def test_an_accelerator_needs_a_cortex_m() -> None:
    """LiteRT and ESP-NN would leave it idle."""
    with pytest.raises(DeviceError, match=r"an \[accelerator\] needs a Cortex-M .* kernels 'xnnpack'; leave the table"):
        parse_device(HOST + NPU, "mine.toml")
