"""A coded model costs its package and decoder in flash and itself in RAM, on boards that unpack."""

from __future__ import annotations

import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from devices.boards import load_device
from devices.coding.package import pack
from devices.coding.stored import UnpackError, coded, unpacks
from devices.measure import measure
from tests.devices.models import dense_softmax


@pytest.mark.parametrize(("board", "decoder"), [("nucleo-l432kc", 477), ("nucleo-g0b1re", 545), ("esp32-devkitc", 545)])
def test_flash_holds_the_package_and_ram_the_model(board: str, decoder: int) -> None:
    """Package for file and a decoder in flash; the file, rounded up to 16 bytes, in RAM; no other change."""
    content, device = dense_softmax() + b"\0", load_device(board)
    plain, package = measure(content, device)[0], pack(content)
    cost = coded(plain, len(package), device)
    assert cost.stored_bytes == len(package)
    assert cost.model_bytes == len(content)
    assert cost.flash_bytes == plain.flash_bytes - len(content) + len(package) + decoder
    assert len(content) <= cost.unpacked_bytes < len(content) + 16
    assert cost.unpacked_bytes % 16 == 0
    assert cost.ram_bytes == plain.ram_bytes + cost.unpacked_bytes
    assert (cost.arena_bytes, cost.latency_ms) == (plain.arena_bytes, plain.latency_ms)
    assert plain.unpacked_bytes == 0


@pytest.mark.parametrize(
    ("board", "reader"), [("raspberry-pi-4b", "LiteRT reads"), ("grove-vision-ai-v2", "its Ethos-U reads")]
)
def test_boards_that_do_not_unpack_refuse(board: str, reader: str) -> None:
    """A Linux board and an Ethos-U; the sentence says who reads the model, and what to do."""
    device, cost = load_device(board), measure(dense_softmax(), load_device("nucleo-l432kc"))[0]
    assert not unpacks(device)
    with pytest.raises(UnpackError, match=f"{board} cannot unpack .*{reader}.*leave huffman_coding out"):
        coded(cost, 100, device)


@pytest.mark.parametrize(("board", "core"), [("nucleo-l432kc", "cortex-m4"), ("nucleo-g0b1re", "cortex-m0plus")])
def test_the_decoders_code_is_what_a_compiler_makes(board: str, core: str, tmp_path: Path) -> None:
    """Within a tenth, for compilers differ by version."""
    compiler = shutil.which("arm-none-eabi-gcc") or pytest.skip("no arm-none-eabi-gcc here")
    folder, made = Path(str(files("devices") / "coding" / "templates")), tmp_path / "unpack.o"
    flags = [f"-mcpu={core}", "-mthumb", "-Os", "-ffreestanding", f"-I{folder}"]
    subprocess.run([compiler, *flags, "-c", str(folder / "unpack.c"), "-o", str(made)], check=True, timeout=60)
    sizes = subprocess.run(["arm-none-eabi-size", str(made)], check=True, capture_output=True, text=True).stdout
    code = int(sizes.splitlines()[1].split()[0])
    device = load_device(board)
    plain = measure(dense_softmax(), device)[0]
    assert coded(plain, 1, device).runtime_flash_bytes - plain.runtime_flash_bytes == pytest.approx(code, rel=0.1)
