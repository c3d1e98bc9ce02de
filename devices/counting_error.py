"""How far an estimated instruction count may be off: its 90 % interval, as two factors.

Where kernels were measured the interval comes from ``devices/cycles/errors.json``:
the errors that the formulas make on operators and whole models that they were
not fitted to, written by ``python -m tests.benchmarks.latency_error --save``.
The factors stated below stand for what was never measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from devices.workload import Workload

Factors = tuple[float, float]

# Operators of two measured sizes or fewer, or measured in a whole model only: no error of an unseen one is known.
UNJUDGED: Factors = (0.8, 1.25)
# A recurrent layer was measured in one network of one size: the split between products and activations is assumed.
ONE_NETWORK: Factors = (0.67, 1.5)
# Softmax of int8 skips the exponential of inputs far below the largest: 0.38 of the sweep's cost in one keyword net.
SOFTMAX_SKIPS = 0.35
# 16-bit activations on Helium were never measured: its int8 kernels take 0.16 to 0.67 of the Cortex-M4's instructions.
HELIUM_INT16: Factors = (0.15, 1.15)
# No core of this kind and type is in the truth at all.
NEVER_MEASURED: Factors = (0.5, 1.5)
# 4-bit weights by kernels that were not measured: other families, or Helium's.
INT4_UNMEASURED: Factors = (0.6, 1.6)
# Cores that run the Cortex-M4's kernels, in the same number of instructions within 1 %.
INT4_CORES = ("m4", "m7", "m33")
# The largest of n errors covers the next one with n / (n + 1): below nine errors it is doubled.
FEW_ERRORS = 9
_ONE_NETWORK_OPS = ("UNIDIRECTIONAL_SEQUENCE_LSTM",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Summary of n absolute relative errors of formulas, in percent."""

    n: int
    median: float
    p90: float
    p95: float
    worst: float

    @property
    def bound(self) -> float:
        """Error in percent that covers nine of ten new cases.

        The 95th percentile, with five points of room for a case that is not
        quite like the sample; the largest error where n is below 20, and
        twice that where n is below `FEW_ERRORS`.
        """
        if self.n < FEW_ERRORS:
            return 2 * self.worst
        return self.p95 if self.n >= 20 else self.worst


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeErrors:
    """Errors of the formulas of one core and type.

    Attributes
    ----------
    operators, kinds
        Of held-out operators, all together and by kind.
    worst_model
        Largest error of a whole model that was not fitted to, in percent.
    """

    operators: Errors
    kinds: Mapping[str, Errors]
    worst_model: float

    def width(self, name: str) -> float | None:
        """Bound in percent for one kind of operator; None where the kind was not judged.

        Never below the bound of all kinds together nor the worst whole model:
        what a network adds to the sweep (odd sizes, other multipliers) shows
        only there.
        """
        judged = self.kinds.get(name)
        return None if judged is None else max(judged.bound, self.operators.bound, self.worst_model)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    types: Mapping[str, TypeErrors]
    nearest: Mapping[str, Factors]
    int4: Mapping[str, Errors]


def kind(work: Workload) -> str:
    """Name the kind of operator as a reader knows it: 3x3, 1x1, strided, one-dimensional, multiplier."""
    if work.op not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return work.op.lower()
    name = "conv" if work.op == "CONV_2D" else "depthwise"
    if work.multiplier > 1:
        return f"{name} multiplier > 1"
    if work.kernel_height == work.kernel_width == 1:
        return f"{name} 1x1" + (" strided" if work.stride_height > 1 else "")
    if 1 in (work.kernel_height, work.kernel_width):
        return f"{name} 1-D"
    return f"{name} 3x3" if work.kernel_height == work.kernel_width == 3 else f"{name} kxk"


def counting_interval(work: Workload, core: str, dtype: str) -> Factors:
    """Factors between which the true instruction count lies, nine times out of ten.

    Parameters
    ----------
    core, dtype
        As in the names of the tables: ``m4``, ``int8``.

    Returns
    -------
    (low, high)
        low < 1 < high; the count times these is the interval.
    """
    if work.op in _ONE_NETWORK_OPS:
        return ONE_NETWORK
    low, high = _interval(kind(work), core, dtype)
    if work.op == "SOFTMAX" and dtype == "int8":
        low = SOFTMAX_SKIPS
    return low, high


def int4_interval(family: str, core: str) -> Factors:
    """Factors that 4-bit weights add to the interval of the 8-bit formula of a kernel family."""
    judged = _document().int4.get(family)
    return factors(judged.bound) if judged and core in INT4_CORES else INT4_UNMEASURED


def factors(percent: float) -> Factors:
    """Turn a bound on estimate / truth - 1 into factors of the truth over the estimate."""
    return 1 / (1 + percent / 100), 1 / (1 - min(percent, 50.0) / 100)


@cache
def _interval(name: str, core: str, dtype: str) -> Factors:
    judged = _document().types.get(f"{core}_{dtype}")
    if judged is not None:
        width = judged.width(name)
        return UNJUDGED if width is None else factors(width)
    if (core, dtype) == ("m55", "int16x8"):
        return HELIUM_INT16
    return _document().nearest.get(f"{core}_{dtype}", NEVER_MEASURED)


@cache
def _document() -> _Document:
    content = json.loads((files("devices") / "cycles" / "errors.json").read_text(encoding="utf-8"))
    return _Document(
        types={
            name: TypeErrors(
                operators=Errors(**entry["operators"]),
                kinds={kind: Errors(**errors) for kind, errors in entry["kinds"].items()},
                worst_model=entry["worst_model"],
            )
            for name, entry in content["types"].items()
        },
        nearest={name: (entry["low"], entry["high"]) for name, entry in content["nearest"].items()},
        int4={family: Errors(**errors) for family, errors in content["int4"].items()},
    )
