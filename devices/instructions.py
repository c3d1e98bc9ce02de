"""Instructions of one inference, operator by operator, as the core executes them.

``instructions = sum over loops of (instructions of one iteration) x (iterations)``

with the iterations of `devices.loops` and tables of ``devices/cycles``, fitted
to operators executed on emulated cores.  Cross-validated over shape families:
median 0.3 %, 90th percentile 2.0 % (int8 on Cortex-M4, M7, M33), see
``tests/benchmarks/latency_error.py``.  Operators without a measured kernel
get the stated assumption of ``assumed.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import cast

from devices.device import Kernels
from devices.graph import DType
from devices.loops import KernelSet, loops
from devices.workload import Workload

Loops = Mapping[str, float]

# Bytes of the data cache in front of the flash of the calibrated board: weights that fit are fetched once.
FLASH_CACHE_BYTES = 256
# TFLM's portable int8 kernels over its float ones, same loops: 1.19, 1.21, 1.24 on the convolution networks
# of MLPerf Tiny, 1.43 on the fully connected one (scoring.md section 7 over our float table).
PORTABLE_INT8 = 1.21

_TYPES = {DType.INT8: "int8", DType.INT16: "int16x8", DType.FLOAT32: "float32"}
_NETWORK_OPS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """Estimated instructions of one operator.

    Attributes
    ----------
    count
        Instructions of one inference.
    measured
        True when kernels of this very core were measured, or none of them is
        involved (an assumed cost); False when another core's table was used.
    low, high
        Factors of the 90 % interval of `count` and of the cycles a class of
        operators takes, beyond that of the core's timing; 1 when negligible.
    """

    count: float
    measured: bool = True
    low: float = 1.0
    high: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    kernels: KernelSet
    families: Mapping[str, Loops]
    int4: Mapping[str, float]


def instructions_of(work: Workload, core: str, kernels: Kernels) -> Instructions:
    """Instructions of one operator.

    Parameters
    ----------
    core
        Short name of the core whose instructions are wanted: ``m4``, ``m7``,
        ``m33`` or ``m55``.
    kernels
        With ``reference``, int8 operators take the portable loops.
    """
    dtype = _TYPES.get(work.dtype)
    if dtype is None:
        return assumed(work)
    if kernels == "reference" and dtype == "int8" and work.op in _NETWORK_OPS:
        return _portable(work, core)
    table, measured = _nearest(core, dtype)
    family, counts = loops(work, table.kernels)
    coefficients = table.families.get(family)
    if coefficients is None:
        return assumed(work)
    count = sum(value * counts.get(loop, 0.0) for loop, value in coefficients.items())
    low, high = _spread(dtype, measured)
    if work.weight_bits == 4 and work.op in _NETWORK_OPS:
        count *= _nearest("m4", "int8")[0].int4.get(family, 2.0)
        low, high = low * 0.8, high * 1.25
    return Instructions(count=count, measured=measured, low=low, high=high)


def _portable(work: Workload, core: str) -> Instructions:
    """int8 by TFLM's portable kernels: the float loops times `PORTABLE_INT8`."""
    table, _ = _nearest(core, "float32")
    family, counts = loops(replace(work, dtype=DType.FLOAT32), table.kernels)
    count = sum(value * counts.get(loop, 0.0) for loop, value in table.families[family].items())
    return Instructions(count=PORTABLE_INT8 * count, measured=False, low=0.85, high=1.25)


def assumed(work: Workload) -> Instructions:
    """Assume a stated cost for an operator that was not measured: a constant, and so much an element."""
    rules = _assumptions()
    rule = rules.get(work.op, rules["default"])
    positions = work.out_elements // max(1, work.out_channels)
    count = (
        rule.get("constant", 0.0)
        + rule.get("elements", 0.0) * max(work.in_elements, work.out_elements)
        + rule.get("weight_bytes", 0.0) * work.weight_bytes * positions
    )
    return Instructions(count=count, low=0.5, high=2.0)


def flash_weight_bytes(work: Workload) -> int:
    """Weight bytes that one inference reads from flash, past a small cache.

    im2col convolutions read all weights once for every two pixels; a 1x1
    convolution keeps two output channels while it walks the pixels, if they
    fit the cache; a depthwise kernel is read again for every pixel unless all
    of it fits; a fully connected layer reads every weight once.
    """
    match work.op:
        case "CONV_2D":
            rereads = -(-work.pixels // 2)
            pointwise = work.kernel_height == work.kernel_width == 1
            if pointwise and 2 * work.columns * work.weight_bits <= 8 * FLASH_CACHE_BYTES:
                rereads = work.out_height if work.stride_height > 1 else 1
            return work.weight_bytes * rereads
        case "DEPTHWISE_CONV_2D":
            return work.weight_bytes * (1 if work.weight_bytes <= FLASH_CACHE_BYTES else work.pixels)
        case "UNIDIRECTIONAL_SEQUENCE_LSTM":
            return work.weight_bytes * (work.out_elements // work.out_channels)
        case "FULLY_CONNECTED":
            return work.weight_bytes * work.batch
    return work.weight_bytes


def _spread(dtype: str, measured: bool) -> tuple[float, float]:
    """Interval factors of a type: only int8 cycles were checked against boards (scoring.md section 10)."""
    low, high = {"int8": (1.0, 1.0), "int16x8": (0.9, 1.15), "float32": (0.75, 1.2)}[dtype]
    return (low, high) if measured else (low * 0.8, high * 1.25)


@cache
def _nearest(core: str, dtype: str) -> tuple[_Table, bool]:
    """Table of the core, or that of the Cortex-M4 with False: M4, M7 and M33 agree within 1 %."""
    folder = files("devices") / "cycles"
    own = folder / f"{core}_{dtype}.json"
    measured = own.is_file()
    content = json.loads((own if measured else folder / f"m4_{dtype}.json").read_text(encoding="utf-8"))
    return (
        _Table(
            kernels=cast("KernelSet", content["kernels"]),
            families=content["instructions"],
            int4=content.get("int4_weights", {}),
        ),
        measured,
    )


@cache
def _assumptions() -> Mapping[str, Loops]:
    text = (files("devices") / "cycles" / "assumed.json").read_text(encoding="utf-8")
    return cast("Mapping[str, Loops]", json.loads(text)["operators"])
