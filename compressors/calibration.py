"""The ranges of activations, found by running the float network on calibration inputs.

Minimum and maximum keep every value; a percentile drops the rarest; the least
square error weighs what is cut off against the resolution that is won, on a
histogram of all values.  Cutting off what is rare is an old idea; a survey is
Nagel et al., *A White Paper on Neural Network Quantization*, 2021, section 3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from compressors.scaling import SHARES, Range, activation_scaling
from devices.flatbuffer import read_graph

if TYPE_CHECKING:
    from compressors.quantization import Quantization

_BINS = 2048
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often values of a tensor fell into each of equally wide bins.

    Attributes
    ----------
    low, high
        Least and greatest value.
    counts
        Values in each bin, int64 (n,); n >= 1.
    """

    low: float
    high: float
    counts: npt.NDArray[np.int64]

    @property
    def centers(self) -> npt.NDArray[np.float64]:
        """Middle of each bin."""
        width = (self.high - self.low) / len(self.counts)
        return self.low + width * (np.arange(len(self.counts), dtype=np.float64) + 0.5)

    def percentile_range(self, percentile: float) -> Range:
        """Range that leaves out ``100 - percentile`` per cent of the values at either end."""
        edges = np.linspace(self.low, self.high, len(self.counts) + 1)
        reached = np.concatenate([[0], np.cumsum(self.counts)]) / self.counts.sum()
        left = 1.0 - percentile / 100.0
        return float(np.interp(left, reached, edges)), float(np.interp(1.0 - left, reached, edges))

    def least_error_range(self, settings: Quantization) -> Range:
        """Range whose scale rounds the values with the least square error."""

        def error(share: float) -> float:
            scaling = activation_scaling(
                (share * self.low, share * self.high), settings.activation_bits, settings.scales
            )
            rounded = scaling.rounded(self.centers, settings.activation_bits)
            return float(self.counts @ np.square(self.centers - rounded))

        best = min(SHARES, key=error)  # of equals the first, which cuts off least
        return best * self.low, best * self.high


def observed_ranges(content: bytes, samples: npt.NDArray[np.float32], settings: Quantization) -> dict[int, Range]:
    """Range of every activation of a float ``.tflite`` by its index.

    Parameters
    ----------
    content
        The file; its tensors keep their indexes.
    samples
        Inputs (n, *input_shape), n >= 1.
    """
    run = _Run(content)
    reach = run.gather(samples, lambda _, values: (float(values.min()), float(values.max())), _joined)
    if settings.calibration == "minmax":
        return reach

    def counted(index: int, values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        low, high = reach[index]
        bins = (values.astype(np.float64).ravel() - low) / ((high - low) or 1.0) * _BINS
        return np.bincount(np.clip(bins, 0, _BINS - 1).astype(np.int64), minlength=_BINS)

    chosen = {}
    for index, counts in run.gather(samples, counted, np.add).items():
        histogram = Histogram(*reach[index], counts)
        by_share = settings.calibration == "percentile"
        chosen[index] = (
            histogram.percentile_range(settings.percentile) if by_share else histogram.least_error_range(settings)
        )
    return chosen


def _joined(one: Range, other: Range) -> Range:
    return min(one[0], other[0]), max(one[1], other[1])


class _Run:
    """A float file in an interpreter that keeps every tensor."""

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        graph = read_graph(content)
        self._interpreter = Interpreter(
            model_content=content,
            num_threads=1,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._interpreter.allocate_tensors()
        self._input = graph.inputs[0]
        computed = (index for operator in graph.operators for index in operator.outputs)
        self._activations = (self._input, *computed)

    def gather(
        self, samples: npt.NDArray[np.float32], look: Callable[[int, Any], T], join: Callable[[T, T], T]
    ) -> dict[int, T]:
        """What `look` says of every activation, joined over all samples."""
        found: dict[int, T] = {}
        for sample in samples:
            self._interpreter.set_tensor(self._input, sample[np.newaxis])
            self._interpreter.invoke()
            for index in self._activations:
                said = look(index, self._interpreter.get_tensor(index))
                found[index] = join(found[index], said) if index in found else said
        return found
