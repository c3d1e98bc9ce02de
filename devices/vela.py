"""Arm's Vela: the compiler that turns a ``.tflite`` into commands of an Ethos-U.

Vela runs as a child process, because some files crash it.  Its cycles are
Arm's estimate, made without hardware; its outputs are promised to be bit-exact
with TFLite's reference kernels.  `pip install tinyfront[vela]` installs it.
"""

from __future__ import annotations

import configparser
import csv
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.resources import as_file, files
from pathlib import Path

from devices.device import Accelerator
from devices.flatbuffer import read_graph
from devices.graph import DType, Graph

NPU_OPERATOR = "ethos-u"
_PACKAGE = "ethos-u-vela"
_MOST_SECONDS = 120.0
_SUB_BYTE = (DType.INT4, DType.INT2, DType.UINT4)
_MOST_WORDS = 300


class VelaError(Exception):
    """Vela is missing or has not compiled the model; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What Vela's summary says of one network.

    Attributes
    ----------
    cycles
        Cycles of the Ethos-U for one inference, its waits for memory included (estimated).
    clock_hz
        Clock of the Ethos-U in the system configuration.
    sram_bytes, dram_bytes
        Memory for activations, and for weights that are kept there.
    on_chip_flash_bytes, off_chip_flash_bytes
        Encoded weights and commands.
    macs
        Multiply-accumulates that the Ethos-U makes.
    """

    cycles: int
    clock_hz: float
    sram_bytes: int
    dram_bytes: int
    on_chip_flash_bytes: int
    off_chip_flash_bytes: int
    macs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VelaResult:
    """A compiled network.

    Attributes
    ----------
    content
        The file to be flashed: TFLite with operators ``ethos-u``.
    graph
        Its operators and tensors.
    summary
        Vela's figures.
    version
        Version of Vela.
    """

    content: bytes
    graph: Graph
    summary: Summary
    version: str

    @property
    def on_cpu(self) -> tuple[str, ...]:
        """Names of the operators that the core executes, in order."""
        return tuple(each.name for each in self.graph.operators if each.name != NPU_OPERATOR)


def compile(content: bytes, accelerator: Accelerator, seconds: float = _MOST_SECONDS) -> VelaResult:
    """Compile a ``.tflite`` for an Ethos-U, optimised for speed, with every other option as Vela has it.

    Parameters
    ----------
    seconds
        Vela is ended when it takes longer.

    Raises
    ------
    VelaError
        When Vela is not installed, crashes, refuses the model or takes too long.
    devices.flatbuffer.ModelFileError
        When the bytes are not a model that can be read.
    """
    version = vela_version()
    refuse_sub_byte(read_graph(content))
    with tempfile.TemporaryDirectory(prefix="vela-") as name, as_file(files("devices") / "vela.ini") as own:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(content)
        _run(_command(accelerator, own), folder, version, seconds)
        compiled = _only(folder, "model_vela.tflite", version).read_bytes()
        summary = parse_summary(_only(folder, "model_summary_*.csv", version).read_text(encoding="utf-8"))
    return VelaResult(content=compiled, graph=read_graph(compiled), summary=summary, version=version)


def vela_version() -> str:
    """Version of the installed Vela; VelaError when there is none."""
    try:
        return metadata.version(_PACKAGE)
    except metadata.PackageNotFoundError as error:
        raise VelaError(
            f"{_PACKAGE} is not installed, and only Arm's compiler can cost a model on an Ethos-U: "
            "pip install 'tinyfront[vela]'"
        ) from error


@cache
def system_clock_hz(system_config: str) -> float:
    """Clock of the Ethos-U in a system configuration of Vela or of ``devices/vela.ini``.

    Raises
    ------
    VelaError
        When there is no such configuration, or Vela is not installed.
    """
    vela_version()
    configurations = configparser.ConfigParser(inline_comment_prefixes=None)
    arm = metadata.distribution(_PACKAGE).locate_file("ethosu/config_files/Arm/vela.ini")
    configurations.read_string(Path(str(arm)).read_text(encoding="utf-8"))
    configurations.read_string((files("devices") / "vela.ini").read_text(encoding="utf-8"))
    section = f"System_Config.{system_config}"
    if not configurations.has_option(section, "core_clock"):
        known = [name.split(".")[1] for name in configurations.sections() if name.startswith("System_Config.")]
        raise VelaError(f"Vela has no system configuration {system_config!r}: choose {', '.join(known)}")
    return configurations.getfloat(section, "core_clock")


def refuse_sub_byte(graph: Graph) -> None:
    """Raise VelaError for tensors below 8 bits: Vela 5.2 divides by their size of 0 bytes and crashes."""
    narrow = sorted({tensor.dtype.value for tensor in graph.tensors if tensor.dtype in _SUB_BYTE})
    if narrow:
        raise VelaError(f"Vela crashes on tensors of type {', '.join(narrow)}: use int8 weights on an Ethos-U")


def parse_summary(text: str) -> Summary:
    """Read the summary CSV that Vela writes; memory in it is in KiB.

    Raises
    ------
    VelaError
        When it does not have the columns of Vela 5.
    """
    row = next(csv.DictReader(text.splitlines()), {})
    try:
        return Summary(
            cycles=round(float(row["cycles_total"])),
            clock_hz=float(row["core_clock"]),
            sram_bytes=round(1024 * float(row["sram_memory_used"])),
            dram_bytes=round(1024 * float(row["dram_memory_used"])),
            on_chip_flash_bytes=round(1024 * float(row["on_chip_flash_memory_used"])),
            off_chip_flash_bytes=round(1024 * float(row["off_chip_flash_memory_used"])),
            macs=round(float(row["nn_macs"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise VelaError(f"Vela's summary cannot be read ({error!r}): install {_PACKAGE} 5.2") from error


def _command(accelerator: Accelerator, own: Path) -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "ethosu.vela", "model.tflite", "--output-dir", "."),
        *("--accelerator-config", accelerator.config),
        *("--config", "Arm/vela.ini", "--config", str(own.resolve())),
        *("--system-config", accelerator.system_config, "--memory-mode", accelerator.memory_mode),
        *("--optimise", "Performance"),
    )


def _run(command: Sequence[str], folder: Path, version: str, seconds: float) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - a list of our own words, no shell
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise VelaError(f"Vela {version} had not compiled the model after {seconds:g} s; try a smaller one") from error
    except OSError as error:
        raise VelaError(f"Vela {version} cannot be started: {error}") from error
    if done.returncode < 0:
        raise VelaError(
            f"Vela {version} crashed on the model ({_signal(-done.returncode)}); "
            "choose int8 or int16 activations and int8 weights, or another version of Vela"
        )
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise VelaError(f"Vela {version} does not compile the model: {said[-1][:_MOST_WORDS] if said else 'no reason'}")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _only(folder: Path, pattern: str, version: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise VelaError(f"Vela {version} wrote {len(found)} files {pattern}, expected 1: install {_PACKAGE} 5.2")
    return found[0]
