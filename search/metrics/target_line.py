"""Whether a foreign network's outputs are its targets on another scale, which a straight line tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from search.metrics import regression
from search.metrics.bootstrap import bootstrap
from search.metrics.measurement import Measurement

if TYPE_CHECKING:
    from search.datasets.dataset import Dataset, Split

Outputs = npt.NDArray[np.floating[Any]]

# A network that was stopped early or has learnt its samples by heart is off by less, and so is worth a look as it is.
_MOST_SLOPE, _MOST_OFFSET = 1.5, 1 / 3
_LEAST_R2 = 0.1  # below, outputs have too little to do with the targets for a line to mean anything


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLine:
    """The least-squares line that makes a target, in its unit, of an output.

    Attributes
    ----------
    target
        Its name.
    slope, offset
        The target is slope x output + offset.
    taken, fitted
        R2 of the output as it was taken, and of the line.
    """

    target: str
    slope: float
    offset: float
    taken: Measurement
    fitted: Measurement

    def __str__(self) -> str:
        sign = "-" if self.offset < 0 else "+"
        return f"{self.target} = {self.slope:.6g} x output {sign} {abs(self.offset):.6g}"


def sentence(lines: Sequence[TargetLine]) -> str:
    """What the lines are, and by how much they do better than what the outputs were taken for."""
    from search.metrics.catalog import find_metric
    from search.units import quality

    fitted, taken = (
        quality(find_metric("r2"), sum(found.value for found in each) / len(lines))
        for each in ([line.fitted for line in lines], [line.taken for line in lines])
    )
    return (
        "its outputs are neither values in the targets' unit nor standardised: with "
        f"{', '.join(map(str, lines))} the R2 on validation is {fitted}, without {taken}"
    )


def other_scale(data: Dataset, outputs: Outputs, *, are_in_units: bool) -> tuple[TargetLine, ...]:
    """Lines of all targets where outputs for the validation split are clearly on a scale of their own; none elsewhere.

    That is where neither the targets' unit nor standardised values are near
    (`is_near`), and for a target that is not near on the scale taken the line
    has an R2 above that of the output in 97.5 % of bootstrap resamples, which both share.

    Parameters
    ----------
    outputs
        Of the network as it is, (n, targets).
    are_in_units
        What they were taken for: values in the targets' unit, else standardised ones.
    """
    split = data.validation
    if not np.isfinite(outputs).all() or any(
        is_near(data, split, outputs, are_in_units=each) for each in (True, False)
    ):
        return ()
    taken = data.standardised(outputs) if are_in_units else outputs.astype(np.float64)
    off, (slope, offset) = _off(data, split, outputs, are_in_units=are_in_units), _line(split, outputs)
    fitted = slope * outputs + offset
    truth = split.y.astype(np.float64)
    has_r2 = truth.std(axis=0) > 0
    if not has_r2.all() or not any(map(_may_exceed, truth.T[off], fitted.T[off], taken.T[off])):
        return ()
    mean, deviation = data.target_scale
    found = tuple(
        TargetLine(
            target=target.name,
            slope=float(slope[k] * deviation[k]),
            offset=float(offset[k] * deviation[k] + mean[k]),
            taken=_r2(truth[:, k], taken[:, k]),
            fitted=_r2(truth[:, k], fitted[:, k]),
        )
        for k, target in enumerate(data.targets)
    )
    clear = (_exceeds(each, *arrays) for each, *arrays in zip(found, truth.T, fitted.T, taken.T, strict=True))
    return found if any(is_off and is_clear for is_off, is_clear in zip(off, clear, strict=True)) else ()


def is_near(data: Dataset, split: Split, outputs: Outputs, *, are_in_units: bool) -> bool:
    """True where lines through the outputs, taken so, leave every target about as it is."""
    return not _off(data, split, outputs, are_in_units=are_in_units).any()


def _off(data: Dataset, split: Split, outputs: Outputs, *, are_in_units: bool) -> npt.NDArray[np.bool_]:
    slope, offset = _line(split, data.standardised(outputs) if are_in_units else outputs)
    near = (slope > 1 / _MOST_SLOPE) & (slope < _MOST_SLOPE) & (np.abs(offset) < _MOST_OFFSET)
    return np.logical_not(near)


def _line(split: Split, outputs: Outputs) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Slope and offset (targets,) of each standardised target over its output; slope 0 of one that is constant."""
    x, y = outputs.astype(np.float64), split.y.astype(np.float64)
    centred = x - x.mean(axis=0)
    spread = np.square(centred).mean(axis=0)
    together = (centred * (y - y.mean(axis=0))).mean(axis=0)
    slope = np.divide(together, spread, out=np.zeros_like(spread), where=spread > 0)
    return slope, y.mean(axis=0) - slope * x.mean(axis=0)


def _may_exceed(truth: Outputs, fitted: Outputs, taken: Outputs) -> bool:
    """Without intervals, which take time."""
    least = (1 - _LEAST_R2) * truth.var()
    return bool(np.square(fitted - truth).mean() < min(least, np.square(taken - truth).mean()))


def _exceeds(line: TargetLine, truth: Outputs, fitted: Outputs, taken: Outputs) -> bool:
    """In intervals: the line tells something of the target, and errs less than the output as it was taken."""
    gain = np.square(taken - truth) - np.square(fitted - truth)
    ((low, _),) = bootstrap(len(truth), lambda which: (float(gain[which].mean()),))
    return line.fitted.low > _LEAST_R2 and low > 0


def _r2(truth: npt.NDArray[np.float64], answers: npt.NDArray[np.float64]) -> Measurement:
    return regression.measure(truth[:, np.newaxis], answers[:, np.newaxis])["r2"]
