"""Instructions of one inference, operator by operator, as the core executes them.

``instructions = sum over loops of (instructions of one iteration) x (iterations)``

with the iterations of `devices.loops` and tables of ``devices/cycles``, fitted
to operators executed on emulated cores.  The errors on operators and models
that were not fitted to stand in ``devices/cycles/errors.json`` and make the
interval (`devices.counting_error`).  Operators without a measured kernel get
the stated assumption of ``assumed.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import cast

from devices.counting_error import counting_interval, int4_interval
from devices.device import Kernels
from devices.graph import DType
from devices.loops import KernelSet, loops
from devices.workload import Workload

Loops = Mapping[str, float]

# TFLM's portable int8 kernels over its float ones, same loops: 1.19, 1.21, 1.24 on the convolution networks
# of MLPerf Tiny, 1.43 on the fully connected one (scoring.md section 7 over our float table).
PORTABLE_INT8 = 1.21
# Around 1.21 the four ratios lie within 0.98 to 1.18; the margin is for kernels of other shapes.
PORTABLE_DOUBT = (0.85, 1.25)
# 4-bit weights by a kernel that was not measured: the measured ones add 1.8 (convolution), 3.0 (fully connected) and
# 7.3 (depthwise) instructions a multiply-accumulate.
INT4_UNPACKING = {"multiplies": 4.0, "pixels": 0.0}
# Cycles of an instruction in a type, over those of int8: only int8 was compared with boards; float cycles came out
# 20 % too high in the one case that is known (scoring.md section 10).
CYCLE_DOUBT = {"int8": (1.0, 1.0), "int16x8": (0.9, 1.15), "float32": (0.75, 1.2)}
# An operator whose cost is assumed from the length of its inner loop.
ASSUMED_DOUBT = (0.5, 2.0)

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
    int4: Mapping[str, Loops]


@lru_cache(maxsize=4096)  # asked for by the cycles of an operator and by the interval of the whole
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
    low, high = counting_interval(work, core, dtype)
    if work.weight_bits == 4 and work.op in _NETWORK_OPS:
        count += _unpacking(work, family)
        low4, high4 = int4_interval(family, core)
        low, high = low * low4, high * high4
    fewer, more = CYCLE_DOUBT[dtype]
    return Instructions(count=count, measured=measured, low=low * fewer, high=high * more)


def _unpacking(work: Workload, family: str) -> float:
    """Instructions that 4-bit weights add: each is unpacked again for every multiply-accumulate."""
    terms = _nearest("m4", "int8")[0].int4.get(family, INT4_UNPACKING)
    return terms["multiplies"] * work.multiplies + terms["pixels"] * work.batch * work.pixels


def _portable(work: Workload, core: str) -> Instructions:
    """int8 by TFLM's portable kernels: the float loops times `PORTABLE_INT8`."""
    table, _ = _nearest(core, "float32")
    family, counts = loops(replace(work, dtype=DType.FLOAT32), table.kernels)
    count = sum(value * counts.get(loop, 0.0) for loop, value in table.families[family].items())
    low, high = PORTABLE_DOUBT
    return Instructions(count=PORTABLE_INT8 * count, measured=False, low=low, high=high)


def assumed(work: Workload) -> Instructions:
    """Assume a stated cost for an operator that was not measured: a constant, and so much an element."""
    rules = _assumptions()
    rule = rules.get(f"{work.op}/{work.weight_bits}") or rules.get(work.op, rules["default"])
    positions = work.out_elements // max(1, work.out_channels)
    count = (
        rule.get("constant", 0.0)
        + rule.get("elements", 0.0) * max(work.in_elements, work.out_elements)
        + rule.get("weight_bytes", 0.0) * work.weight_bytes * positions
    )
    low, high = ASSUMED_DOUBT
    return Instructions(count=count, low=low, high=high)


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
