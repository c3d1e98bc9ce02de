"""Statistics of each channel of a window: what vibration and motion are told apart by."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from devices.frontend.channels import length_and_channels, running_sum, series
from devices.frontend.cost import Operations
from devices.frontend.frontend import FrontendError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.frontend.frontend import Constant, Floats

# Simple and slow operations of each statistic, a value of the series; selection by halves takes about
# 3.4 comparisons a value (Knuth, volume 3, section 5.2.2) twice, and the differences one.
_PER_VALUE = {
    "mean": 1,
    "standard_deviation": 3,
    "root_mean_square": 2,
    "minimum": 1,
    "maximum": 1,
    "median_absolute_deviation": 9,
    "mean_absolute_change": 3,
    "crossing_rate": 3,
    "skewness": 3,
    "kurtosis": 3,
}
_CENTRED = frozenset({"standard_deviation", "skewness", "kurtosis"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowStatistics:
    """Settings of the windowed statistics: windows (window, 1, channels) to (channels x statistics,).

    Each setting is a statistic of a channel that is made or left out; the
    features of a channel follow each other in this order.

    Attributes
    ----------
    mean
        Arithmetic mean.
    standard_deviation
        Of the population: divided by the number of values.
    root_mean_square
        Root of the mean square, the constant part included.
    minimum, maximum
        Extremes.
    median_absolute_deviation
        Median of the distances from the median; of an even number the mean of the middle two.
    mean_absolute_change
        Mean distance from one value to the next.
    crossing_rate
        Share of steps that cross the mean, 0..1.
    skewness, kurtosis
        Third and fourth central moment over the powers of the deviation; 0 where that is 0.

    Raises
    ------
    FrontendError
        When no statistic is left.
    """

    name: ClassVar[str] = "window_statistics"
    raw_value_bytes: ClassVar[int] = 4

    mean: bool = True
    standard_deviation: bool = True
    root_mean_square: bool = True
    minimum: bool = True
    maximum: bool = True
    median_absolute_deviation: bool = False
    mean_absolute_change: bool = True
    crossing_rate: bool = False
    skewness: bool = False
    kurtosis: bool = False

    def __post_init__(self) -> None:
        if not self.statistics:
            raise FrontendError("window_statistics makes none: leave one on, such as standard_deviation")

    @property
    def statistics(self) -> tuple[str, ...]:
        """Names of the statistics that are made, in the order of the features."""
        return tuple(item.name for item in fields(self) if getattr(self, item.name))

    @property
    def code_bytes(self) -> int:
        """Machine code of the C++ source (estimated): selecting medians takes most."""
        return 1200 + (2300 if self.median_absolute_deviation else 0) + (900 if self.skewness or self.kurtosis else 0)

    @property
    def int16_steps(self) -> int:
        """1: raw values as they are in the data."""
        return 1

    def outline(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape (channels x statistics,).

        Raises
        ------
        FrontendError
            When the input is no window.
        """
        return (length_and_channels(input_shape)[1] * len(self.statistics),)

    def row_elements(self, input_shape: tuple[int, ...]) -> int:
        """All features: a window is one row."""
        return self.outline(input_shape)[0]

    def apply(self, x: Floats) -> Floats:
        """Features float32 (n, channels x statistics) of windows float32 (n, window, 1, channels).

        Raises
        ------
        FrontendError
            When the input is no window.
        """
        out = np.empty((len(x), *self.outline(x.shape[1:])), np.float32)
        for which, values in series(x):
            out[which] = self._statistics_of(values).T.reshape(len(out[which]), -1)
        return out

    def _statistics_of(self, values: Floats) -> Floats:
        """Statistics (statistics, n) of series (window, n), in the operations of the C++ source."""
        n = np.float32(len(values))
        mean = running_sum(values) / n
        made = {"mean": mean, "minimum": values.min(0), "maximum": values.max(0)}
        if self.root_mean_square:
            made["root_mean_square"] = np.sqrt(running_sum(values * values) / n)
        if self.median_absolute_deviation:
            made["median_absolute_deviation"] = _median(np.abs(values - _median(values)))
        made |= _changes(values, mean) | self._moments(values - mean, n)
        return np.stack([made[name] for name in self.statistics])

    def _moments(self, centred: Floats, n: np.float32) -> dict[str, Floats]:
        if not _CENTRED & set(self.statistics):
            return {}
        squares = centred * centred
        variance = running_sum(squares) / n
        deviation = np.sqrt(variance)
        is_flat = variance == 0
        divisor = np.where(is_flat, np.float32(1), variance)
        third = running_sum(squares * centred) / n / (divisor * np.where(is_flat, np.float32(1), deviation))
        fourth = running_sum(squares * squares) / n / (divisor * divisor)
        return {"standard_deviation": deviation, "skewness": third, "kurtosis": fourth}

    def sources(self) -> tuple[str, ...]:
        """C++ sources in the order they are put together."""
        return ("window_statistics.inc",)

    def constants(self, input_shape: tuple[int, ...]) -> Mapping[str, Constant]:
        """C++ constants of the sources."""
        length, channels = length_and_channels(input_shape)
        flags = {f"kMakes{_camel(item.name)}": bool(getattr(self, item.name)) for item in fields(self)}
        return {"kRows": 1, "kLength": length, "kChannels": channels, **flags}

    def operations(self, input_shape: tuple[int, ...]) -> Operations:
        """Of all channels of one window."""
        length, channels = length_and_channels(input_shape)
        made = set(self.statistics) | {"mean"}
        return Operations(
            simple=channels * length * sum(_PER_VALUE[name] for name in made), slow=channels * 2 * len(made)
        )

    def buffer_bytes(self, input_shape: tuple[int, ...]) -> int:
        """The series that the medians are selected in."""
        return 4 * length_and_channels(input_shape)[0] if self.median_absolute_deviation else 4


def _median(values: Floats) -> Floats:
    half = len(values) // 2
    ordered = np.partition(values, (half - 1, half) if len(values) % 2 == 0 else half, axis=0)
    if len(values) % 2:
        middle: Floats = ordered[half]
        return middle
    mean: Floats = (ordered[half - 1] + ordered[half]) * np.float32(0.5)
    return mean


def _changes(values: Floats, mean: Floats) -> dict[str, Floats]:
    steps = np.float32(len(values) - 1)
    above = values > mean
    crossings = (above[1:] != above[:-1]).sum(0).astype(np.float32)
    return {
        "mean_absolute_change": running_sum(np.abs(values[1:] - values[:-1])) / steps,
        "crossing_rate": crossings / steps,
    }


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
