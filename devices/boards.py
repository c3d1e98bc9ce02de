"""Boards as data: the catalogue, and boards of a user's own.

A board is a TOML file of about ten lines::

    name = "nucleo-l432kc"
    description = "ST NUCLEO-L432KC: STM32L432KC"
    core = "cortex-m4"
    clock_hz = 80_000_000
    flash_bytes = 262_144
    ram_bytes = 65_536
    kernels = "cmsis-nn"
    timing = "stm32l4"      # optional: a cycle model nearer than that of the core

    [sources]               # where each number was read
    clock_hz = "..."
    flash_bytes = "..."
    ram_bytes = "..."

    [accelerator]           # optional: an Arm Ethos-U beside the core, in the words of Arm's Vela
    config = "ethos-u55-128"
    system_config = "Ethos_U55_High_End_Embedded"
    memory_mode = "Shared_Sram"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import cast, get_args

from devices.device import Accelerator, Device, Kernels
from devices.kernels import EXTENSIONS
from devices.latency import host_timing, timing_names, timing_of
from devices.suggestion import suggestion

_TEXTS = ("name", "description", "core", "kernels")
_NUMBERS = ("clock_hz", "flash_bytes", "ram_bytes")
_OPTIONAL = ("timing", "accelerator")
_KEYS = (*_TEXTS, *_NUMBERS, *_OPTIONAL, "sources")
_ACCELERATOR = ("config", "system_config", "memory_mode")
_NAME = re.compile(r"[a-z0-9]+([-.][a-z0-9]+)*")
_MOST = 10**12  # hertz or bytes: more is a slip of the keyboard, and overflows what is calculated from it
_ETHOS_U = tuple(  # what Vela 5.2 compiles for; the last number is its multipliers
    f"ethos-{series}-{multipliers}"
    for series, sizes in (("u55", (32, 64, 128, 256)), ("u65", (256, 512)), ("u85", (128, 256, 512, 1024, 2048)))
    for multipliers in sizes
)

HOST_CORES = ("cortex-a53", "cortex-a72", "cortex-a76")
"""Cores of Linux boards, which run LiteRT with XNNPACK."""

CORES_OF: Mapping[Kernels, tuple[str, ...]] = {
    **{kernels: tuple(cores) for kernels, cores in EXTENSIONS.items()},
    "xnnpack": HOST_CORES,
}
"""Cores that each kernel library runs on; a core belongs here, in a timing and in a code size."""

CORES = tuple(dict.fromkeys(core for cores in CORES_OF.values() for core in cores))
"""Every core that a board may have."""


class DeviceError(ValueError):
    """A board that does not exist or whose description is wrong; the message says which rule and what to do."""


def device_names() -> tuple[str, ...]:
    """Names of all boards in the catalogue, sorted."""
    catalog = files("devices") / "catalog"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in catalog.iterdir() if _is_toml(entry.name)))


@cache
def _catalog_device(name: str) -> Device:
    text = (files("devices") / "catalog" / f"{name}.toml").read_text(encoding="utf-8")
    return parse_device(text, f"catalogue entry {name!r}")


def load_device(name_or_path: str) -> Device:
    """Return the board of that name, or the board that a ``.toml`` file describes.

    Raises
    ------
    DeviceError
        For an unknown name, a file that cannot be read, and a description
        that breaks a rule.
    """
    if _is_toml(name_or_path):
        return parse_device(_read(Path(name_or_path)), name_or_path)
    if name_or_path not in device_names():
        raise DeviceError(
            f"no device is named {name_or_path!r}: {suggestion(name_or_path, device_names())}; "
            "'tinyfront devices' lists them all; or give the path of a .toml file"
        )
    return _catalog_device(name_or_path)


def parse_device(text: str, origin: str) -> Device:
    """Read one board from TOML `text`; `origin` names it in errors.

    Raises
    ------
    DeviceError
        As `load_device`.
    """
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits and deep nesting included
        raise DeviceError(f"{origin}: not valid TOML: {error}") from error
    _check_keys(content, origin, _KEYS, _OPTIONAL)
    device = Device(
        name=_name(content, origin),
        description=_text(content, "description", origin),
        core=_chosen(content, "core", CORES, origin),
        clock_hz=_positive(content, "clock_hz", origin),
        flash_bytes=_positive(content, "flash_bytes", origin),
        ram_bytes=_positive(content, "ram_bytes", origin),
        kernels=cast("Kernels", _chosen(content, "kernels", get_args(Kernels), origin)),
        sources=_sources(content["sources"], origin),
        timing=_chosen(content, "timing", timing_names(), origin) if "timing" in content else "",
        accelerator=_accelerator(content["accelerator"], origin) if "accelerator" in content else None,
    )
    _check_kernels(device, origin)
    _check_timing(device, origin)
    return device


def _is_toml(name: str) -> bool:
    return name.endswith(".toml")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DeviceError(
            f"no device file {str(path)!r}; give the path of a .toml file or a name of the catalogue"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceError(f"device file {str(path)!r} cannot be read: {error}") from error


def _check_keys(
    content: Mapping[str, object], origin: str, known: Sequence[str], optional: Collection[str] = ()
) -> None:
    for key in content:
        if key not in known:
            raise DeviceError(f"{origin}: unknown key {key!r}: {suggestion(key, known)}")
    missing = [key for key in known if key not in content and key not in optional]
    if missing:
        raise DeviceError(f"{origin}: missing key {', '.join(map(repr, missing))}; it must be stated")


def _check_kernels(device: Device, origin: str) -> None:
    """Refuse kernels that do not run on the core, and an accelerator where they leave it idle."""
    fitting = [kernels for kernels, cores in CORES_OF.items() if device.core in cores]
    if device.kernels not in fitting:
        raise DeviceError(
            f"{origin}: kernels must be {' or '.join(fitting)} on core {device.core!r}, got {device.kernels!r}, "
            f"which need one of {', '.join(CORES_OF[device.kernels])}"
        )
    if device.accelerator is not None and device.core not in CORES_OF["cmsis-nn"]:
        raise DeviceError(
            f"{origin}: an [accelerator] needs a Cortex-M and TensorFlow Lite Micro, got core {device.core!r} with "
            f"kernels {device.kernels!r}; leave the table out"
        )


def _check_timing(device: Device, origin: str) -> None:
    """Refuse a timing of another kind of core than the board has."""
    try:
        if device.runtime == "litert":
            host_timing(device)
            return
        own, core = timing_of(device), timing_of(replace(device, timing=""))
    except ValueError as error:
        raise DeviceError(f"{origin}: {error}") from error
    if (own.instructions_of, own.own_instructions) != (core.instructions_of, core.own_instructions):
        raise DeviceError(
            f"{origin}: timing {device.timing!r} is of another core than {device.core!r}; "
            "give one of its own, or leave it out"
        )


def _accelerator(value: object, origin: str) -> Accelerator:
    if not isinstance(value, dict):
        raise DeviceError(f"{origin}: accelerator must be a table [accelerator], got {value!r}")
    place = f"{origin}: [accelerator]"
    _check_keys(value, place, _ACCELERATOR)
    return Accelerator(
        config=_chosen(value, "config", _ETHOS_U, place),
        system_config=_text(value, "system_config", place),
        memory_mode=_text(value, "memory_mode", place),
    )


def _name(content: Mapping[str, object], origin: str) -> str:
    name = _text(content, "name", origin)
    if not _NAME.fullmatch(name):
        raise DeviceError(
            f"{origin}: name must be lower-case letters and digits joined by single hyphens or dots, got {name!r}"
        )
    return name


def _text(content: Mapping[str, object], key: str, origin: str) -> str:
    value = content[key]
    if not isinstance(value, str) or not value.strip():
        raise DeviceError(f"{origin}: {key} must be text that is not empty, got {value!r}")
    return value


def _positive(content: Mapping[str, object], key: str, origin: str) -> int:
    value = content[key]
    if not isinstance(value, int) or isinstance(value, bool):
        raise DeviceError(f"{origin}: {key} must be a whole number, got {value!r}")
    if not 0 < value <= _MOST:
        raise DeviceError(f"{origin}: {key} must be greater than 0 and at most {_MOST:.0e}, got {str(value)[:20]}")
    return value


def _sources(value: object, origin: str) -> tuple[tuple[str, str], ...]:
    """(field, source) of every number; a number without a source is refused."""
    if not isinstance(value, dict):
        raise DeviceError(f"{origin}: sources must be a table [sources], got {value!r}")
    for key, source in value.items():
        if key not in _KEYS:
            raise DeviceError(f"{origin}: sources has the unknown key {key!r}: {suggestion(key, _KEYS)}")
        if not isinstance(source, str) or not source.strip():
            raise DeviceError(f"{origin}: the source of {key} must be text that is not empty, got {source!r}")
    missing = [key for key in _NUMBERS if key not in value]
    if missing:
        raise DeviceError(f"{origin}: [sources] must say where {', '.join(missing)} was read")
    return tuple(value.items())


def _chosen(content: Mapping[str, object], key: str, choices: Collection[str], origin: str) -> str:
    value = _text(content, key, origin)
    if value not in choices:
        raise DeviceError(
            f"{origin}: {key} must be one of {', '.join(choices)}, got {value!r}; {suggestion(value, choices)}"
        )
    return value
