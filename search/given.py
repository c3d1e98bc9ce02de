"""A network of the user's own, read for a data set, and how well it does before anything is done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from search.errors import DataError
from search.metrics.catalog import METRICS, find_metric, quality_metric
from search.metrics.measurement import Measurement
from search.units import named

if TYPE_CHECKING:
    from search.datasets.dataset import Dataset
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
        from search.networks.doubts import doubts
        from search.networks.fitting import fit
        from search.networks.load import load

        loaded = load(self._path)
        try:
            fitted = fit(loaded, data)
            metrics = float_metrics(fitted.network.build(), data)
        except DataError as error:
            raise DataError(f"network {str(self._path)!r}: {error}") from error
        notes = (*fitted.notes, *doubts(fitted.network, metrics, loaded, data))
        self.reading = Reading(network=fitted.network, metrics=metrics, metric=quality_metric(data.task), notes=notes)
        return fitted.network
