"""One measured figure of merit with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z95 = 1.959963984540054  # 97.5 % quantile of the standard normal
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A metric of `n` samples and its 95 % interval.

    Attributes
    ----------
    value
        In the metric's own unit.
    n
        Samples it was measured on, >= 1.
    low, high
        Ends of the interval, which holds the value; how it is found stands with the metric.

    Raises
    ------
    ValueError
        When a number is not finite, n is below 1 or the value lies outside.
    """

    value: float
    n: int
    low: float
    high: float

    def __post_init__(self) -> None:
        if self.n < 1 or not all(map(math.isfinite, (self.value, self.low, self.high))):
            raise ValueError(f"a measurement of {self.value} ({self.low} to {self.high}) on {self.n} samples is none")
        slack = _ROUNDING * max(1.0, abs(self.value))
        if not self.low - slack <= self.value <= self.high + slack:
            raise ValueError(f"the interval {self.low} to {self.high} does not hold the value {self.value}")

    @classmethod
    def share(cls, correct: int, n: int) -> Measurement:
        """A share of samples, such as an accuracy, with its Wilson interval.

        Raises
        ------
        ValueError
            When it is no share of at least one sample.
        """
        low, high = wilson(correct, n)
        return cls(value=correct / n, n=n, low=low, high=high)

    @classmethod
    def around(cls, value: float, n: int, low: float, high: float) -> Measurement:
        """A measurement whose interval is widened to hold the value: the ends of a bootstrap may miss it."""
        return cls(value=float(value), n=int(n), low=float(min(low, value)), high=float(max(high, value)))

    def interval(self) -> tuple[float, float]:
        """Both ends of the 95 % interval."""
        return self.low, self.high

    def as_figures(self, name: str) -> dict[str, float | int]:
        """The value under `name`, its n and the ends of its interval under names of their own, for JSON."""
        return {name: self.value, f"{name}_n": self.n, f"{name}_low": self.low, f"{name}_high": self.high}


def wilson(correct: int, n: int) -> tuple[float, float]:
    """95 % Wilson score interval (Wilson 1927, the score test inverted) of `correct` of `n`, each end in 0..1.

    Raises
    ------
    ValueError
        When it is no share of at least one sample.
    """
    if n < 1 or not 0 <= correct <= n:
        raise ValueError(f"{correct} of {n} samples is not a proportion")
    share, z2 = correct / n, Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)
