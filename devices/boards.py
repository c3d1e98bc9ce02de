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
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import cast, get_args

from devices.device import Device, Kernels
from devices.latency import timing_names
from devices.suggestion import suggestion

_TEXTS = ("name", "description", "core", "kernels")
_NUMBERS = ("clock_hz", "flash_bytes", "ram_bytes")
_OPTIONAL = ("timing",)
_KEYS = (*_TEXTS, *_NUMBERS, *_OPTIONAL, "sources")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


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
    except tomllib.TOMLDecodeError as error:
        raise DeviceError(f"{origin}: not valid TOML: {error}") from error
    _check_keys(content, origin)
    sources = _sources(content["sources"], origin)
    texts = {key: _text(content, key, origin) for key in (*_TEXTS, *_OPTIONAL) if key in content}
    numbers = {key: _positive(content, key, origin) for key in _NUMBERS}
    if not _NAME.fullmatch(texts["name"]):
        raise DeviceError(
            f"{origin}: name must be lower-case letters and digits joined by single hyphens, got {texts['name']!r}"
        )
    _check_choice(texts["core"], "core", [n for n in timing_names() if n.startswith("cortex-")], origin)
    _check_choice(texts["kernels"], "kernels", get_args(Kernels), origin)
    if texts.get("timing"):
        _check_choice(texts["timing"], "timing", timing_names(), origin)
    return Device(
        name=texts["name"],
        description=texts["description"],
        core=texts["core"],
        clock_hz=numbers["clock_hz"],
        flash_bytes=numbers["flash_bytes"],
        ram_bytes=numbers["ram_bytes"],
        kernels=cast("Kernels", texts["kernels"]),
        sources=sources,
        timing=texts.get("timing", ""),
    )


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


def _check_keys(content: Mapping[str, object], origin: str) -> None:
    for key in content:
        if key not in _KEYS:
            raise DeviceError(f"{origin}: unknown key {key!r}: {suggestion(key, _KEYS)}")
    missing = [key for key in _KEYS if key not in content and key not in _OPTIONAL]
    if missing:
        raise DeviceError(f"{origin}: missing key {', '.join(map(repr, missing))}; every device states it")


def _text(content: Mapping[str, object], key: str, origin: str) -> str:
    value = content[key]
    if not isinstance(value, str) or not value.strip():
        raise DeviceError(f"{origin}: {key} must be text that is not empty, got {value!r}")
    return value


def _positive(content: Mapping[str, object], key: str, origin: str) -> int:
    value = content[key]
    if not isinstance(value, int) or isinstance(value, bool):
        raise DeviceError(f"{origin}: {key} must be a whole number, got {value!r}")
    if value <= 0:
        raise DeviceError(f"{origin}: {key} must be greater than 0, got {value}")
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


def _check_choice(value: str, key: str, known: Iterable[str], origin: str) -> None:
    choices = list(known)
    if value not in choices:
        raise DeviceError(
            f"{origin}: {key} must be one of {', '.join(choices)}, got {value!r}; {suggestion(value, choices)}"
        )
