"""A network of the user's own, read for a data set, and how well it does before anything is done to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from search.datasets.rescale import rescaled, usual_normalizations
from search.errors import DataError, JobError
from search.record import Proportion
from search.units import percent

if TYPE_CHECKING:
    from search.datasets.dataset import Dataset
    from search.networks.fitting import Fitted
    from spaces.given import GivenNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What became known of a network when it was read.

    Attributes
    ----------
    network
        As it is compressed.
    accuracy
        Of the float network on the validation split.
    notes
        What was done to it or is assumed, a sentence each.
    """

    network: GivenNetwork
    accuracy: Proportion
    notes: tuple[str, ...]


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
        from search.evaluate import float_accuracy
        from search.networks.fitting import fit
        from search.networks.load import load

        if data.task != "classification":
            raise JobError(
                f"compress takes classifiers, and data {data.name!r} is of {data.task}: a search trains networks for it"
            )
        loaded = load(self._path)
        try:
            fitted: Fitted = fit(loaded, data)
        except DataError as error:
            raise DataError(f"network {str(self._path)!r}: {error}") from error
        share = float_accuracy(fitted.network.build(), data.validation)
        n = len(data.validation)
        accuracy = Proportion(correct=round(share * n), n=n)
        notes = (*fitted.notes, *_doubts(fitted.network, data, accuracy))
        self.reading = Reading(network=fitted.network, accuracy=accuracy, notes=notes)
        return fitted.network


def _doubts(network: GivenNetwork, data: Dataset, accuracy: Proportion) -> tuple[str, ...]:
    """Say so where the network does no better than naming the most frequent class, and which scale would help."""
    most = float(np.bincount(data.validation.y).max() / len(data.validation))
    if accuracy.interval()[0] > most:
        return ()
    normalization = data.normalization
    said = (
        f"the network is right on {percent(accuracy)} % of the validation data, no more than chance: was it trained on "
        f"inputs of another scale than (value - {normalization.offset:g}) x {normalization.factor:g}?"
    )
    return (said, *_better_scales(network, data, accuracy))


def _better_scales(network: GivenNetwork, data: Dataset, accuracy: Proportion) -> tuple[str, ...]:
    from search.evaluate import float_accuracy

    built = network.build()
    found = {
        text: float_accuracy(built, rescaled(data, normalization).validation)
        for text, normalization in usual_normalizations(data).items()
    }
    text, share = max(found.items(), key=lambda item: item[1])
    if share <= accuracy.interval()[1]:
        return ("none of the usual scales does better: give its own with --set normalization=OFFSET,FACTOR",)
    return (f"with --set normalization={text} it is right on {100 * share:.1f} %",)
