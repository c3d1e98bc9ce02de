"""A network of the user's own, read for a data set, and how well it does before anything is done to it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from search.datasets.rescale import rescaled, usual_normalizations
from search.errors import DataError
from search.metrics.catalog import METRICS, find_metric, quality_metric
from search.metrics.measurement import Measurement
from search.units import measured, named, quality

if TYPE_CHECKING:
    from search.datasets.dataset import Dataset
    from search.metrics.metric import Metric
    from search.networks.loader import Loaded
    from spaces.given import GivenNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What became known of a network when it was read.

    Attributes
    ----------
    network
        As it is compressed.
    metrics
        Every metric of the task by name, of the float network on the validation split.
    metric
        Name of the one by which techniques judge it: accuracy, R2 of values, ROC AUC of anomalies.
    notes
        What was done to it or is assumed, a sentence each.
    """

    network: GivenNetwork
    metrics: Mapping[str, Measurement]
    metric: str
    notes: tuple[str, ...]

    @property
    def quality(self) -> Measurement:
        """The metric by which techniques judge it."""
        return self.metrics[self.metric]

    def text(self) -> str:
        """How well it does, in a sentence: the task's first metric and the one by which techniques judge."""
        first = METRICS[find_metric(self.metric).task][0].name
        shown = ", ".join(named(find_metric(name), self.metrics[name]) for name in dict.fromkeys((first, self.metric)))
        return f"the network as given: {shown} on validation, n = {self.quality.n}"


class NetworkReader:
    """Reads one file for a data set; `reading` is there afterwards.

    Parameters
    ----------
    path
        A ``.keras`` or ``.h5`` file, or a SavedModel folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.reading: Reading | None = None

    def __call__(self, data: Dataset) -> GivenNetwork:
        """The network, made to go with the data.

        Raises
        ------
        JobError
            When there is no file of a known kind.
        DataError
            When the network cannot be used, or not with this data.
        """
        from search.evaluate import float_metrics
        from search.networks.fitting import fit
        from search.networks.load import load

        loaded = load(self._path)
        try:
            fitted = fit(loaded, data)
        except DataError as error:
            raise DataError(f"network {str(self._path)!r}: {error}") from error
        metrics, metric = float_metrics(fitted.network.build(), data), find_metric(quality_metric(data.task))
        notes = (*fitted.notes, *_doubts(loaded, data, metric, metrics[metric.name]))
        self.reading = Reading(network=fitted.network, metrics=metrics, metric=metric.name, notes=notes)
        return fitted.network


_NO_BETTER = {
    "classification": "is right on {} of the validation data, no more than chance",
    "regression": "has an {} on the validation data, no better than answering the mean of the targets",
    "anomaly_detection": "has an {} on the validation data, no better than chance",
}


def _doubts(loaded: Loaded, data: Dataset, metric: Metric, found: Measurement) -> tuple[str, ...]:
    """Say so where the network does no better than one that looks at no input, and which scale would help."""
    if found.interval()[0] > _chance(data):
        return ()
    normalization = data.normalization
    shown = f"{measured(metric, found)} %" if metric.percent else named(metric, found)
    said = (
        f"the network {_NO_BETTER[data.task].format(shown)}: was it trained on "
        f"inputs of another scale than (value - {normalization.offset:g}) x {normalization.factor:g}?"
    )
    return (said, *_better_scales(loaded, data, metric, found))


def _chance(data: Dataset) -> float:
    """What the task's quality metric is without a look at any input."""
    if data.task == "classification":
        return float(np.bincount(data.validation.y).max() / len(data.validation))
    return 0.0 if data.task == "regression" else 0.5


def _better_scales(loaded: Loaded, data: Dataset, metric: Metric, found: Measurement) -> tuple[str, ...]:
    from search.evaluate import float_quality
    from search.networks.fitting import fit

    values: dict[str, float] = {}
    for text, normalization in usual_normalizations(data).items():
        other = rescaled(data, normalization)
        with contextlib.suppress(DataError):  # what its outputs mean is decided anew: on this scale they are others
            values[text] = float_quality(fit(loaded, other).network.build(), other)
    text, value = max(values.items(), key=lambda item: item[1], default=("", -np.inf))
    if value <= max(found.interval()[1], _chance(data)):
        unit = " or of targets, which the data then need too" if data.targets else ""
        return (f"none of the usual scales does better: give its own with --set normalization=OFFSET,FACTOR{unit}",)
    shown = quality(metric, value)
    better = f"it is right on {shown} %" if metric.percent else f"its {metric.title} is {shown}"
    return (f"with --set normalization={text} {better}",)
