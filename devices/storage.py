"""Flash of the runtime and RAM beside the arena, from measured firmware sizes.

``flash = interpreter + sum over operators of (own code) + shared code once``

An operator's measured size includes helpers that other operators bring along
too; ``devices/sizes/firmware.json`` lists them by name and size, solved so
that the whole firmwares that were measured come out: within 2 %, at the median
within 0.1 %, whatever their types.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from devices.device import Device
from devices.graph import DType, Graph, Operator

_ALL_TYPES = "all"
# (type of the first input, bits of the weights) -> the typed registration that serves it alone
_TYPED = {
    (DType.INT8, 8): "int8",
    (DType.INT8, 0): "int8",
    (DType.INT8, 4): "int4",
    (DType.INT16, 8): "int16",
    (DType.INT16, 0): "int16",
}
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "SVDF")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    """Code of one operator: bytes by registration, and the helpers it brings along."""

    nbytes: Mapping[str, int]
    shares: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sizes:
    interpreter: int
    shared: Mapping[str, int]
    shared_by_narrow: frozenset[str]
    operators: Mapping[str, _Code]
    unlisted: int
    cores: Mapping[str, float]
    static_base: int
    registration: int
    stack: Mapping[str, int]
    unlisted_stack: int
    mve_stack: int


def runtime_flash_bytes(graph: Graph, device: Device) -> int:
    """Flash of startup code, interpreter and the kernels that `graph` uses, in bytes (estimated).

    Every operator is counted once with its typed registration where TFLM has
    one and all uses agree on the type, else with that of all types.  Measured
    on Cortex-M4; other cores by the ratio stated in the table.

    Raises
    ------
    ValueError
        When the core has no ratio.
    """
    sizes = _sizes()
    ratio = sizes.cores.get(device.core)
    if ratio is None:
        raise ValueError(f"no code size for core {device.core!r}; known cores: {', '.join(sizes.cores)}")
    used = [(sizes.operators.get(name), kind) for name, kind in _registrations(graph).items()]
    own = sum(sizes.unlisted if code is None else _own_bytes(code, kind) for code, kind in used)
    repeats = Counter(helper for code, kind in used if code is not None for helper in _shares(code, kind, sizes))
    saved = sum(sizes.shared[helper] * (times - 1) for helper, times in repeats.items())
    return round(ratio * (sizes.interpreter + own - saved))


def static_ram_bytes(graph: Graph, device: Device) -> int:
    """RAM beside the arena: ``.data``, ``.bss`` and the stack of one inference, in bytes (estimated).

    Static data grow by one registration an operator; the stack is that of the
    deepest kernel.  Measured: 408 to 592 bytes of data, 276 to 1548 of stack.
    The application's own buffers are not included.
    """
    sizes = _sizes()
    data = sizes.static_base + sizes.registration * len(_registrations(graph))
    if device.core in ("cortex-m55", "cortex-m85"):
        return data + sizes.mve_stack
    return data + max((_stack_bytes(graph, operator, sizes) for operator in graph.operators), default=0)


def _stack_bytes(graph: Graph, operator: Operator, sizes: _Sizes) -> int:
    first = graph.tensor(operator, 0)
    if first is not None and first.dtype == DType.FLOAT32:
        return sizes.stack["float"]
    return sizes.stack.get(operator.name, sizes.unlisted_stack)


def _shares(code: _Code, kind: str, sizes: _Sizes) -> Iterable[str]:
    """Helpers that a registration brings along: those of int16 and of int4 alone lack what int8 uses."""
    if kind not in ("int16", "int4") or kind not in code.nbytes:
        return code.shares
    return (helper for helper in code.shares if helper in sizes.shared_by_narrow)


def _own_bytes(code: _Code, kind: str) -> int:
    return code.nbytes.get(kind, code.nbytes[_ALL_TYPES])


def _registrations(graph: Graph) -> dict[str, str]:
    """Registration that each operator of `graph` needs, by operator name."""
    kinds: dict[str, str] = {}
    for operator in graph.operators:
        kind = _kind(graph, operator)
        kinds[operator.name] = kind if kinds.get(operator.name, kind) == kind else _ALL_TYPES
    return kinds


def _kind(graph: Graph, operator: Operator) -> str:
    first, weights = graph.tensor(operator, 0), graph.tensor(operator, 1)
    if first is None:
        return _ALL_TYPES
    weighted = operator.name in _WEIGHTED and weights is not None
    bits = weights.dtype.bits if weighted and weights is not None else 0
    return _TYPED.get((first.dtype, bits), _ALL_TYPES)


@cache
def _sizes() -> _Sizes:
    text = (files("devices") / "sizes" / "firmware.json").read_text(encoding="utf-8")
    return _read(json.loads(text))


def _read(content: Mapping[str, Any]) -> _Sizes:
    static = content["static_ram"]
    return _Sizes(
        interpreter=content["interpreter"]["bytes"],
        shared=content["shared"]["bytes"],
        shared_by_narrow=frozenset(content["shared"]["narrow"]),
        operators={name: _code(entry.items()) for name, entry in content["operators"].items()},
        unlisted=content["unlisted"]["bytes"],
        cores=content["cores"],
        static_base=static["base"],
        registration=static["registration"],
        stack=content["stack"],
        unlisted_stack=static["unlisted_stack"],
        mve_stack=content["stack_mve"]["bytes"],
    )


def _code(entry: Iterable[tuple[str, Any]]) -> _Code:
    fields = dict(entry)
    return _Code(shares=tuple(fields.pop("shares")), nbytes=fields)
