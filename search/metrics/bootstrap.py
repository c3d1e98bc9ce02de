"""Intervals of figures that have no simple formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RESAMPLES = 500
_SEED = 0  # equal answers give equal intervals


def bootstrap(
    n: int, measure: Callable[[npt.NDArray[np.intp]], Sequence[float]], resamples: int = RESAMPLES
) -> tuple[tuple[float, float], ...]:
    """95 % percentile intervals of several figures of the same samples (Efron 1979), with a fixed seed.

    Parameters
    ----------
    n
        Number of samples, >= 1.
    measure
        The figures of the samples with these numbers, int (n,), each as often
        as it stands there; one that is not finite is left out of its interval.
    resamples
        How often samples are drawn with replacement.

    Returns
    -------
    (low, high) of each figure; (inf, -inf) where no resample gave a finite one.
    """
    import numpy as np

    rng = np.random.Generator(np.random.PCG64(_SEED))
    found = np.array([measure(rng.integers(0, n, n)) for _ in range(resamples)], dtype=np.float64)
    intervals = []
    for column in found.T:
        finite = column[np.isfinite(column)]
        low, high = np.percentile(finite, (2.5, 97.5)) if len(finite) else (np.inf, -np.inf)
        intervals.append((float(low), float(high)))
    return tuple(intervals)
